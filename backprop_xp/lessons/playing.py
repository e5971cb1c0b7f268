"""A lesson in the terminal: text, then code, then what it prints, step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backprop_xp.errors import ConfigurationError
from backprop_xp.lessons.catalogue import Lesson
from backprop_xp.lessons.cells import Cell
from backprop_xp.lessons.plain_text import plain

_BEFORE_THE_SOLUTION = """\
The task is yours now. Solve it in a copy of the lesson, which runs cell by cell:

    python -m backprop_xp learn {number} --notebook     for Jupyter
    {path}
                                                for VS Code or Spyder
"""


def play(lesson: Lesson, ask: Callable[[str], bool] | None = None) -> dict[str, Any]:
    """Show the cells of a lesson and run its code; return the names that it has defined.

    Parameters
    ----------
    lesson : Lesson
    ask : callable, optional
        Waits for the learner and says whether to go on; by default nobody waits.

    Raises
    ------
    ConfigurationError
        A library that the lesson needs is missing.
    """
    names: dict[str, Any] = {"__name__": "__main__", "__file__": str(lesson.path)}
    for cell in lesson.cells:
        if cell.is_text:
            print(f"\n{plain(cell.source)}\n")
            continue
        if cell.tag == "solution" and ask is not None:
            print(_BEFORE_THE_SOLUTION.format(number=lesson.number, path=lesson.path))
            if not ask("Enter shows a solution, q ends: "):
                return names
        print("\n".join(f"  | {line}".rstrip() for line in cell.source.splitlines()), flush=True)
        if ask is not None and not ask("\nEnter runs this, q ends: "):
            return names
        print()
        run(lesson, cell, names)
    return names


def run(lesson: Lesson, cell: Cell, names: dict[str, Any]) -> None:
    """Run a cell of code; lines in a traceback are those of the file."""
    code = "\n" * (cell.line - 1) + cell.source
    try:
        exec(compile(code, str(lesson.path), "exec", dont_inherit=True), names)
    except ImportError as problem:
        raise ConfigurationError(f"lesson {lesson.number} goes no further: {problem}") from problem
