"""Which columns of a Parquet file are X and Y, and how they become rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backprop_xp.errors import ConfigurationError, DataError, shown, unknown
from backprop_xp.sources.base import RowFormat


@dataclass(frozen=True)
class Columns:
    """The columns of one file, by name, and what the rows of X and of Y are.

    Of columns of lists that may differ in length, `lengths` has that of the first list.
    """

    inputs: tuple[str, ...]
    targets: tuple[str, ...]
    x: RowFormat
    y: RowFormat
    lengths: dict[str, int]

    @property
    def names(self) -> tuple[str, ...]:
        """Those of X and of Y."""
        return self.inputs + self.targets

    @classmethod
    def of(
        cls,
        opened: Any,
        target: str | Sequence[str],
        columns: Sequence[str] | None,
        file: str,
    ) -> Columns:
        """Find the columns in a file that pyarrow has opened."""
        schema = opened.schema_arrow
        targets = (target,) if isinstance(target, str) else tuple(target)
        if isinstance(columns, str):
            raise ConfigurationError(f"columns={shown(columns)}: expected a list of names")
        index = _saved_index(schema)
        others = tuple(name for name in schema.names if name not in (*targets, *index))
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
        lengths = {
            name: _first_length(opened, name, f"{file}: column {name!r}")
            for name in inputs + targets
            if _may_differ(schema.field(name).type)
        }
        x, y = (_rows(schema, names, lengths, file) for names in (inputs, targets))
        one = len(targets) == 1 and y.tail == (1,)
        return cls(inputs, targets, x, RowFormat((), y.dtype) if one else y, lengths)


def _saved_index(schema: Any) -> list[str]:
    """The columns that are the index of a frame which pandas has saved: they number its rows."""
    try:
        said = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))
        return [name for name in said.get("index_columns", ()) if isinstance(name, str)]
    except (ValueError, AttributeError, TypeError):
        return []


def _rows(schema: Any, names: tuple[str, ...], lengths: Mapping[str, int], file: str) -> RowFormat:
    width, dtypes = 0, []
    for name in names:
        kind = schema.field(name).type
        length = lengths.get(name, _list_size(kind))
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
    return RowFormat.of((0, width), np.result_type(*dtypes), file)


def _may_differ(kind: Any) -> bool:
    """Whether a type is lists that may differ in length."""
    return str(kind).startswith(("list<", "large_list<"))


def _first_length(opened: Any, name: str, what: str) -> int:
    """The length of the first list in a column; those of the others are looked at when read."""
    batch = next(opened.iter_batches(1, columns=[name], use_threads=False), None)
    if batch is None:
        return 1
    if batch.column(0).null_count:
        raise DataError(
            f"{what} has missing values, the first in row 0: drop or fill such rows first"
        )
    length = len(batch.column(0).flatten())
    if not length:
        raise DataError(f"{what} has an empty list in row 0: leave it out with columns=")
    return length


def _require_length(column: Any, length: int, name: str, first_row: int) -> None:
    """Raise DataError if a list is longer or shorter than the first of its file."""
    others = np.flatnonzero(np.diff(column.offsets.to_numpy()) != length)
    if others.size:
        row = int(others[0])
        raise DataError(
            f"{name} has {len(column[row])} numbers in row {first_row + row}, but {length} in the "
            "first: lists have to be as long as each other"
        )


def _list_size(kind: Any) -> int | None:
    """Return the length of a list of a fixed size, None for other types."""
    size = getattr(kind, "list_size", None)
    return size if isinstance(size, int) else None


def filled(
    batch: Any,
    names: tuple[str, ...],
    rows: RowFormat,
    lengths: Mapping[str, int],
    file: str,
    first_row: int,
) -> np.ndarray:
    """Return columns of a record batch, which begins with this row of the file, as rows.

    Raises
    ------
    DataError
        A value is missing, or a list has another length.
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
        if name in lengths:
            _require_length(column, lengths[name], f"{file}: column {name!r}", first_row)
        is_list = name in lengths or _list_size(column.type) is not None
        values = column.flatten() if is_list else column
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
