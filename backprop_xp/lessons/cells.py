"""The percent format: a script whose cells begin with `# %%`, text cells with `# %% [markdown]`."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MARKER = re.compile(r'# %%(?P<text> \[markdown\])?(?: tags=\["(?P<tag>\w+)"\])?')


@dataclass(frozen=True)
class Cell:
    """A cell of a lesson.

    Attributes
    ----------
    source : str
        Markdown, or Python.
    is_text : bool
    tag : str
        "task", "check", "solution" or "".
    line : int
        Where the source begins in the file, from 1.
    """

    source: str
    is_text: bool
    tag: str
    line: int


def cells_of(script: str) -> list[Cell]:
    """Cut a script into its cells."""
    cells: list[Cell] = []
    lines = script.splitlines()
    starts = [n for n, line in enumerate(lines) if line.startswith("# %%")]
    for start, stop in zip(starts, [*starts[1:], len(lines)], strict=True):
        marker = _MARKER.fullmatch(lines[start])
        if marker is None:
            raise ValueError(f"line {start + 1}: {lines[start]!r} begins no cell")
        is_text, body = bool(marker["text"]), lines[start + 1 : stop]
        source = "\n".join(_uncommented(line) for line in body) if is_text else "\n".join(body)
        leading = len(source) - len(source.lstrip("\n"))
        cells.append(Cell(source.strip("\n"), is_text, marker["tag"] or "", start + 2 + leading))
    return cells


def _uncommented(line: str) -> str:
    return line.removeprefix("#").removeprefix(" ")
