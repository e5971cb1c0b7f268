"""Columns: what kind of values one holds, and these as numbers or as text."""

from __future__ import annotations

from typing import Any

import numpy as np

from backprop_xp.errors import DataError

Frame = Any  # a pandas.DataFrame; pandas is an extra, and its types are not ours
Series = Any  # a pandas.Series

MISSING = "missing"
"""The category of a missing value."""

_NUMBERS = {"decimal", "integer", "floating", "mixed-integer-float"}
_CATEGORIES = {"string", "boolean", "mixed", "mixed-integer", "categorical"}


def kind(column: Series) -> str:
    """Say what a column holds: "number", "category", "empty" (no value at all) or "other".

    Text, booleans and pandas' categories are categories; dates and nested values are other.
    """
    from pandas.api import types

    if column.isna().all():
        return "empty"
    if types.is_bool_dtype(column.dtype):
        return "category"
    if types.is_numeric_dtype(column.dtype):
        return "other" if types.is_complex_dtype(column.dtype) else "number"
    inferred = types.infer_dtype(column, skipna=True)
    if inferred in _NUMBERS:
        return "number"
    return "category" if inferred in _CATEGORIES else "other"


def as_numbers(column: Series, what: str) -> np.ndarray:
    """Return a column as float64, NaN where a value is missing.

    Raises
    ------
    DataError
        A value is text or infinite; the message names it and its row.
    """
    if kind(column) not in ("number", "empty"):
        row, value = _first_text(column)
        raise DataError(f"{what} must hold numbers, but row {row} has {_shown(value)}")
    values: np.ndarray = column.to_numpy(dtype=np.float64, na_value=np.nan)
    infinite = np.flatnonzero(np.isinf(values))
    if infinite.size:
        raise DataError(
            f"{what} is {values[infinite[0]]} in row {row_number(column, infinite[0])}: "
            "correct the value, or leave it empty (missing)"
        )
    return values


def as_text(column: Series) -> np.ndarray:
    """Return a column as text, `MISSING` where a value is missing; 1.0 reads 1."""
    import pandas as pd

    codes, values = pd.factorize(column)
    texts = np.array([*map(_text, values), MISSING], dtype=object)
    named: np.ndarray = texts[codes]  # the code of a missing value, −1, takes the last
    return named


def is_text(column: Series) -> bool:
    """Say whether all values are text, the missing ones apart."""
    return all(isinstance(value, str) for value in column.dropna().unique())


def row_number(column: Series, position: int) -> int:
    """Return the number of a row for the user: the first row below the header is 1."""
    return int(column.index[position]) + 1


def not_a_number(column: Series) -> tuple[int, Any, int]:
    """Return the row and value of the first text that is no number, and how many values are."""
    import pandas as pd

    numbers = pd.to_numeric(column.astype(object), errors="coerce")
    text = np.flatnonzero((numbers.isna() & column.notna()).to_numpy())
    position = int(text[0]) if text.size else 0
    count = int(numbers.notna().sum())
    return row_number(column, position), column.iloc[position], count


def _first_text(column: Series) -> tuple[int, Any]:
    row, value, _ = not_a_number(column)
    return row, value


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else text[:37] + "…"


def _text(value: Any) -> str:
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)
