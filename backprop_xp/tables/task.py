"""Task: what a target column asks for, and its values as the network's Y and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from backprop_xp.errors import ConfigurationError, DataError
from backprop_xp.tables.columns import Series, as_numbers, as_text, is_text, kind, not_a_number

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
        import pandas as pd

        text = isinstance(self.classes[0], str)
        values = as_text(column) if text else as_numbers(column, f"the target {self.target!r}")
        return np.asarray(pd.Index(self.classes).get_indexer(values), dtype=np.int64)

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


def infer_task(column: Series, target: str, asked: str | None = None) -> Task:
    """Say what a target column asks for.

    Text, booleans and categories are labels; so are two different numbers, and whole numbers with
    up to 20 values. All other numbers are a regression.

    Parameters
    ----------
    column : pandas.Series
        Without missing values.
    target : str
        Its name.
    asked : str, optional
        One of `KINDS`, to decide otherwise.

    Raises
    ------
    DataError
        Nothing can be learned of this column: one value only, too many labels, dates, …
    ConfigurationError
        The column is not what was asked for.
    """
    holds = kind(column)
    if holds not in ("number", "category"):
        raise DataError(f"the target {target!r} is {column.dtype}: expected numbers or labels")
    if holds == "number":
        classes, seen, labels = _numbers(as_numbers(column, f"the target {target!r}"))
    else:
        classes = tuple(np.unique(as_text(column)).tolist())
        what = "text" if is_text(column) else "labels"
        seen, labels = f"{what} with {_count(len(classes))}", True
    if len(classes) == 1:
        raise DataError(
            f"the target {target!r} is {classes[0]!r} in every row: there is nothing to learn"
        )
    task = asked or (
        "regression" if not labels else "binary" if len(classes) == 2 else "multiclass"
    )
    _check(task, asked, holds, target, classes, column)
    why = f"{seen} → {_NAMES[task]}" + (" (--task)" if asked else "")
    return Task(target, task, why, () if task == "regression" else classes)


def _numbers(values: np.ndarray) -> tuple[tuple[Any, ...], str, bool]:
    """The different numbers, what to say of them, and whether they are labels."""
    different = np.unique(values)
    whole = bool((different == np.round(different)).all())
    classes = tuple(int(v) if v.is_integer() else v for v in different.tolist())
    what = "whole numbers" if whole else "numbers"
    labels = len(classes) == 2 or (whole and len(classes) <= _NUMBER_LABELS)
    return classes, f"{what} with {_count(len(classes))}", labels


def _check(
    task: str, asked: str | None, holds: str, target: str, classes: Sequence[Any], column: Series
) -> None:
    """Raise if the task does not fit the column."""
    if task == "binary" and len(classes) != 2:
        raise ConfigurationError(
            f"--task binary: the target {target!r} has {len(classes)} values, not 2"
        )
    if task == "regression" and holds != "number":
        row, value, _ = not_a_number(column)
        raise ConfigurationError(
            f"--task regression: the target {target!r} is not numbers (row {row}: {value!r})"
        )
    many = len(classes) > min(_TEXT_LABELS, len(column) / 2)
    if task == "multiclass" and asked is None and holds == "category" and many:
        row, value, numbers = not_a_number(column)
        hint = (
            f"{numbers:,} of {len(column):,} are numbers, but row {row} has {value!r}: correct "
            "such rows for a regression"
            if numbers > len(column) // 2
            else f"such as {value!r}: merge them, or say --task multiclass"
        )
        raise DataError(
            f"the target {target!r} is text with {len(classes):,} values in {len(column):,} rows; "
            f"{hint}"
        )


def _count(values: int) -> str:
    return f"{values:,} value" + ("s" if values != 1 else "")
