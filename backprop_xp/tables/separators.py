"""What separates the fields of a CSV: a line of Excel's says so, or its first rows do."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

SEPARATORS = "\t;|,"
"""Those that are looked for; of equally good ones the first, since commas stand in numbers too."""

_SAID = re.compile(r'"?sep=(.|\\t)"?\s*', re.IGNORECASE)


def said(line: str) -> str | None:
    """The separator that a first line such as `sep=;` names, which Excel writes."""
    match = _SAID.fullmatch(line)
    return None if match is None else match[1].replace("\\t", "\t")


def find_separator(lines: Sequence[str]) -> str:
    """Parse the first lines by each separator, and return that by which the rows are alike."""
    return max(SEPARATORS, key=lambda separator: _fits(lines, separator))


def _fits(lines: Sequence[str], separator: str) -> tuple[float, float, int]:
    """How many rows have as many fields as the header, counted first if they have several."""
    rows = csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)
    widths: list[int] = []
    try:
        widths.extend(len(row) for row in rows if row)
    except csv.Error:  # text behind a closing quote; or the last field goes on after these lines
        if rows.line_num < len(lines):
            return 0.0, 0.0, 0
    if not widths:
        return 0.0, 0.0, 0
    share = widths.count(widths[0]) / len(widths)
    return share if widths[0] > 1 else 0.0, share, widths[0]
