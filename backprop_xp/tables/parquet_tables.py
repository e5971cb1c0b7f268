"""A Parquet file as a frame; lists of numbers of one length become columns."""

from __future__ import annotations

from collections.abc import Collection
from typing import IO, Any

import numpy as np

from backprop_xp.errors import DataError
from backprop_xp.sources import extras
from backprop_xp.tables.columns import Frame


def read_parquet(file: IO[bytes], name: str, whole: Collection[str] = ()) -> Frame:
    """Read all columns but the index that pandas has saved.

    Whole numbers with missing ones stay exact. A column of lists of numbers that are all as long,
    "pixels", becomes a column for each place in them, "pixels[0]", "pixels[1]" …, unless `whole`
    names it.

    Raises
    ------
    DataError
        It is no such file.
    """
    arrow = extras.extra("pyarrow", "parquet", "a Parquet file")
    parquet = extras.extra("pyarrow.parquet", "parquet", "a Parquet file")
    try:
        table = parquet.ParquetFile(file).read()
        frame = table.to_pandas(integer_object_nulls=True)
    except (arrow.ArrowException, ValueError) as problem:
        why = " ".join(str(problem).split())
        raise DataError(f"{name} is not a readable Parquet file: {why}") from problem
    pd, columns = extras.pandas(), []
    for field, (key, column) in zip(_fields(table, frame), frame.items(), strict=True):
        lists = key not in whole and _holds_lists_of_numbers(arrow.types, field)
        parts = _parts(column) if lists else None
        columns += (
            [column]
            if parts is None
            else [
                pd.Series(parts[:, i], index=frame.index, name=f"{key}[{i}]")
                for i in range(parts.shape[1])
            ]
        )
    return pd.concat(columns, axis=1) if columns else frame


def _fields(table: Any, frame: Frame) -> list[Any]:
    """What the file says of the frame's columns, of which the index is none."""
    own = list(frame.columns)
    return [field for field in table.schema if field.name in own]


def _holds_lists_of_numbers(types: Any, field: Any) -> bool:
    kind = field.type
    if not (types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)):
        return False
    value = kind.value_type
    return bool(types.is_integer(value) or types.is_floating(value) or types.is_boolean(value))


def _parts(column: Any) -> np.ndarray | None:
    """Lists as a matrix, NaN where one is missing; None if they differ in length or are empty."""
    present = column.dropna()
    lengths = {len(values) for values in present}
    if len(lengths) != 1 or lengths == {0}:
        return None
    matrix = np.full((len(column), len(present.iloc[0])), np.nan)
    matrix[column.notna().to_numpy()] = np.stack(present.to_numpy()).astype(np.float64)
    return matrix
