"""Which columns of a Parquet file are X and Y, and how they become rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backprop_xp.errors import ConfigurationError, DataError, shown, unknown
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
            raise ConfigurationError(f"columns={shown(columns)}: expected a list of names")
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


def filled(batch: Any, names: tuple[str, ...], rows: Rows, file: str, first_row: int) -> np.ndarray:
    """Return columns of a record batch, which begins with this row of the file, as rows.

    Raises
    ------
    DataError
        A value is missing.
    """
    parts: list[np.ndarray] = []
    for name in names:
        column = batch.column(name)
        if column.null_count:
            row = first_row + int(np.argmax(column.is_null().to_numpy(zero_copy_only=False)))
            raise DataError(
                f"{file}: column {name!r} has missing values, the first in row {row}: drop or "
                "fill such rows first"
            )
        size = _list_size(column.type)
        values = column if size is None else column.flatten()
        if values.null_count:
            raise DataError(
                f"{file}: column {name!r} has lists with missing values: fill them first"
            )
        parts.append(values.to_numpy(zero_copy_only=False).reshape(len(column), -1))
    if len(parts) == 1:
        return parts[0].reshape(-1, *rows.tail)
    if any(part.shape[1] > 1 for part in parts):
        stacked: np.ndarray = np.concatenate(parts, axis=1)
        return stacked
    # Columns are written in one piece each, which is much faster than into rows of many columns.
    by_column = np.empty((len(parts), len(batch)), rows.dtype)
    for i, part in enumerate(parts):
        by_column[i] = part[:, 0]
    return by_column.T
