"""Batches: seeded, shuffled minibatches on the device."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from backprop_xp.backends.base import Array, Backend
from backprop_xp.data.rows import DeviceRows, Rows

# So many elements are gathered at once: fewer calls than batch by batch for small batches, and what
# was gathered is still in the cache when it is used.
GATHERED_ELEMENTS = 2**17


class Batches:
    """Minibatches of (X, Y), in a new order in every epoch.

    The order is drawn on the host, so the same seed gives the same batches on every backend. The
    last batch is short if the rows do not divide evenly.

    Parameters
    ----------
    backend : Backend
    X, Y : Rows
        m rows each.
    batch_size : int or None
        None, or m and more, takes all rows as one batch, unshuffled.
    rng : numpy.random.Generator
        Draws the order.
    weights : array, shape (m, 1), optional
        On the backend; batches are then (X, Y, weights).
    """

    def __init__(
        self,
        backend: Backend,
        X: Rows,
        Y: Rows,
        batch_size: int | None,
        rng: Any,
        weights: Array | None = None,
    ) -> None:
        self.rng, self.rows = rng, X.rows
        self.batch_size = self.rows if batch_size is None else min(batch_size, self.rows)
        self._tables = (X, Y) if weights is None else (X, Y, DeviceRows(backend, weights))

    @property
    def rngs(self) -> list[Any]:
        """All that draw orders."""
        return [self.rng]

    def __len__(self) -> int:
        return math.ceil(self.rows / self.batch_size)

    def sample(self, rows: int) -> tuple[Array, Array]:
        """X and Y of the first rows, up to so many."""
        X, Y = (table.part(0, min(rows, self.rows)) for table in self._tables[:2])
        return X, Y

    def sizes(self) -> Sequence[float]:
        """The number of rows of each batch of an epoch."""
        full, rest = divmod(self.rows, self.batch_size)
        return [self.batch_size] * full + [rest] * (rest > 0)

    def epoch(self) -> Epoch:
        """Draw the order of the next epoch; a single batch needs none."""
        order = self.rng.permutation(self.rows) if len(self) > 1 else None
        return Epoch(self._tables, self.batch_size, order)


def pieces(start: int, stop: int, at_once: int) -> Iterator[tuple[int, int]]:
    """Divide start … stop − 1; each piece ends where one that began with 0 would end."""
    while start < stop:
        end = min((start // at_once + 1) * at_once, stop)
        yield start, end
        start = end


class Epoch:
    """The batches of one epoch: the same ones, bit by bit, however often they are asked for."""

    repeatable = True

    def __init__(self, tables: tuple[Rows, ...], batch_size: int, order: np.ndarray | None) -> None:
        self._tables, self.batch_size, self.order = tables, batch_size, order
        self._placed: list[Any] = []
        elements = batch_size * sum(table.columns for table in tables)
        self._at_once = batch_size * max(1, GATHERED_ELEMENTS // elements)

    @property
    def resident(self) -> tuple[Array, ...] | None:
        """X, Y and weights (m, n) of all rows, if the device holds them."""
        arrays = [t.array for t in self._tables if isinstance(t, DeviceRows) and t.array.ndim == 2]
        return tuple(arrays) if len(arrays) == len(self._tables) else None

    def batches(self, start: int = 0) -> Iterator[tuple[Array, ...]]:
        """Yield (X, Y), or (X, Y, weights), from batch number `start` on, counted from 0."""
        rows, first = self._tables[0].rows, start * self.batch_size
        if self.order is not None and not self._placed:
            self._placed = [table.place(self.order) for table in self._tables]
        for begin, end in pieces(first, rows, self._at_once):
            yield from self._gathered(begin, end)

    def _gathered(self, first: int, stop: int) -> Iterator[tuple[Array, ...]]:
        """Gather the rows of several batches in one go, and hand them out as views."""
        size, rows = self.batch_size, stop - first
        parts = [
            (..., slice(start, min(start + size, rows)), slice(None))
            for start in range(0, rows, size)
        ]
        if not self._placed:  # the rows follow each other as they are
            arrays = [table.part(first, stop) for table in self._tables]
        else:
            pairs = zip(self._tables, self._placed, strict=True)
            arrays = [table.take(order[first:stop]) for table, order in pairs]
        yield from zip(*([array[part] for part in parts] for array in arrays), strict=True)
