"""Fitting the preprocessing: what the training rows teach about each column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from backprop_xp.errors import DataError
from backprop_xp.sources import extras
from backprop_xp.tables.choosing import Choice, choose_columns
from backprop_xp.tables.columns import (
    Frame,
    Series,
    as_numbers,
    as_text,
    is_boolean,
    is_text,
    not_a_number,
    not_alike,
    row_number,
)
from backprop_xp.tables.dates import COMPACT, PARTS, as_dates, not_a_date, parts_of
from backprop_xp.tables.looks import merged
from backprop_xp.tables.preprocessing import (
    Category,
    Column,
    Date,
    Number,
    Preprocessing,
    listed,
)
from backprop_xp.wording import quoted

# So many categories at most have a feature of their own; the rarest beyond share one.
_CATEGORIES = 99


def fit_preprocessing(
    frame: Frame,
    target: str,
    drop: Sequence[str] = (),
    together: bool = False,
    choice: Choice | None = None,
) -> tuple[Preprocessing, list[str]]:
    """Learn how to turn columns into X.

    Numbers are standardised, a missing one being the median with a feature that marks it.
    Categories become one feature each, a missing one among them; a column of more than 99 keeps
    the 99 most frequent, and the rest share a feature. Dates become year, month, day of the week,
    the days since a fixed day and, if there are times, the hour, as numbers.

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
    choice : Choice, optional
        What the columns are used as; by default what `choose_columns` says of these rows.

    Returns
    -------
    preprocessing : Preprocessing
    notices : list of str
        What was done that the user may not expect, a line each.

    Raises
    ------
    DataError
        A column is infinite somewhere, or nothing is left to learn from.
    """
    choice = choose_columns(frame, target, drop) if choice is None else choice
    kinds = dict(choice.kinds)
    notices = choice.notices()
    for name in choice.kinds:
        if frame[name].isna().all():
            notices.append(f"column {name!r} is left out: it has no value in the training rows")
            del kinds[name]
    if not kinds:
        raise DataError(_nothing_left(target, choice))
    fitted: dict[str, Column] = {}
    fitted.update(_fit_numbers(frame, _of("number", kinds), together, notices))
    fitted.update(_fit_categories(frame, _of("category", kinds), notices))
    for name in _of("date", kinds):
        fitted[name] = _fit_date(frame[name], choice.spellings[name], notices)
    left_out = [name for name in frame.columns if name not in kinds and name != target]
    return Preprocessing(tuple(fitted[name] for name in kinds), target, tuple(left_out)), notices


def _of(kind: str, kinds: Mapping[str, str]) -> list[str]:
    return [name for name, holds in kinds.items() if holds == kind]


def _nothing_left(target: str, choice: Choice) -> str:
    why = "; ".join(f"{name!r}, {reason}" for name, reason in [*choice.left_out.items()][:3])
    return f"no column is left to learn {target!r} from" + (f": {why}" if why else "")


def _fit_numbers(
    frame: Frame, names: list[str], together: bool, notices: list[str]
) -> dict[str, Number]:
    if not names:
        return {}
    X = np.column_stack([as_numbers(frame[name], f"column {name!r}") for name in names])
    missing = np.isnan(X)
    with np.errstate(over="ignore", invalid="ignore"):
        medians = np.nanmedian(X, axis=0)
        X = np.where(missing, medians, X)
        means, variances, deviations = _spread(X)
        if together:
            means, deviations = np.full(len(names), X.mean()), np.full(len(names), X.std())
    for i, name in enumerate(names):
        if not np.isfinite(variances[i]):
            row = int(np.argmax(np.abs(X[:, i])))
            raise DataError(
                f"column {name!r} is {X[row, i]:g} in row {row_number(frame, row)}: too large "
                "to be standardised"
            )
        if empty := missing[:, i].sum():
            notices.append(
                f"column {name!r}: {empty:,} missing → the median, {medians[i]:g}, and marked"
            )
    constant = np.ptp(X, axis=0) == 0
    if constant.any():
        these = [name for name, same in zip(names, constant, strict=True) if same]
        notices.append(f"the same number in every row, so of no use: {listed(these)}")
    deviations = np.where(constant, 0.0, deviations)
    return {
        name: Number(
            name,
            float(medians[i]),
            float(means[i]),
            float(deviations[i]),
            bool(missing[:, i].any()),
        )
        for i, name in enumerate(names)
    }


def _spread(X: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, variance and standard deviation of every column.

    By the corrected sums of two passes, and within their bounds of error a column is constant: its
    deviation is 1 (Chan, Golub and LeVeque, 1983).
    """
    m, eps = len(X), np.finfo(X.dtype).eps
    means = X.sum(axis=0) / m
    rest = X - means
    variances = ((rest**2).sum(axis=0) - rest.sum(axis=0) ** 2 / m) / m
    rounding = m * eps * variances + (m * means * eps) ** 2
    return means, variances, np.where(variances <= rounding, 1.0, np.sqrt(variances))


