"""Preprocessing: mixed columns as the network's X, by what the training rows have taught.

What was learned are a few numbers and texts per column, which travel in the model file and are
applied by the formulas here: a prediction needs no pickle, and no particular version of a library.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TypeAlias

import numpy as np

from backprop_xp.errors import DataError
from backprop_xp.tables.columns import Frame, Series, as_numbers, as_text, row_number
from backprop_xp.tables.dates import as_dates, parts_of
from backprop_xp.tables.looks import Lookup, look
from backprop_xp.wording import quoted


@dataclass(frozen=True)
class Number:
    """A column of numbers: (x − mean) / deviation, a missing x being the median.

    `mark` adds a feature that is 1 where x was missing. A deviation of 0 makes the feature 0.
    """

    name: str
    median: float
    mean: float
    deviation: float
    mark: bool

    @property
    def width(self) -> int:
        """How many features it makes."""
        return 1 + self.mark

    def fill(self, X: np.ndarray, column: Series) -> None:
        """Write the features of a column into X, (m, width) of zeros."""
        values = as_numbers(column, f"column {self.name!r}")
        missing = np.isnan(values)
        values = np.where(missing, self.median, values)
        if self.deviation > 0:
            with np.errstate(over="ignore"):
                X[:, 0] = (values - self.mean) / self.deviation
        if not np.isfinite(X[:, 0]).all():
            at = int(np.argmin(np.isfinite(X[:, 0])))
            raise DataError(
                f"column {self.name!r} is {values[at]:g} in row {row_number(column, at)}, too far "
                f"from the training rows (mean {self.mean:g}, deviation {self.deviation:g})"
            )
        if self.mark:
            X[:, 1] = missing


@dataclass(frozen=True)
class Category:
    """A column of categories: one feature per value, 1 where the row has it.

    The value None is a missing one. With `other` the last feature stands for all values that are
    not listed; without, such a value is an error. `text` says that the values were text and not
    booleans. `missing_text` is a text that stands for a missing value, as in models of earlier
    versions.
    """

    name: str
    values: tuple[str | None, ...]
    other: bool
    text: bool
    missing_text: str | None = None

    @property
    def width(self) -> int:
        """How many features it makes."""
        return len(self.values) + self.other

    def fill(self, X: np.ndarray, column: Series, allow_unseen: bool) -> None:
        """Write the features of a column into X, (m, width) of zeros."""
        numbers, texts = as_text(column)
        known = Lookup(self.values)
        named = [None if text == self.missing_text else text for text in texts]
        places = np.array([*map(known.find, named), known.find(None)], dtype=np.int64)
        codes = places[numbers]  # the number of a missing value, −1, takes the last
        unseen = codes < 0
        if self.other:
            codes = np.where(unseen, len(self.values), codes)
        elif unseen.any() and not allow_unseen:
            rows = np.flatnonzero(unseen)
            value = None if numbers[rows[0]] < 0 else texts[numbers[rows[0]]]
            raise DataError(self._unseen(column, value, rows))
        rows = np.flatnonzero(codes >= 0)
        X[rows, codes[rows]] = 1.0

    def _unseen(self, column: Series, value: str | None, rows: np.ndarray) -> str:
        row, name = row_number(column, rows[0]), self.name
        many = f"({len(rows):,} of {len(column):,} rows have such values)"
        advice = "let such rows have none of the known values: --allow-unseen"
        if value is None:
            return (
                f"column {name!r} has no value in row {row}, but all rows had one at training "
                f"{many}. Fill it in, or {advice}"
            )
        near = get_close_matches(value, [v for v in self.values if v is not None], n=1)
        hint = f" Did you mean {quoted(near[0])}?" if near else ""
        return (
            f"column {name!r} has {quoted(value)} in row {row}, which no row had at training "
            f"{many}.{hint} Correct it, or {advice}"
        )


@dataclass(frozen=True)
class Date:
    """A column of dates: numbers such as the year and the day of the week, each standardised.

    `spelling` is how texts spell the date; `parts` has a `Number` for each of some of
    `backprop_xp.tables.dates.PARTS`, by its name.
    """

    name: str
    spelling: str
    parts: tuple[Number, ...]

    @property
    def width(self) -> int:
        """How many features it makes."""
        return sum(part.width for part in self.parts)

    def fill(self, X: np.ndarray, column: Series) -> None:
        """Write the features of a column into X, (m, width) of zeros."""
        numbers = parts_of(as_dates(column, self.spelling, f"column {self.name!r}"))
        start = 0
        for part in self.parts:
            part.fill(X[:, start : start + part.width], numbers[part.name])
            start += part.width


Column: TypeAlias = Number | Category | Date


@dataclass(frozen=True)
class Preprocessing:
    """What turns a frame's columns into X; `fit_preprocessing` makes it.

    Attributes
    ----------
    columns : tuple of Number, Category and Date
        In the order of their features in X.
    target : str
        The column to be predicted, which a frame may have.
    left_out : tuple of str
        Columns that were in the training file but are not used; a frame may have them.
    """

    columns: tuple[Column, ...]
    target: str
    left_out: tuple[str, ...] = field(default=())

    @property
    def features(self) -> int:
        """n_0: the width of X."""
        return sum(column.width for column in self.columns)

    @property
    def text(self) -> list[str]:
        """The columns that hold text: to be read as such, even where they look like numbers."""
        return [c.name for c in self.columns if isinstance(c, Date) or getattr(c, "text", False)]

    def transform(self, frame: Frame, allow_unseen: bool = False) -> np.ndarray:
        """Return X, float32, (m, features).

        Raises
        ------
        DataError
            A column is missing or unknown, holds text where numbers were, or a value that no row
            had at training (unless `allow_unseen`, which gives it zeros).
        """
        frame = self._named_alike(frame)
        self.check(list(frame.columns))
        X = np.zeros((len(frame), self.features), dtype=np.float32)
        start = 0
        for column in self.columns:
            part = X[:, start : start + column.width]
            if isinstance(column, Category):
                column.fill(part, frame[column.name], allow_unseen)
            else:
                column.fill(part, frame[column.name])
            start += column.width
        return X

    def _named_alike(self, frame: Frame) -> Frame:
        """The frame, with our names for columns whose names look the same."""
        ours = [*(column.name for column in self.columns), *self.left_out, self.target]
        known = {look(name): name for name in ours}
        return frame.rename(columns=lambda name: known.get(look(str(name)), name))

    def check(self, names: Sequence[str]) -> None:
        """Raise DataError unless these are the columns of the training file."""
        known = [column.name for column in self.columns]
        absent = [name for name in known if name not in set(names)]
        allowed = {*known, *self.left_out, self.target}
        extra = [name for name in names if name not in allowed]
        if absent:
            near = get_close_matches(absent[0], extra, n=1)
            hint = f". Is {near[0]!r} meant for {absent[0]!r}?" if near else ""
            raise DataError(f"{_columns(absent)} of the training file {_are(absent)} missing{hint}")
        if extra:
            raise DataError(
                f"{_columns(extra)} {_are(extra)} not in the training file: remove "
                f"{'it' if len(extra) == 1 else 'them'}"
            )


def _columns(names: Sequence[str]) -> str:
    return f"column{'s' if len(names) > 1 else ''} {listed(map(repr, names))}"


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def listed(names: Sequence[str] | map[str], most: int = 6) -> str:
    """Return names with commas, the first few of many: a, b, c and 5 more."""
    names = list(names)
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
