"""Rows: data from which batches are taken, on the device or read from the host piece by piece."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from backprop_xp.backends.base import Array, Backend
from backprop_xp.sources.host_tables import HostTable, Selection

# So many elements of data on the host are looked at at once: a few megabytes.
_CHUNK_ELEMENTS = 2**20


class Rows(ABC):
    """X, Y or weights, of which any rows can be had as an array on the device.

    Attributes
    ----------
    rows, columns : int
        m, and the number of columns of what `take` and `part` return.
    """

    rows: int
    columns: int

    @abstractmethod
    def place(self, order: np.ndarray) -> Any:
        """Move row numbers from the host to where `take` uses them, all at once."""

    @abstractmethod
    def take(self, order: Any) -> Array:
        """Return the rows of these numbers, (len(order), columns), in their order.

        `order` is what `place` returned, a piece of it, or row numbers on the host.
        """

    @abstractmethod
    def part(self, start: int, stop: int) -> Array:
        """Return the rows from `start` up to, not including, `stop`."""

    @abstractmethod
    def subset(self, rows: np.ndarray) -> Rows:
        """Only the rows of these numbers; what is read piece by piece is not copied."""

    @abstractmethod
    def chunks(self) -> Iterator[tuple[int, int]]:
        """(start, stop) of parts that cover all rows, each of which fits into memory."""


class DeviceRows(Rows):
    """Rows of an array (…, m, n) that lives on the device."""

    def __init__(self, backend: Backend, array: Array) -> None:
        self.backend, self.array = backend, array
        self.rows, self.columns = int(array.shape[-2]), int(array.shape[-1])

    def place(self, order: np.ndarray) -> Array:
        return self.backend.asarray(order)

    def take(self, order: Any) -> Array:
        if type(order) is not self.backend.array_type:
            order = self.backend.asarray(order)
        return self.backend.xp.take(self.array, order, axis=-2)

    def part(self, start: int, stop: int) -> Array:
        return self.array[..., start:stop, :]

    def subset(self, rows: np.ndarray) -> DeviceRows:
        return DeviceRows(self.backend, self.take(rows))

    def chunks(self) -> Iterator[tuple[int, int]]:
        yield 0, self.rows


class HostRows(Rows):
    """Rows of a table on the host: each batch is read, converted and moved by itself.

    Parameters
    ----------
    table : HostTable
    columns : int
        What `convert` makes of a row.
    convert : callable
        Takes rows as a NumPy array, and returns them as the network wants them on the device.
    """

    def __init__(
        self, table: HostTable, columns: int, convert: Callable[[np.ndarray], Array]
    ) -> None:
        self.table, self.convert = table, convert
        self.rows, self.columns = table.shape[0], columns

    def place(self, order: np.ndarray) -> np.ndarray:
        return order

    def take(self, order: np.ndarray) -> Array:
        return self.convert(self.table.read(order))

    def part(self, start: int, stop: int) -> Array:
        return self.convert(self.table.read(slice(start, stop)))

    def subset(self, rows: np.ndarray) -> HostRows:
        return HostRows(Selection(self.table, rows), self.columns, self.convert)

    def chunks(self) -> Iterator[tuple[int, int]]:
        step = max(1, _CHUNK_ELEMENTS // self.columns)
        for start in range(0, self.rows, step):
            yield start, min(start + step, self.rows)
