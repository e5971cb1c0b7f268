"""Fitting the preprocessing: what the training rows teach about each column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from backprop_xp.errors import DataError
from backprop_xp.sources import extras
from backprop_xp.tables.columns import (
    Frame,
    Series,
    as_numbers,
    as_text,
    is_text,
    kind,
    not_a_number,
    row_number,
)
from backprop_xp.tables.preprocessing import Category, Number, Preprocessing, listed

# One feature per category, up to so many; the rarest beyond share one.
_CATEGORIES = 100
# A text column is an identifier or free text if more than half of so many values are different.
_IDENTIFIER_ROWS = 20
# Names of a column that counts the rows.
_COUNTERS = {"", "id", "index", "row", "rownames", "row_id", "row_number", "unnamed: 0"}


def fit_preprocessing(
    frame: Frame, target: str, drop: Sequence[str] = (), together: bool = False
) -> tuple[Preprocessing, list[str]]:
    """Learn how to turn columns into X.

    Numbers are standardised, a missing one being the median with a feature that marks it.
    Categories become one feature each, "missing" among them; a column of more than 100 keeps the 99
    most frequent, and the rest share a feature. Left out are identifiers (text of which more than
    half the values are different; the number of the row), dates, and what `drop` names.

    Parameters
    ----------
    frame : pandas.DataFrame
        The training rows, and no others; its index numbers the rows of the file from 0.
    target : str
        The column to be predicted.
    drop : sequence of str
        Columns to leave out.
    together : bool
        Standardise all numbers by one mean and deviation, as pixels want it.

    Returns
    -------
    preprocessing : Preprocessing
    notices : list of str
        What was done that the user may not expect, a line each.

    Raises
    ------
    DataError
        A column has no values, is infinite somewhere, or nothing is left to learn from.
    """
    left_out, notices = list(drop), []
    kinds: dict[str, str] = {}
    for name in frame.columns:
        if name == target or name in drop:
            continue
        kinds[name], why = _use(frame[name], name)
        if why:
            notices.append(f"column {name!r} is left out: {why}")
            left_out.append(name)
            del kinds[name]
    if not kinds:
        raise DataError(f"no column is left to learn {target!r} from")
    numbers = [name for name, holds in kinds.items() if holds == "number"]
    categories = [name for name, holds in kinds.items() if holds == "category"]
    fitted: dict[str, Number | Category] = {}
    fitted.update(_fit_numbers(frame, numbers, together, notices))
    fitted.update(_fit_categories(frame, categories, notices))
    columns = tuple(fitted[name] for name in kinds)
    return Preprocessing(columns, target, tuple(left_out)), notices


def _use(column: Series, name: str) -> tuple[str, str]:
    """What a column is used as, and why it is not."""
    holds = kind(column)
    if holds == "empty":
        raise DataError(
            f"column {name!r} has no value in any of the {len(column):,} training rows: remove it, "
            f"or leave it out with --drop {name!r}"
        )
    if holds == "other":
        return holds, f"{column.dtype} values are neither numbers nor categories"
    if holds == "number":
        counts = name.lower() in _COUNTERS and _counts_rows(column)
        return holds, "it counts the rows" if counts else ""
    different, present = column.nunique(), int(column.notna().sum())
    if different > max(_IDENTIFIER_ROWS, present // 2):
        row, value, are_numbers = not_a_number(column)
        if are_numbers > present // 2:
            raise DataError(
                f"column {name!r} holds {are_numbers:,} numbers, but row {row} has {value!r}: "
                f"correct or empty such fields, or leave it out with --drop {name!r}"
            )
        return holds, f"{different:,} different values in {present:,} rows look like an identifier"
    return holds, ""


def _counts_rows(column: Series) -> bool:
    values = as_numbers(column, "column")
    return len(column) > 2 and bool(np.ptp(values - column.index.to_numpy()) == 0)


def _fit_numbers(
    frame: Frame, names: list[str], together: bool, notices: list[str]
) -> dict[str, Number]:
    if not names:
        return {}
    impute = extras.extra("sklearn.impute", "tables", "training on a table")
    scale = extras.extra("sklearn.preprocessing", "tables", "training on a table")
    X = np.column_stack([as_numbers(frame[name], f"column {name!r}") for name in names])
    missing = np.isnan(X).sum(axis=0)
    imputer = impute.SimpleImputer(strategy="median")
    with np.errstate(over="ignore", invalid="ignore"):
        X = imputer.fit_transform(X)
        scaler = scale.StandardScaler().fit(X)
        means, deviations = scaler.mean_, scaler.scale_
        if together:
            means, deviations = np.full(len(names), X.mean()), np.full(len(names), X.std())
    for i, name in enumerate(names):
        if not np.isfinite(scaler.var_[i]):
            row = int(np.argmax(np.abs(X[:, i])))
            raise DataError(
                f"column {name!r} is {X[row, i]:g} in row {row_number(frame, row)}: too large "
                "to be standardised"
            )
        if missing[i]:
            notices.append(
                f"column {name!r}: {missing[i]:,} missing → the median, "
                f"{imputer.statistics_[i]:g}, and marked"
            )
    constant = np.ptp(X, axis=0) == 0
    if constant.any():
        these = [name for name, same in zip(names, constant, strict=True) if same]
        notices.append(f"the same number in every row, so of no use: {listed(these)}")
    deviations = np.where(constant, 0.0, deviations)
    return {
        name: Number(
            name,
            float(imputer.statistics_[i]),
            float(means[i]),
            float(deviations[i]),
            bool(missing[i]),
        )
        for i, name in enumerate(names)
    }


def _fit_categories(frame: Frame, names: list[str], notices: list[str]) -> dict[str, Category]:
    if not names:
        return {}
    scale = extras.extra("sklearn.preprocessing", "tables", "training on a table")
    texts = np.column_stack([as_text(frame[name]) for name in names])
    encoder = scale.OneHotEncoder(max_categories=_CATEGORIES, handle_unknown="infrequent_if_exist")
    encoder.fit(texts)
    fitted = {}
    for i, name in enumerate(names):
        rare = encoder.infrequent_categories_[i]
        values = _without(encoder.categories_[i], rare)
        fitted[name] = Category(name, values, rare is not None, is_text(frame[name]))
        missing = int(frame[name].isna().sum())
        if missing:
            notices.append(f"column {name!r}: {missing:,} missing → a category of their own")
        if rare is not None:
            notices.append(
                f"column {name!r}: {len(values) + len(rare):,} categories; the {len(rare):,} "
                "rarest share a feature"
            )
        _mention_numbers(frame[name], name, notices)
    return fitted


def _without(values: Any, rare: Any) -> tuple[str, ...]:
    left = set() if rare is None else set(rare)
    return tuple(str(value) for value in values if value not in left)


def _mention_numbers(column: Series, name: str, notices: list[str]) -> None:
    """Say so if the categories of a text column are mostly numbers: a slip in the data?"""
    if not is_text(column):
        return
    different = column.dropna().drop_duplicates()
    _, value, numbers = not_a_number(different)
    if len(different) > 2 and numbers > len(different) // 2:
        row = not_a_number(column)[0]
        notices.append(
            f"column {name!r} is categories because of {value!r} (row {row}); all else is numbers"
        )
