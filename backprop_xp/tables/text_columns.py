"""Columns of text in a terminal, and tables of scores."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence


def cells(texts: Sequence[str], widths: Sequence[int]) -> str:
    """Put texts side by side, each to the right of its column."""
    return "  ".join(
        " " * (most - width(text)) + text for text, most in zip(texts, widths, strict=True)
    )


def padded(text: str, most: int) -> str:
    """Fill a text up with blanks."""
    return text + " " * (most - width(text))


def width(text: str) -> int:
    """Columns in a terminal: East Asian characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in text
    )


def short(name: str, most: int = 20) -> str:
    """A name in one line, cut if it is long."""
    name = " ".join(name.split()) or "''"
    return name if len(name) <= most else name[: most - 1] + "…"


def short_names(names: Sequence[str], most: int = 20) -> list[str]:
    """Names in one line each, cut so that different ones stay so: in the middle if need be."""
    cut = [short(name, most) for name in names]
    if len(set(cut)) == len(cut):
        return cut
    head, tail = most // 2 - 1, most // 2
    return [
        short(name, most) if len(name) <= most else f"{name[:head]}…{short(name[-tail:], tail)}"
        for name in names
    ]


def table(names: Sequence[str], head: Sequence[str], columns: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table: a name, and a cell of every column."""
    widths = [max(map(width, (top, *body))) for top, body in zip(head, columns, strict=True)]
    first = max(map(width, names))
    rows = zip(*columns, strict=True)
    lines = [f"  {padded('', first)}  {cells(head, widths)}"]
    lines += [
        f"  {padded(name, first)}  {cells(row, widths)}"
        for name, row in zip(names, rows, strict=True)
    ]
    return lines


def rate(value: float) -> str:
    """A number with three decimals, or a dash where there is none."""
    return f"{value:.3f}" if math.isfinite(value) else "–"
