"""Task: what a target column asks for, and its values as the network's Y and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np

from backprop_xp.errors import ConfigurationError, DataError
from backprop_xp.tables.columns import (
    Series,
    as_numbers,
    as_text,
    holds,
    is_text,
    kind,
    not_a_number,
    not_alike,
    read_as_numbers,
)
from backprop_xp.tables.dates import spelling_of
from backprop_xp.tables.looks import Lookup, look, merged, same_value
from backprop_xp.wording import plural, quoted

KINDS = ("binary", "multiclass", "regression")
_NAMES = {
    "binary": "binary classification",
    "multiclass": "multiclass classification",
    "regression": "regression",
}
# Whole numbers with up to so many values are labels; with more they are quantities.
_NUMBER_LABELS = 20
# More classes than this are taken for a mistake, unless the user asks for them.
_TEXT_LABELS = 100


@dataclass(frozen=True)
class Task:
    """What is to be predicted.

    Attributes
    ----------
    target : str
        The column.
    kind : str
        "binary", "multiclass" or "regression".
    why : str
        What was seen in the column, for the user.
    classes : tuple of str, int or float
        The labels in order; () for a regression.
    mean, deviation : float
        Of a regression's target on the training rows: the network sees (y − mean) / deviation.
    """

    target: str
    kind: str
    why: str
    classes: tuple[Any, ...] = ()
    mean: float = 0.0
    deviation: float = 1.0

    @property
    def name(self) -> str:
        """Such as "binary classification"."""
        return _NAMES[self.kind]

    @property
    def output(self) -> str:
        """g of the output layer."""
        return {"binary": "sigmoid", "multiclass": "softmax"}.get(self.kind, "identity")

    @property
    def outputs(self) -> int:
        """The width of the output layer, n_L."""
        return len(self.classes) if self.kind == "multiclass" else 1

    def labels(self, column: Series) -> np.ndarray:
        """The column as numbers of `classes`, −1 for what is none of them; int64, (m,)."""
        codes, texts = as_text(column)
        places = np.array([*map(Lookup(self.classes).find, texts), -1], dtype=np.int64)
        labels: np.ndarray = places[codes]
        return labels

    def known(self, column: Series) -> np.ndarray:
        """Which rows have a target that can be scored: not missing, and one of the classes."""
        if self.classes:
            return np.asarray(self.labels(column) >= 0)
        return np.asarray(np.isfinite(self.values(column)))

    def values(self, column: Series) -> np.ndarray:
        """The column of a regression, in its own units; float64, (m,)."""
        return as_numbers(column, f"the target {self.target!r}")

    def encode(self, column: Series) -> np.ndarray:
        """The column as the network's Y, (m,)."""
        if self.classes:
            return self.labels(column)
        return (self.values(column) - self.mean) / self.deviation

    def fitted(self, column: Series) -> Task:
        """Return this task with the mean and deviation of the training rows."""
        if self.classes:
            return self
        values = self.values(column)
        with np.errstate(over="ignore"):
            mean, deviation = float(values.mean()), float(values.std())
        if not (np.isfinite(mean) and np.isfinite(deviation) and deviation > 0):
            raise DataError(
                f"the target {self.target!r} cannot be standardised on the training rows: its mean "
                f"is {mean:g} and its deviation {deviation:g}"
            )
        return replace(self, mean=mean, deviation=deviation)


