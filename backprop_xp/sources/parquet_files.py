"""Parquet files, row group by row group. pyarrow is imported when it is asked for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backprop_xp.backends.column_order import in_order
from backprop_xp.errors import DataError
from backprop_xp.sources.base import (
    DECODED_BYTES,
    Reader,
    RowFormat,
    Source,
    require_alike,
    rows_of,
)
from backprop_xp.sources.extras import extra
from backprop_xp.sources.parquet_columns import Columns, filled
from backprop_xp.storage.problems import file_name, unreadable


def parquet(
    path: str | os.PathLike[str],
    target: str | Sequence[str],
    columns: Sequence[str] | None = None,
    *,
    buffer_rows: int | None = None,
) -> Source:
    """Return a Parquet file, or a directory of such files, as a source.

    Parameters
    ----------
    path : path
        A file, or a directory whose `*.parquet` are taken in the order of their names.
    target : str or sequence of str
        The column, or the columns, of Y.
    columns : sequence of str, optional
        Those of X, in this order; by default all but the target and an index that pandas has
        saved, in the order of the file. Columns hold numbers or booleans, or lists of numbers that
        are all as long (many values in one column, which is read much faster than as many
        columns).
    buffer_rows : int, optional
        Among so many rows a batch is drawn; by default, as many as have 32 MiB.

    Raises
    ------
    ConfigurationError
        pyarrow is not installed.
    DataError, ShapeError
        There is no such file or column, a file cannot be read or has no rows, a column holds no
        numbers or has missing values, or two files differ.

    Notes
    -----
    Row groups are the blocks whose order is shuffled, and with a column per feature each is in
    memory several times over while it is decoded: write a few megabytes to one, such as
    `pyarrow.parquet.write_table(table, path, row_group_size=10_000)`.

    Examples
    --------
    >>> import os, tempfile
    >>> import pyarrow, pyarrow.parquet
    >>> import backprop_xp as bp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "data.parquet")
    ...     table = pyarrow.table({"a": [0.0, 1.0, 2.0], "b": [1, 0, 1], "y": [0, 1, 1]})
    ...     pyarrow.parquet.write_table(table, path)
    ...     net = bp.Network([2, 1], output="sigmoid", backend="numpy")
    ...     history = bp.fit(net, bp.sources.parquet(path, target="y"), epochs=3)
    >>> len(history.loss)
    3
    """
    return _ParquetSource(
        Path(file_name(path, "a file or directory")).absolute(), target, columns, buffer_rows
    )


class _ParquetSource(Source):
    def __init__(
        self,
        path: Path,
        target: str | Sequence[str],
        columns: Sequence[str] | None,
        buffer_rows: int | None,
    ) -> None:
        self._groups: list[tuple[Path, int, int]] = []  # file, row group, its first row in the file
        parts: list[int] = []
        first: tuple[RowFormat, RowFormat] | None = None
        for file in _files(path):
            with _opened(file) as opened:
                found = Columns.of(opened, target, columns, str(file))
                sizes = _group_sizes(opened.metadata)
            if not sum(sizes):
                raise DataError(f"{file} has no rows: leave empty files out")
            if first is None:
                self._columns, first, first_file = found, (found.x, found.y), file
            if found.names != self._columns.names:
                raise DataError(
                    f"{file} has the columns {_listed(found.names)}, but {first_file} has "
                    f"{_listed(self._columns.names)}: all files of a source have the same columns"
                )
            for mine, wanted in zip((found.x, found.y), first, strict=True):
                require_alike(mine, wanted, str(file), str(first_file))
            starts = np.cumsum([0, *sizes[:-1]]).tolist()
            self._groups += [(file, i, start) for i, start in enumerate(starts) if sizes[i]]
            parts += [size for size in sizes if size]
        assert first is not None
        super().__init__(str(path), *first, parts, max(parts), buffer_rows)
        # Pages, packed and unpacked, dictionaries, and what the library keeps of them: measured
        # with a column per feature, which takes the most.
        self.decoded = 8 * max(parts) * (self.x.nbytes + self.y.nbytes) + 48 * 2**20

        if len(found.inputs) == self.x.tail[0]:  # none of them holds lists
            self.columns = found.inputs
        self._arguments = path, target, buffer_rows

    def in_order(self, columns: Sequence[Any] | None, name: str = "X") -> Source:
        if columns is None or self.columns is None:
            return self
        places = in_order(self.columns, columns, f"{name}, {self.name},")
        inputs = tuple(self.columns[i] for i in places)
        path, target, buffer_rows = self._arguments
        unchanged = inputs == self.columns
        return self if unchanged else _ParquetSource(path, target, inputs, buffer_rows)

    def reader(self) -> Reader:
        return _ParquetReader(self, self._groups, self._columns)

    def place(self, part: int) -> tuple[str, str, int]:
        file, _, start = self._groups[part]
        return f"{file}: X", f"{file}: Y", start


class _ParquetReader(Reader):
    """Decodes a row group some rows at a time, and keeps those that it decoded last."""

    def __init__(
        self, source: Source, groups: list[tuple[Path, int, int]], columns: Columns
    ) -> None:
        self._source, self._groups, self._columns = source, groups, columns
        # A batch has its price, and so has each of its columns.
        by_size = rows_of(DECODED_BYTES, source.x.nbytes + source.y.nbytes)
        self._at_once = max(by_size, 16 * len(columns.names))
        self._path, self._part = Path(), -1
        self._file: Any = None

    def read(self, part: int, start: int, X: np.ndarray, Y: np.ndarray) -> None:
        if part != self._part or start < self._start:
            self._begin(part)
        done = 0
        while done < len(X):
            first = start + done - self._start
            if first >= len(self._X):
                self._decode_next()
                continue
            some = slice(first, first + len(X) - done)
            x, y = self._X[some], self._Y[some]
            X[done : done + len(x)], Y[done : done + len(x)] = x, y
            done += len(x)

    def _begin(self, part: int) -> None:
        """Go to the beginning of a row group."""
        path, group, _ = self._groups[part]
        if path != self._path:
            self.close()
            self._path, self._file = path, _opened(path)
        expected = int(self._source.blocks.rows[part])
        metadata = self._file.metadata
        rows = metadata.row_group(group).num_rows if group < metadata.num_row_groups else 0
        if rows != expected:
            raise DataError(
                f"{path}: row group {group} has {rows} rows, but had {expected} when fit began"
            )
        self._batches = self._file.iter_batches(
            self._at_once, row_groups=[group], columns=self._columns.names, use_threads=False
        )
        self._part, self._start, self._X, self._Y = part, 0, np.empty(0), np.empty(0)

    def _decode_next(self) -> None:
        """Decode the next rows of the group, in place of those before."""
        path, group, first_row = self._groups[self._part]
        self._start += len(self._X)
        self._X, self._Y = np.empty(0), np.empty(0)  # two would be one too many
        try:
            batch = next(self._batches)
        except Exception as problem:  # of whatever kind pyarrow's are, or the group ends early
            self._part = -1
            raise DataError(
                f"{path}: row group {group} cannot be read ({problem!r:.300}). The file is damaged "
                "or has changed: write it again"
            ) from problem
        columns = self._columns
        place = (columns.lengths, str(path), first_row + self._start)
        self._X = filled(batch, columns.inputs, columns.x, *place)
        self._Y = filled(batch, columns.targets, columns.y, *place)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._path, self._file, self._part = Path(), None, -1


def _files(path: Path) -> list[Path]:
    if not os.path.isdir(path):
        return [path]
    try:
        files = sorted(path / name for name in os.listdir(path) if name.endswith(".parquet"))
    except OSError as problem:
        raise DataError(unreadable(str(path), problem)) from problem
    if not files:
        raise DataError(f"{path} has no files *.parquet")
    return files


def _opened(path: Path) -> Any:
    parquet_library = extra("pyarrow.parquet", "parquet", "a Parquet source")
    try:
        # Without `pre_buffer`, which would hold whole row groups of the file.
        return parquet_library.ParquetFile(
            path, memory_map=False, pre_buffer=False, buffer_size=2**16
        )
    except OSError as problem:
        raise DataError(unreadable(str(path), problem)) from problem
    except Exception as problem:  # ArrowInvalid and others of its kinds
        raise DataError(f"{path} cannot be read as Parquet ({problem!r:.300})") from problem


def _group_sizes(metadata: Any) -> list[int]:
    return [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(map(repr, names[:8])) + (" …" if len(names) > 8 else "")
