"""Arrays whose rows can be sliced: memory maps, and the chunked arrays of Zarr and HDF5."""

from __future__ import annotations

from typing import Any

import numpy as np

from backprop_xp.backends.host_data import require_open, unmasked
from backprop_xp.errors import DataError
from backprop_xp.sources.base import (
    DECODED_BYTES,
    Reader,
    RowFormat,
    Source,
    block_rows,
    require_rows,
    rows_of,
)
from backprop_xp.sources.host_tables import ArrayTable, HostTable, MappedTable, is_memory_map

_PAIR = "X and Y"


def arrays(X: Any, Y: Any, *, buffer_rows: int | None = None) -> Source:
    """Return a pair of arrays as a source.

    Parameters
    ----------
    X : array_like, shape (m, n_0)
        A `numpy.memmap` or NumPy array, or an array of Zarr, h5py or another library that has
        `shape`, `dtype` and slices of rows. If it has `chunks`, whole chunks are read.
    Y : array_like, shape (m,), (m, 1) or (m, n_L)
        As X; the two may be of different kinds.
    buffer_rows : int, optional
        Among so many rows a batch is drawn; by default, as many as have 32 MiB.

    Raises
    ------
    DataError, ShapeError
        They are no numbers, have no rows, or X has not as many as Y.

    Examples
    --------
    >>> import numpy as np, backprop_xp as bp
    >>> X, Y = np.eye(6, dtype="f4"), np.arange(6) % 2
    >>> net = bp.Network([6, 1], output="sigmoid", backend="numpy")
    >>> history = bp.fit(net, bp.sources.arrays(X, Y, buffer_rows=4), epochs=3, batch_size=2)
    >>> len(history.loss)
    3
    """
    return ArraySource(X, Y, _PAIR, buffer_rows)


class ArraySource(Source):
    """One pair of arrays: a single part."""

    def __init__(self, X: Any, Y: Any, name: str, buffer_rows: int | None) -> None:
        X, Y = unmasked(X), unmasked(Y)
        for array in (X, Y):
            require_open(array, name)
            if not (hasattr(array, "shape") and hasattr(array, "dtype")):
                raise DataError(
                    f"{name}: a {type(array).__name__} is no array: expected a memory map, or an "
                    "array of NumPy, Zarr or h5py"
                )
            if len(array.shape) == 0:
                raise DataError(f"{name}: one of them holds one number, and no rows")
        x, y = (RowFormat.of(array.shape, array.dtype, name) for array in (X, Y))
        require_rows(X.shape[0], Y.shape[0], f"{name}: X", "Y")
        self._arrays = (X, x), (Y, y)
        chunks = [_decoded_rows(*pair) if _is_chunked(pair[0]) else 0 for pair in self._arrays]
        if any(chunks):
            # What is decoded, and the copies that Zarr's threads make and keep of it: measured.
            self.decoded = 6 * (chunks[0] * x.nbytes + chunks[1] * y.nbytes) + 2**25
        at_most = chunks[0] or block_rows(x.nbytes + y.nbytes)
        super().__init__(name, x, y, [X.shape[0]], at_most, buffer_rows)

    def reader(self) -> Reader:
        return _ArrayReader([_table(*pair, self.name) for pair in self._arrays])

    def place(self, part: int) -> tuple[str, str, int]:
        prefix = "" if self.name == _PAIR else f"{self.name}: "
        return f"{prefix}X", f"{prefix}Y", 0


class _ArrayReader(Reader):
    def __init__(self, tables: list[HostTable | _ChunkedTable]) -> None:
        self._tables = tables

    def read(self, part: int, start: int, X: np.ndarray, Y: np.ndarray) -> None:
        with np.errstate(over="ignore"):  # of extended precision; the checks of values name it
            for table, out in zip(self._tables, (X, Y), strict=True):
                table.read_into(start, out)


def _table(array: Any, rows: RowFormat, name: str) -> HostTable | _ChunkedTable:
    if is_memory_map(array):
        return MappedTable(array)
    if isinstance(array, np.ndarray):
        return ArrayTable(array)
    at_once = _decoded_rows(array, rows) if _is_chunked(array) else block_rows(rows.nbytes)
    return _ChunkedTable(array, at_once, name)


class _ChunkedTable:
    """An array of another library, of which the chunks that were decoded last are kept."""

    def __init__(self, array: Any, at_once: int, name: str) -> None:
        self._array, self._at_once, self._name = array, at_once, name
        self._number, self._held = -1, np.empty(0)

    def read_into(self, start: int, out: np.ndarray) -> None:
        done = 0
        while done < len(out):
            number, first = divmod(start + done, self._at_once)
            if number != self._number:
                self._held = self._decode(number * self._at_once)
                self._number = number
            some = self._held[first : first + len(out) - done]
            out[done : done + len(some)] = some
            done += len(some)

    def _decode(self, start: int) -> np.ndarray:
        require_open(self._array, self._name)
        stop = min(start + self._at_once, self._array.shape[0])
        try:
            values = np.asarray(self._array[start:stop])
            if len(values) != stop - start:
                raise ValueError(f"there are {len(values)} rows, not {stop - start}")
        except Exception as problem:  # of whatever kind the library's are
            raise DataError(
                f"{self._name}: rows {start} … {stop - 1} cannot be read ({problem!r:.300})"
            ) from problem
        return values


def _is_chunked(array: Any) -> bool:
    return getattr(array, "chunks", None) is not None and not isinstance(array, np.ndarray)


def _decoded_rows(array: Any, rows: RowFormat) -> int:
    """So many rows are decoded at once: whole chunks, or shards where they are in shards."""
    chunk = int((getattr(array, "shards", None) or array.chunks)[0])
    wanted = rows_of(DECODED_BYTES, rows.nbytes)
    return min(chunk * -(-wanted // chunk), max(chunk, int(array.shape[0])))
