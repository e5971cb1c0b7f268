"""Parquet files, a row group at a time. pyarrow is imported when it is asked for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backprop_xp.errors import DataError
from backprop_xp.sources.base import Reader, Rows, Source, require_alike
from backprop_xp.sources.extras import extra
from backprop_xp.sources.parquet_columns import Columns, filled


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
        Those of X, in this order; by default all but the target, in the order of the file. Columns
        hold numbers or booleans, or lists of numbers of a fixed length (many values in one
        column, which is read much faster than as many columns).
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
    Row groups are the blocks whose order is shuffled, and each is decoded as a whole: write ten
    thousand rows or so to one, `pyarrow.parquet.write_table(table, path, row_group_size=10_000)`.

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
    return _ParquetSource(Path(path), target, columns, buffer_rows)


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
        first: tuple[Rows, Rows] | None = None
        for file in _files(path):
            with _opened(file) as opened:
                own = Columns.of(opened.schema_arrow, target, columns, str(file))
                sizes = _group_sizes(opened.metadata)
            if not sum(sizes):
                raise DataError(f"{file} has no rows: leave empty files out")
            if first is None:
                self._columns, first, first_file = own, (own.x, own.y), file
            if own.names != self._columns.names:
                raise DataError(
                    f"{file} has the columns {_listed(own.names)}, but {first_file} has "
                    f"{_listed(self._columns.names)}: all files of a source have the same columns"
                )
            for mine, wanted in zip((own.x, own.y), first, strict=True):
                require_alike(mine, wanted, str(file), str(first_file))
            starts = np.cumsum([0, *sizes[:-1]]).tolist()
            self._groups += [(file, i, start) for i, start in enumerate(starts) if sizes[i]]
            parts += [size for size in sizes if size]
        assert first is not None
        super().__init__(str(path), *first, parts, max(parts), buffer_rows)
        # Arrow's columns, and the rows that they become.
        self.decoded = 2 * max(parts) * (self.x.nbytes + self.y.nbytes)

    def reader(self) -> Reader:
        return _ParquetReader(self, self._groups, self._columns)

    def place(self, part: int) -> tuple[str, str, int]:
        file, _, start = self._groups[part]
        return f"{file}: X", f"{file}: Y", start


class _ParquetReader(Reader):
    """Keeps the row group that was decoded last: a buffer may end within it."""

    def __init__(
        self, source: Source, groups: list[tuple[Path, int, int]], columns: Columns
    ) -> None:
        self._source, self._groups, self._columns = source, groups, columns
        self._part, self._path = -1, Path()
        self._file: Any = None

    def read(self, part: int, start: int, X: np.ndarray, Y: np.ndarray) -> None:
        if part != self._part:
            self._decode(part)
        stop = start + len(X)
        X[...], Y[...] = self._X[start:stop], self._Y[start:stop]

    def _decode(self, part: int) -> None:
        path, group, first_row = self._groups[part]
        self._part, self._X, self._Y = -1, np.empty(0), np.empty(0)  # two would be one too many
        if path != self._path:
            self.close()
            self._path, self._file = path, _opened(path)
        columns = self._columns
        try:
            table = self._file.read_row_group(group, columns=list(columns.names), use_threads=False)
        except Exception as problem:  # of whatever kind pyarrow's are
            raise DataError(
                f"{path}: row group {group} cannot be read ({problem!r:.300}). The file is damaged "
                "or has changed: write it again"
            ) from problem
        rows = int(self._source.blocks.rows[part])
        if table.num_rows != rows:
            raise DataError(
                f"{path}: row group {group} has {table.num_rows} rows, but had {rows} when "
                "fit began"
            )
        place = f"{path} in the row group that begins with row {first_row}"
        self._X = filled(table, columns.inputs, columns.x, place)
        self._Y = filled(table, columns.targets, columns.y, place)
        self._part = part

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file, self._path = None, Path()


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(path.glob("*.parquet"))
    if not files:
        raise DataError(f"{path} has no files *.parquet")
    return files


def _opened(path: Path) -> Any:
    parquet_library = extra("pyarrow.parquet", "parquet", "a Parquet source")
    try:
        return parquet_library.ParquetFile(path, memory_map=False)
    except Exception as problem:  # FileNotFoundError, ArrowInvalid, OSError …
        raise DataError(f"{path} cannot be read as Parquet ({problem!r:.300})") from problem


def _group_sizes(metadata: Any) -> list[int]:
    return [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(map(repr, names[:8])) + (" …" if len(names) > 8 else "")
