"""Tables on the host that are read row by row: memory maps, sparse matrices, arrays."""

from __future__ import annotations

import mmap
from abc import ABC, abstractmethod
from typing import Any, TypeAlias

import numpy as np

# A row that is read at random maps up to 2 MB of its file around it; after so many rows the
# pages are handed back.
_ROWS_PER_RELEASE = 16
# Rows that follow each other map no more than themselves, and handing back stops every thread.
_BYTES_PER_RELEASE = 2**22

Chosen: TypeAlias = "np.ndarray | slice"


class HostTable(ABC):
    """Rows on the host, of any dtype.

    Attributes
    ----------
    shape : tuple of int
        (m,) or (m, n).
    """

    shape: tuple[int, ...]

    @abstractmethod
    def read(self, rows: Chosen) -> np.ndarray:
        """Return these rows, by their numbers or as a slice, as a new dense array."""

    def read_into(self, start: int, out: np.ndarray) -> None:
        """Write the rows from `start` on into `out`, which has the shape of some rows."""
        out[...] = self.read(slice(start, start + len(out)))


class ArrayTable(HostTable):
    """An array in memory."""

    def __init__(self, array: np.ndarray) -> None:
        self.array, self.shape = array, array.shape

    def read(self, rows: Chosen) -> np.ndarray:
        return np.array(self.array[rows], order="C")

    def read_into(self, start: int, out: np.ndarray) -> None:
        out[...] = self.array[start : start + len(out)]


class MappedTable(HostTable):
    """A `numpy.memmap`, or a view of one: what has been read does not stay in memory."""

    def __init__(self, array: np.ndarray) -> None:
        # A plain view, which is faster to index. It keeps the mapping open.
        self.array, self.shape = array.view(np.ndarray), array.shape
        self._mapping = _shared_mapping(array)
        self._mapped = 0

    def read(self, rows: Chosen) -> np.ndarray:
        if isinstance(rows, slice):
            result = np.array(self.array[rows], order="C")
            self._release()
            return result
        result = np.empty((len(rows), *self.shape[1:]), self.array.dtype)
        places = np.argsort(rows)  # from the beginning of the file to its end
        for start in range(0, len(rows), _ROWS_PER_RELEASE):
            some = places[start : start + _ROWS_PER_RELEASE]
            result[some] = self.array[rows[some]]
            self._release()
        return result

    def read_into(self, start: int, out: np.ndarray) -> None:
        out[...] = self.array[start : start + len(out)]
        self._mapped += out.nbytes
        if self._mapped >= _BYTES_PER_RELEASE:
            self._release()
            self._mapped = 0

    def _release(self) -> None:
        """Unmap the pages; they stay in the system's cache, which gives way to who needs it."""
        if self._mapping is not None:
            self._mapping.madvise(mmap.MADV_DONTNEED)


class SparseTable(HostTable):
    """A SciPy sparse matrix or array of two dimensions: rows become dense as they are read."""

    def __init__(self, matrix: Any) -> None:
        self.matrix, self.shape = matrix.tocsr(), matrix.shape

    def read(self, rows: Chosen) -> np.ndarray:
        dense: np.ndarray = self.matrix[rows].toarray()
        return dense


class Selection(HostTable):
    """Some rows of another table."""

    def __init__(self, table: HostTable, rows: np.ndarray) -> None:
        self.table, self.rows = table, rows
        self.shape = (len(rows), *table.shape[1:])

    def read(self, rows: Chosen) -> np.ndarray:
        return self.table.read(self.rows[rows])


def is_memory_map(x: Any) -> bool:
    """Whether `x` is a `numpy.memmap`, or an array that looks onto one."""
    return _memory_map(x) is not None


def _memory_map(x: Any) -> Any:
    while isinstance(x, np.ndarray):
        if isinstance(x, np.memmap) and getattr(x, "_mmap", None) is not None:
            return x
        x = x.base
    return None


def _shared_mapping(array: np.ndarray) -> Any:
    """Return the mapping behind `array` if its pages may be released, else None.

    Those of a copy-on-write map may not: what was written into them is nowhere else.
    """
    source = _memory_map(array)
    releasable = hasattr(mmap, "MADV_DONTNEED") and source.mode != "c"
    return source._mmap if releasable else None