def _fit_date(column: Series, spelling: str, notices: list[str]) -> Date:
    dates = as_dates(column, spelling, f"column {column.name!r}")
    numbers = parts_of(dates)
    if not numbers["hour"].any():
        del numbers["hour"]
    frame = extras.pandas().DataFrame(numbers)
    fitted = _fit_numbers(frame, list(numbers), False, [])
    # One mark is enough: all of them are missing together.
    parts = tuple(replace(fitted[n], mark=fitted[n].mark and n == PARTS[0]) for n in numbers)
    missing = int(column.isna().sum())
    notices.append(
        f"column {column.name!r} holds dates ({_such_as(column, spelling)}) → {', '.join(numbers)}"
        + (f"; {missing:,} missing → the medians, and marked" if missing else "")
    )
    return Date(str(column.name), spelling, parts)


def _such_as(column: Series, spelling: str) -> str:
    """An example, and what is the day in it if it could be the month."""
    value = column.dropna().iloc[0]
    if not is_text(column):
        return f"such as {int(value) if spelling == COMPACT else value}"
    order = {"%d/%m": ", the day first", "%m/%d": ", the month first"}.get(spelling[:5], "")
    return f"such as {value!r}{order}"


def _fit_categories(frame: Frame, names: list[str], notices: list[str]) -> dict[str, Category]:
    counted = {name: _counted(frame[name], name, notices) for name in names}
    fitted = {}
    for name, rows in counted.items():
        rare = _rarest(rows)
        values = tuple(value for value in rows if value not in rare)
        fitted[name] = Category(name, values, bool(rare), not is_boolean(frame[name]))
        if missing := rows.get(None):
            notices.append(f"column {name!r}: {missing:,} missing → a category of their own")
        if rare:
            notices.append(
                f"column {name!r}: {len(rows):,} categories; the {len(rare):,} "
                "rarest share a feature"
            )
        _mention_numbers(frame[name], name, notices)
    return fitted


def _counted(column: Series, name: str, notices: list[str]) -> dict[str | None, int]:
    """The rows of every category, sorted by name; a missing value, None, comes last."""
    codes, texts = as_text(column)
    missing, *counts = np.bincount(codes + 1, minlength=len(texts) + 1).tolist()
    names, more = merged(texts, counts, f"column {name!r}")
    notices += more
    rows: dict[str | None, int] = dict.fromkeys(sorted(names), 0)
    for own, count in zip(names, counts, strict=True):
        rows[own] += count
    rows[None] = missing
    return {own: count for own, count in rows.items() if count}


def _rarest(rows: dict[str | None, int]) -> set[str | None]:
    """The categories that share a feature: of equally rare ones the first by name."""
    if len(rows) <= _CATEGORIES:
        return set()
    return set(sorted(rows, key=rows.__getitem__)[:-_CATEGORIES])


def _mention_numbers(column: Series, name: str, notices: list[str]) -> None:
    """Say so if the categories of a text column are mostly numbers or dates: a slip?"""
    if not is_text(column):
        return
    if why := not_alike(column):
        notices.append(f"column {name!r} is categories: {why}")
    if spoilt := not_a_date(column):
        row, value = spoilt
        such = f"{quoted(value)} (row {row})"
        notices.append(f"column {name!r} is categories because of {such}; most else is dates")
    different = column.dropna().drop_duplicates()
    _, value, numbers = not_a_number(different)
    if len(different) > 2 and len(different) > numbers > len(different) // 2:
        row, others = not_a_number(column)[0], len(different) - numbers - 1
        such = f"{quoted(value)} (row {row})" + (f" and {others:,} more such" if others else "")
        notices.append(f"column {name!r} is categories because of {such}; all else is numbers")
