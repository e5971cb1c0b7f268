"""The lessons there are: each file NN_name.py beside this one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from backprop_xp.errors import ConfigurationError, shown
from backprop_xp.lessons.cells import Cell, cells_of

# How fast a learner reads words and lines of code, per minute, and how long a task takes.
_WORDS, _LINES, _TASK = 130, 25, 3


@dataclass(frozen=True)
class Lesson:
    """A lesson: its file, and what is in it."""

    path: Path

    @property
    def number(self) -> int:
        """Which lesson it is."""
        return int(self.path.name[:2])

    @cached_property
    def cells(self) -> list[Cell]:
        """Text and code in their order."""
        return cells_of(self.path.read_text(encoding="utf-8"))

    @property
    def title(self) -> str:
        """What its first line says, without the number."""
        return self.cells[0].source.partition("\n")[0].partition(". ")[2]

    @property
    def minutes(self) -> int:
        """How long it takes a learner, from its length."""
        words = sum(len(cell.source.split()) for cell in self.cells if cell.is_text)
        lines = sum(cell.source.count("\n") + 1 for cell in self.cells if not cell.is_text)
        return round(words / _WORDS + lines / _LINES + _TASK)


def lessons() -> list[Lesson]:
    """All of them, in their order."""
    return [Lesson(path) for path in sorted(Path(__file__).parent.glob("[0-9][0-9]_*.py"))]


def lesson(number: int) -> Lesson:
    """Return the lesson of that number.

    Raises
    ------
    ConfigurationError
        There is none.
    """
    found = {each.number: each for each in lessons()}
    if number not in found:
        raise ConfigurationError(
            f"lesson {shown(number)}: expected a number from 1 to {len(found)}"
        )
    return found[number]
