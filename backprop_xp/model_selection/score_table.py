"""ScoreTable: what cross-validation and a search have found, a row for each thing tried."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

_MOST_LINES = 30


@dataclass(frozen=True)
class ScoreTable:
    """A table of scores, which prints well.

    Attributes
    ----------
    columns : dict of str to list
        The table by columns, as `pandas.DataFrame(table.columns)` takes it.
    score : str
        The name of the column that says how good a row is: "accuracy" or "r2", higher is better.
        It is NaN where training diverged.
    summary : str
        A line on what was trained.

    Examples
    --------
    >>> table = ScoreTable({"l2": [0.0, 0.1], "r2": [0.5, 2 / 3]}, "r2", "two settings")
    >>> table.best
    {'l2': 0.1, 'r2': 0.6666666666666666}
    >>> print(table)
     l2      r2
      0  0.5000
    0.1  0.6667
    two settings
    """

    columns: dict[str, list[Any]]
    score: str
    summary: str

    def __len__(self) -> int:
        return len(self.columns[self.score])

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The table by rows."""
        names = list(self.columns)
        return [
            dict(zip(names, row, strict=True)) for row in zip(*self.columns.values(), strict=True)
        ]

    @property
    def best(self) -> dict[str, Any]:
        """The row with the highest score, the first of equals."""
        return max(self.rows, key=lambda row: _ranked(row[self.score]))

    def __str__(self) -> str:
        texts = [[name, *_texts(values)] for name, values in self.columns.items()]
        texts = [[text.rjust(max(map(len, column))) for text in column] for column in texts]
        lines = ["  ".join(line) for line in zip(*texts, strict=True)]
        hidden = len(lines) - 1 - _MOST_LINES
        shown = lines if hidden <= 0 else [*lines[: _MOST_LINES + 1], f"… {hidden} more rows"]
        return "\n".join([*shown, self.summary])


def _ranked(score: float) -> float:
    return -math.inf if math.isnan(score) else score


def _texts(values: list[Any]) -> list[str]:
    """A column as texts: what was chosen as it was written, what was measured to four places."""
    short = [f"{value:g}" if isinstance(value, float) else str(value) for value in values]
    as_written = all(
        len(text) <= 6 and float(text) == v for text, v in zip(short, values, strict=True)
    )
    if as_written:
        return short
    return [f"{v:.4f}" if not isinstance(v, float) or abs(v) < 1e4 else f"{v:.4g}" for v in values]
