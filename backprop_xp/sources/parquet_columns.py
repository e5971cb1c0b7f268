"""Which columns of a Parquet file are X and Y, and how they become rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backprop_xp.errors import ConfigurationError, DataError, unknown
from backprop_xp.sources.base import Rows


@dataclass(frozen=True)
class Columns:
    """The columns of one file, by name, and what the rows of X and of Y are."""

    inputs: tuple[str, ...]
    targets: tuple[str, ...]
    x: Rows
    y: Rows

    @property
    def names(self) -> tuple[str, ...]:
        """Those of X and of Y."""
        return self.inputs + self.targets

    @classmethod
    def of(
        cls,
        schema: Any,
        target: str | Sequence[str],
        columns: Sequence[str] | None,
        file: str,
    ) -> Columns:
        """Find the columns in a file's schema."""
        targets = (target,) if isinstance(target, str) else tuple(target)
        if isinstance(columns, str):
            raise ConfigurationError(f"columns={columns!r}: expected a list of names")
        others = tuple(name for name in schema.names if name not in targets)
        inputs = others if columns is None else tuple(columns)
        if not inputs or not targets:
            raise DataError(f"{file}: X has {len(inputs)} columns and Y has {len(targets)}")
        for name in inputs + targets:
            if name not in schema.names:
                raise DataError(f"{file}: {unknown('column', name, schema.names)}")
        if twice := sorted({name for name in inputs if (inputs + targets).count(name) > 1}):
            raise ConfigurationError(
                f"{file}: {twice[0]!r} is named twice among columns and target"
            )
        y = _rows(schema, targets, file)
        one = len(targets) == 1 and y.tail == (1,)
        return cls(inputs, targets, _rows(schema, inputs, file), Rows((), y.dtype) if one else y)


def _rows(schema: Any, names: tuple[str, ...], file: str) -> Rows:
    width, dtypes = 0, []
    for name in names:
        kind = schema.field(name).type
        length = _list_size(kind)
        value = kind if length is None else kind.value_type
        try:
            dtypes.append(np.dtype(value.to_pandas_dtype()))
        except (NotImplementedError, TypeError):
            dtypes.append(np.dtype(object))
        if dtypes[-1].kind not in "fiub":
            raise DataError(
                f"{file}: column {name!r} holds no numbers ({kind}): leave it out with "
                "columns=, or write it as numbers"
            )
        width += 1 if length is None else length
    return Rows.of((0, width), np.result_type(*dtypes), file)


def _list_size(kind: Any) -> int | None:
    """Return the length of a list of a fixed size, None for other types."""
    size = getattr(kind, "list_size", None)
    return size if isinstance(size, int) else None


def filled(table: Any, names: tuple[str, ...], rows: Rows, place: str) -> np.ndarray:
    """Return columns of a table as rows.

    Raises
    ------
    DataError
        A value is missing.
    """
    if len(names) == 1:
        return _values(table.column(names[0]), names[0], place).reshape(-1, *rows.tail)
    # Columns are written in one piece each, which is much faster than into rows of many columns.
    parts = [_values(table.column(name), name, place) for name in names]
    if all(part.ndim == 1 for part in parts):
        by_column = np.empty((len(parts), table.num_rows), rows.dtype)
        for i, part in enumerate(parts):
            by_column[i] = part
        return by_column.T
    stacked: np.ndarray = np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)
    return stacked


def _values(column: Any, name: str, place: str) -> np.ndarray:
    """Return a column as (m,), or one of lists as (m, n)."""
    if column.null_count:
        missing = np.flatnonzero(column.is_null().to_numpy())
        raise DataError(
            f"{place}: column {name!r} has {len(missing)} missing values, the first in row "
            f"{missing[0]} of the group: drop or fill such rows first"
        )
    size = _list_size(column.type)
    if size is None:
        values: np.ndarray = column.to_numpy()
        return values
    chunks = [chunk.flatten() for chunk in column.chunks]
    if any(chunk.null_count for chunk in chunks):
        raise DataError(f"{place}: column {name!r} has lists with missing values: fill them first")
    parts = [chunk.to_numpy(zero_copy_only=False).reshape(-1, size) for chunk in chunks]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
