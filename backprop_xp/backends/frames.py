"""Frames as inputs: columns of numbers become one array in their order, the rest is refused.

They are those of pandas, polars and pyarrow, none of which is imported: whoever hands in a frame
has done that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from backprop_xp.backends.column_order import in_order
from backprop_xp.errors import DataError

_TYPES = {
    "pandas": ("DataFrame", "Series"),
    "polars": ("DataFrame", "LazyFrame", "Series"),
    "pyarrow": ("Table", "RecordBatch"),
}


@dataclass(frozen=True)
class Names:
    """What X or Y, its columns and its rows are called in messages.

    Attributes
    ----------
    name : str
        "X", "validation Y" …
    columns : tuple
        The names of a frame's columns; empty for other data, whose columns have numbers.
    index : object
        The row labels of a pandas frame, else None.
    """

    name: str
    columns: tuple[Any, ...] = ()
    index: Any = None

    def place(self, row: int, *column: int) -> str:
        """Name a value, `X[4, 'age']`, and its row's label where that is not its number."""
        keys = [repr(self.columns[i]) if self.columns else str(i) for i in column]
        label = row if self.index is None else self.index[row : row + 1].tolist()[0]
        also = "" if str(label) == str(row) else f" (in the row labelled {label!r})"
        return f"{self.name}[{', '.join([str(row), *keys])}]{also}"

    def column(self, number: int) -> str:
        """Name a column, or the whole where it has no names: `X: column 'age'`."""
        return f"{self.name}: column {self.columns[number]!r}" if self.columns else self.name


def is_frame(x: Any) -> bool:
    """Whether `x` is a frame of pandas, polars or pyarrow, or a series of the first two."""
    return type(x) is not np.ndarray and _library(x) is not None


def column_names(x: Any) -> tuple[Any, ...] | None:
    """Return the names of a frame's columns in their order; None for a series and other data."""
    if not is_frame(x) or len(getattr(x, "shape", ())) != 2:
        return None
    return tuple(x.column_names if _library(x) == "pyarrow" else x.columns)


def read_frame(
    frame: Any, name: str, dtype: str | None = None, wanted: tuple[Any, ...] | None = None
) -> tuple[np.ndarray, Names]:
    """Return a frame as an array (m, n), or a series as (m,), and what its places are called.

    Parameters
    ----------
    frame : DataFrame, Table or Series
        With columns of numbers or booleans.
    name : str
        What messages call it.
    dtype : str, optional
        By default the smallest that holds all columns, so that integers remain integers.
    wanted : tuple, optional
        The names of the columns in the order in which they are returned; see `in_order`.

    Raises
    ------
    DataError
        A column holds no numbers or has missing values, or the columns are others than wanted.
    """
    library, kind = str(_library(frame)), type(frame).__name__
    if kind == "LazyFrame":
        raise DataError(f"{name} is a LazyFrame, which has no rows yet: hand {name}.collect()")
    is_series = len(frame.shape) == 1
    if is_series:
        columns = [(frame.name, frame)]
    else:
        given = column_names(frame) or ()
        parts = _COLUMNS[library](frame)
        columns = [(given[i], parts[i]) for i in in_order(given, wanted, name)]
    nameless = is_series and frame.name in (None, "")
    keys = () if nameless else tuple(key for key, _ in columns)
    names = Names(name, keys, frame.index if library == "pandas" else None)
    array = _array([column for _, column in columns], frame.shape[0], names, library, dtype)
    return (array[:, 0] if is_series else array), names


def _array(
    columns: list[Any], rows: int, names: Names, library: str, dtype: str | None
) -> np.ndarray:
    if rows == 0:  # whatever the columns' dtypes: there is no value that could have them
        return np.empty((0, len(columns)))
    numbers = _NUMBERS[library]
    parts = [numbers(column, names, i) for i, column in enumerate(columns)]
    result = np.empty((rows, len(parts)), dtype or np.result_type(*parts, np.bool_))
    with np.errstate(over="ignore"):  # the checks of values name what does not fit
        for i, part in enumerate(parts):
            result[:, i] = part
    return result


