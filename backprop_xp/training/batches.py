"""Batches: seeded, shuffled minibatches of data that live on the device."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from backprop_xp.backends.base import Array, Backend


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
        take = self.backend.xp.take
        order = self.backend.asarray(self.rng.permutation(self.rows))
        for start in range(0, self.rows, self.batch_size):
            rows = order[start : min(start + self.batch_size, self.rows)]
            yield take(self.X, rows, axis=-2), take(self.Y, rows, axis=-2)

    def sizes(self) -> list[int]:
        """The number of rows of each batch of a pass."""
        starts = range(0, self.rows, self.batch_size)
        return [min(self.batch_size, self.rows - start) for start in starts]
