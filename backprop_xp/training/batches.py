"""Batches: seeded, shuffled minibatches of data that live on the device."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from backprop_xp.backends.base import Array, Backend

# So many elements are gathered at once: fewer calls than batch by batch for small batches, and what
# was gathered is still in the cache when it is used.
_GATHERED_ELEMENTS = 2**17


class Batches:
    """Minibatches of (X, Y), in a new order at every pass.

    The order is drawn on the host, so the same seed gives the same batches on every backend; it is
    moved to the device once per pass. The last batch is short if the rows do not divide evenly.

    Parameters
    ----------
    backend : Backend
    X, Y : array, shape (…, m, n)
        On the backend.
    batch_size : int or None
        None, or m and more, takes all rows as one batch, in their own order.
    rng : numpy.random.Generator
        Draws the order.
    """

    def __init__(
        self, backend: Backend, X: Array, Y: Array, batch_size: int | None, rng: Any
    ) -> None:
        self.backend, self.X, self.Y, self.rng = backend, X, Y, rng
        self.rows = int(X.shape[-2])
        self.batch_size = self.rows if batch_size is None else min(batch_size, self.rows)

    def __len__(self) -> int:
        return math.ceil(self.rows / self.batch_size)

    def __iter__(self) -> Iterator[tuple[Array, Array]]:
        if len(self) == 1:
            yield self.X, self.Y
            return
        order = self.backend.asarray(self.rng.permutation(self.rows))
        at_once = self.batch_size * max(1, _GATHERED_ELEMENTS // self._elements_per_batch())
        for start in range(0, self.rows, at_once):
            yield from self._gathered(order[start : min(start + at_once, self.rows)])

    def _gathered(self, rows: Array) -> Iterator[tuple[Array, Array]]:
        """Gather the rows of several batches in one go, and hand them out as windows."""
        take, count = self.backend.xp.take, rows.shape[0]
        X, Y = take(self.X, rows, axis=-2), take(self.Y, rows, axis=-2)
        for start in range(0, count, self.batch_size):
            part = slice(start, min(start + self.batch_size, count))
            yield X[..., part, :], Y[..., part, :]

    def _elements_per_batch(self) -> int:
        return self.batch_size * max(1, int(self.X.size + self.Y.size) // self.rows)

    def sizes(self) -> list[int]:
        """The number of rows of each batch of a pass."""
        starts = range(0, self.rows, self.batch_size)
        return [min(self.batch_size, self.rows - start) for start in starts]