def _pandas_numbers(column: Any, names: Names, number: int) -> np.ndarray:
    dtype = column.dtype
    if dtype.kind not in "fiub":
        kind = "categories" if dtype.name == "category" else _KINDS.get(dtype.kind, "objects")
        raise DataError(_not_numbers(column, kind, names.column(number), "pandas"))
    if not isinstance(dtype, np.dtype):  # which alone has no missing values but NaN
        _refuse_missing(column.isna().to_numpy(), names, number)
    return np.asarray(column.to_numpy())


def _polars_numbers(column: Any, names: Names, number: int) -> np.ndarray:
    dtype = column.dtype
    as_it_is = dtype.is_float() or str(dtype) == "Boolean"
    if not (as_it_is or dtype.is_numeric()):
        kind = "dates" if dtype.is_temporal() else "objects"
        raise DataError(_not_numbers(column, kind, names.column(number), "polars"))
    _refuse_missing(column.is_null().to_numpy(), names, number)
    if not (as_it_is or (dtype.is_integer() and "128" not in str(dtype))):
        column = column.cast(float)  # decimals, and integers that NumPy does not have
    return np.asarray(column.to_numpy())


def _arrow_numbers(column: Any, names: Names, number: int) -> np.ndarray:
    kind = str(column.type)
    if not kind.startswith(("int", "uint", "float", "double", "halffloat", "bool", "decimal")):
        raise DataError(f"{names.column(number)} holds {kind}: convert it to numbers, or drop it")
    _refuse_missing(np.asarray(column.is_null()), names, number)
    values = np.asarray(column)
    return values.astype(float) if kind.startswith("decimal") else values


_COLUMNS: dict[str, Callable[[Any], list[Any]]] = {
    "pandas": lambda frame: [column for _, column in frame.items()],
    "polars": lambda frame: frame.get_columns(),
    "pyarrow": lambda frame: frame.columns,
}
_NUMBERS = {"pandas": _pandas_numbers, "polars": _polars_numbers, "pyarrow": _arrow_numbers}


def _refuse_missing(missing: np.ndarray, names: Names, number: int) -> None:
    if not missing.any():
        return
    place, count = names.place(int(np.argmax(missing)), number), int(missing.sum())
    others = f" ({count} values are missing in this column)" if count > 1 else ""
    raise DataError(
        f"{place} is missing{others}. Nothing was trained: drop or fill such rows first"
    )


# NumPy's letters for what is not a number.
_KINDS = {"M": "dates", "m": "durations", "c": "complex numbers"}
_ENCODE = {
    "pandas": ("pandas.get_dummies does", "pandas.factorize does"),
    "polars": ("DataFrame.to_dummies does", "Series.rank('dense') - 1 does"),
}


def _not_numbers(column: Any, kind: str, name: str, library: str) -> str:
    """Say what a column holds, the first text in it above all: it may be a '?' among numbers."""
    example = next(((i, value) for i, value in enumerate(column) if isinstance(value, str)), None)
    features, classes = _ENCODE[library]
    if name.partition(":")[0].endswith("Y"):
        advice = f"number classes 0, 1, 2 … first, as {classes}"
    elif example is not None or kind == "categories":
        advice = f"encode it as numbers first, as {features}, or drop it"
    elif kind in ("dates", "durations"):
        advice = "turn it into numbers, such as days since a date, or drop it"
    else:
        advice = "convert it to numbers, or drop it"
    holds = kind if example is None else f"text, such as {example[1]!r} in row {example[0]}"
    return f"{name} holds {holds} (dtype {column.dtype}): {advice}"


def _library(x: Any) -> str | None:
    """Return the library of a frame; subclasses of frames, such as GeoPandas', are frames too."""
    for kind in type(x).__mro__:
        root = kind.__module__.partition(".")[0]
        if kind.__name__ in _TYPES.get(root, ()):
            return root
    return None
