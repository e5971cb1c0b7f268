"""Small pieces of Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]], rule: str = "---:|") -> str:
    """Return a table; the first column is text, the others are figures unless ``rule`` differs."""
    lines = ["| " + " | ".join(header) + " |", "|---|" + rule * (len(header) - 1)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def number(value: float, form: str = ".2f") -> str:
    """Return a number, or a dash for NaN."""
    return "–" if math.isnan(value) else format(value, form)


def microseconds(seconds: float) -> str:
    """Return a duration in µs with about three digits."""
    if math.isnan(seconds):
        return "–"
    value = seconds * 1e6
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def page(title: str, *sections: str) -> str:
    """Join a title and the sections that are not empty."""
    return "\n\n".join([f"# {title}", *filter(None, sections)]) + "\n"