def infer_task(
    column: Series,
    target: str,
    asked: str | None = None,
    decimal: str = ".",
    notices: list[str] | None = None,
) -> Task:
    """Say what a target column asks for.

    Text, booleans and categories are labels; so are two different numbers, and whole numbers with
    up to 20 values. All other numbers are a regression. Labels keep the names that they have in the
    column: whole numbers of any width, 00501, 1.50; those that look the same are one.

    Parameters
    ----------
    column : pandas.Series
        Without missing values.
    target : str
        Its name.
    asked : str, optional
        One of `KINDS`, to decide otherwise.
    decimal : str
        What stands before decimals where numbers are text.
    notices : list of str, optional
        Gets a line if labels look the same.

    Raises
    ------
    DataError
        Nothing can be learned of this column: one value only, too many labels, dates, …
    ConfigurationError
        The column is not what was asked for.
    """
    kind_ = kind(column)
    if kind_ not in ("number", "category"):
        raise DataError(f"the target {target!r} holds {holds(column)}: expected numbers or labels")
    numbers = read_as_numbers(column)
    numeric = kind_ == "number" or (numbers is not None and not numbers.digits_alone)
    classes, alike = _classes(column, target, numeric, decimal)
    if numeric:
        values = as_numbers(column, f"the target {target!r}", decimal)
        seen, labels = _numbers(bool((values % 1 == 0).all()), len(classes))
    else:
        what = "text" if is_text(column) else "labels"
        seen, labels = f"{what} with {plural(len(classes), 'value')}", True
    if len(classes) == 1:
        raise DataError(
            f"the target {target!r} is {quoted(classes[0])} in every row: there is nothing to learn"
        )
    task = asked or (
        "regression" if not labels else "binary" if len(classes) == 2 else "multiclass"
    )
    _check(task, asked, numeric, target, classes, column)
    why = f"{seen} → {_NAMES[task]}" + (" (--task)" if asked else "")
    if task == "regression":
        return Task(target, task, why)
    if notices is not None:
        notices += alike
    return Task(target, task, why, classes)


def _classes(
    column: Series, target: str, numeric: bool, decimal: str
) -> tuple[tuple[Any, ...], list[str]]:
    """The labels in order, numbers by their values, and what to say of those that are alike."""
    codes, texts = as_text(column)
    if numeric and not is_text(column):
        return tuple(_number(text) for text in sorted(texts, key=Decimal)), []
    counts = np.bincount(codes, minlength=len(texts))
    if not numeric:
        names, notices = merged(texts, counts, f"target {target!r}")
        return tuple(sorted(set(names))), notices
    first = np.unique(codes, return_index=True)[1]
    values = as_numbers(column.iloc[first], f"the target {target!r}", decimal)
    names, notices = merged(
        texts, counts, f"target {target!r}", key=_whole, alike="are the same whole number"
    )
    order = dict(zip(names, values, strict=True))
    return tuple(sorted(order, key=order.__getitem__)), notices


def _whole(text: str) -> str:
    """What whole numbers are compared by: 1 and 1.0 are one label, 1.5 and 1.50 may be two."""
    value = same_value(look(text))
    return value if value.removeprefix("-").isdigit() else look(text)


def _number(text: str) -> int | float | str:
    """A number as such, if nothing of it is lost."""
    if text.removeprefix("-").isdigit():
        return int(text)
    return float(text) if str(float(text)) == text else text


def _numbers(whole: bool, count: int) -> tuple[str, bool]:
    """What to say of so many different numbers, and whether they are labels."""
    what = "whole numbers" if whole else "numbers"
    return f"{what} with {plural(count, 'value')}", count == 2 or (
        whole and count <= _NUMBER_LABELS
    )


def _check(
    task: str, asked: str | None, numeric: bool, target: str, classes: Sequence[Any], column: Series
) -> None:
    """Raise if the task does not fit the column."""
    if task == "binary" and len(classes) != 2:
        raise ConfigurationError(
            f"--task binary: the target {target!r} has {len(classes)} values, not 2"
        )
    if task == "regression" and not (numeric or read_as_numbers(column)):
        row, value, _ = not_a_number(column)
        raise ConfigurationError(
            f"--task regression: the target {target!r} is not numbers (row {row}: {quoted(value)})"
        )
    many = len(classes) > min(_TEXT_LABELS, len(column) / 2)
    if task == "multiclass" and asked is None and not numeric and many:
        raise DataError(
            f"the target {target!r} is text with {len(classes):,} values in {len(column):,} rows; "
            f"{_many_labels(column)}"
        )


def _many_labels(column: Series) -> str:
    """What to do about so many."""
    row, value, numbers = not_a_number(column)
    if spelling_of(column) is not None:
        return f"they are dates, such as {quoted(value)}: expected numbers or labels"
    if numbers == len(column):
        return not_alike(column) or "all are digits: say --task regression, or --task multiclass"
    if numbers > len(column) // 2:
        return (
            f"{numbers:,} of {len(column):,} are numbers, but row {row} has {quoted(value)}: "
            f"correct such rows for a regression, or say --missing {quoted(value)}"
        )
    return f"such as {quoted(value)}: merge them, or say --task multiclass"
