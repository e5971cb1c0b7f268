"""Columns: what kind of values one holds, and these as numbers or as text."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import numpy as np

from backprop_xp.errors import DataError
from backprop_xp.tables.spelling import Numbers, numbers_in, spelled
from backprop_xp.wording import quoted

Frame = Any  # a pandas.DataFrame; pandas is an extra, and its types are not ours
Series = Any  # a pandas.Series

# Whole floats are exact below, and written out.
_EXACT = 2**53
_NUMBERS = {"decimal", "integer", "floating", "mixed-integer-float"}
_CATEGORIES = {"string", "boolean", "mixed", "mixed-integer", "categorical"}
_DATES = {"datetime64", "datetime", "date"}


def kind(column: Series) -> str:
    """Say what a column holds.

    Returns
    -------
    str
        "number", "category" (text, booleans, pandas' categories), "date", "nested" (lists,
        structs), "empty" (no value at all) or "other", which `holds` names.
    """
    from pandas.api import types

    if column.isna().all():
        return "empty"
    if types.is_bool_dtype(column.dtype):
        return "category"
    if types.is_numeric_dtype(column.dtype):
        return "other" if types.is_complex_dtype(column.dtype) else "number"
    if is_nested(column):
        return "nested"
    inferred = types.infer_dtype(column, skipna=True)
    if inferred in _NUMBERS:
        return "number"
    if inferred in _DATES:
        return "date"
    return "category" if inferred in _CATEGORIES else "other"


def holds(column: Series) -> str:
    """What a column holds, in words: "dates", "bytes", "lists and the like" …"""
    from pandas.api import types

    kinds = {"nested": "lists or other nested values", "date": "dates", "empty": "nothing"}
    if (found := kind(column)) in kinds:
        return kinds[found]
    inferred = types.infer_dtype(column, skipna=True)
    words = {"timedelta64": "durations", "timedelta": "durations", "time": "times of the day"}
    words |= {"period": "periods", "interval": "intervals", "complex": "complex numbers"}
    return str(words.get(inferred, inferred))


def is_nested(column: Series) -> bool:
    """Say whether a value is a list, an array, a mapping or the like."""
    from pandas.api import types

    if isinstance(column.dtype, np.dtype) and column.dtype.kind == "O":
        return any(types.is_list_like(value) for value in column)
    # Arrow's types, where somebody has asked pandas for them.
    return str(column.dtype).startswith(("list", "large_list", "fixed_size_list", "struct", "map"))


def as_numbers(column: Series, what: str, decimal: str = ".") -> np.ndarray:
    """Return a column as float64, NaN where a value is missing.

    Parameters
    ----------
    column : pandas.Series
        Of numbers, or of texts that are all numbers.
    what : str
        What messages call it.
    decimal : str
        What stands before decimals where numbers are text.

    Raises
    ------
    DataError
        A value is text or infinite; the message names it and its row.
    """
    if is_text(column):
        column = _from_text(column, what, decimal)
    if kind(column) not in ("number", "empty"):
        row, value = row_number(column.dropna(), 0), column.dropna().iloc[0]
        raise DataError(f"{what} must hold numbers, but row {row} has {quoted(value)}")
    values: np.ndarray = column.to_numpy(dtype=np.float64, na_value=np.nan)
    infinite = np.flatnonzero(np.isinf(values))
    if infinite.size:
        raise DataError(
            f"{what} is {values[infinite[0]]} in row {row_number(column, infinite[0])}: "
            "correct the value, or leave it empty (missing)"
        )
    return values


def as_text(column: Series) -> tuple[np.ndarray, np.ndarray]:
    """Return a column as text.

    Returns
    -------
    codes : numpy.ndarray of int, shape (m,)
        The number of each row's text; −1 where the value is missing.
    texts : numpy.ndarray of str
        The different ones in the order in which they appear; 1.0 reads 1.
    """
    import pandas as pd

    codes, values = pd.factorize(column)
    # As an array, whose numbers know how many digits they have.
    return codes, np.array([_text(value) for value in np.asarray(values)], dtype=object)


def is_text(column: Series) -> bool:
    """Say whether all values are text, the missing ones apart."""
    from pandas.api import types

    return types.infer_dtype(column, skipna=True) in ("string", "empty")


def is_boolean(column: Series) -> bool:
    """Say whether all values are true or false, the missing ones apart."""
    from pandas.api import types

    return bool(types.infer_dtype(column, skipna=True) == "boolean")


def require_different(names: list[str], file: str) -> None:
    """Raise DataError if two columns of a file have one name."""
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise DataError(
            f"{file}: more than one column is called {', '.join(map(repr, twice))}: rename them"
        )


def row_number(column: Series, position: int) -> int:
    """Return the number of a row for the user: the first row below the header is 1."""
    return int(column.index[position]) + 1


def not_a_number(column: Series) -> tuple[int, Any, int]:
    """Return the row and value of the first that is no number, and how many are numbers."""

    def is_number(value: Any) -> bool:
        return spelled(value) is not None if isinstance(value, str) else not isinstance(value, bool)

    present = column.dropna()
    numbers = np.array([is_number(value) for value in present], dtype=bool)
    position = int(np.argmin(numbers)) if len(numbers) else 0
    return row_number(present, position), present.iloc[position], int(numbers.sum())


def not_alike(column: Series) -> str:
    """Say which texts keep a column of numbers from being read as such; "" if it is none."""
    texts = list(column.dropna().unique()) if is_text(column) else []
    if not texts or any(spelled(text) is None for text in texts) or numbers_in(texts) is not None:
        return ""
    other = next((text for text in texts if numbers_in([texts[0], text]) is None), texts[-1])
    return f"all are numbers, but {quoted(texts[0])} and {quoted(other)} are not spelled alike"


def read_as_numbers(column: Series) -> Numbers | None:
    """Texts that are all numbers and spelled alike; None for any other column."""
    return numbers_in(column.dropna().unique()) if is_text(column) else None


def _from_text(column: Series, what: str, decimal: str) -> Series:
    import pandas as pd

    codes, texts = pd.factorize(column)
    numbers = numbers_in(texts)
    if numbers is None and len(texts):
        row, value, _ = not_a_number(column)
        raise DataError(f"{what} must hold numbers, but row {row} has {quoted(value)}")
    values = [] if numbers is None else numbers.values(decimal)
    return pd.Series(np.array([*values, np.nan])[codes], index=column.index, name=column.name)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float | np.floating):
        whole = float(value).is_integer() and abs(float(value)) < _EXACT
        return str(int(value) if whole else value)
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return str(int(value))
    return str(value)
