"""MemberBatches: minibatches for a population whose members see the rows in different orders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from backprop_xp.backends.base import Array, Backend
from backprop_xp.data.batches import GATHERED_ELEMENTS, pieces
from backprop_xp.data.rows import DeviceRows, Rows


class MemberBatches:
    """Minibatches (members, b, n) of (X, Y), for each member those that it would see alone.

    If the members' rows are not equally many, the last batch takes up the rest, members that have
    fewer are filled up with rows of weight 0, and all batches have weights.

    Parameters
    ----------
    backend : Backend
    X, Y : Rows
        m rows each, shared by all.
    batch_size : int or None
        None takes all rows of a member as one batch, unshuffled.
    rngs : sequence of numpy.random.Generator
        Draw the order of each member.
    weights : array, shape (m, 1), optional
        On the backend.
    subsets : sequence of numpy.ndarray of int, optional
        The rows that each member sees; by default all.
    """

    def __init__(
        self,
        backend: Backend,
        X: Rows,
        Y: Rows,
        batch_size: int | None,
        rngs: Sequence[np.random.Generator],
        weights: Array | None = None,
        subsets: Sequence[np.ndarray] | None = None,
    ) -> None:
        self.rngs, self.rows = list(rngs), X.rows
        self._backend = backend
        self._tables = [X, Y] if weights is None else [X, Y, DeviceRows(backend, weights)]
        self._subsets = [np.arange(X.rows)] * len(rngs) if subsets is None else list(subsets)
        counts = [len(subset) for subset in self._subsets]
        fewest, self._width = min(counts), max(counts)
        self.batch_size = fewest if batch_size is None else min(batch_size, fewest)
        self._starts = range(0, fewest, self.batch_size)
        self._present = np.arange(self._width) < np.array(counts)[:, None]

    def __len__(self) -> int:
        return len(self._starts)

    def sample(self, rows: int) -> tuple[Array, Array]:
        """X and Y of the first rows, up to so many."""
        X, Y = (table.part(0, min(rows, self.rows)) for table in self._tables[:2])
        return X, Y

    def sizes(self) -> list[int]:
        """The number of rows of each batch of an epoch."""
        return [stop - start for start, stop in self.edges()]

    def edges(self) -> list[tuple[int, int]]:
        """Where each batch begins and ends."""
        return list(zip(self._starts, [*self._starts[1:], self._width], strict=True))

    def epoch(self) -> MemberEpoch:
        """Draw the orders of the next epoch; a single batch needs none."""
        shuffled = len(self) > 1
        orders = np.zeros(self._present.shape, np.int64)
        for order, rows, rng in zip(orders, self._subsets, self.rngs, strict=True):
            order[: len(rows)] = rows[rng.permutation(len(rows))] if shuffled else rows
        present = None if self._present.all() else self._present
        return MemberEpoch(self._backend, self._tables, self.edges(), orders, present)


class MemberEpoch:
    """The batches of one epoch: the same ones, bit by bit, however often they are asked for."""

    repeatable = True

    def __init__(
        self,
        backend: Backend,
        tables: Sequence[Rows],
        edges: list[tuple[int, int]],
        orders: np.ndarray,
        present: np.ndarray | None,
    ) -> None:
        self._backend, self._tables, self._edges = backend, tables, edges
        self._orders, self._present = orders, present
        longest = max(stop - start for start, stop in edges)
        elements = len(orders) * longest * sum(table.columns for table in tables)
        self._at_once = max(1, GATHERED_ELEMENTS // elements)

    def batches(self, start: int = 0) -> Iterator[tuple[Array, ...]]:
        """Yield (X, Y), or (X, Y, weights), from batch number `start` on, counted from 0."""
        for first, stop in pieces(start, len(self._edges), self._at_once):
            yield from self._gathered(self._edges[first:stop])

    def _gathered(self, edges: list[tuple[int, int]]) -> Iterator[tuple[Array, ...]]:
        """Gather the rows of several batches in one go, and hand them out."""
        reshape, members = self._backend.xp.reshape, len(self._orders)
        # Batch after batch, so that each of them lies in one piece.
        order = np.concatenate([self._orders[:, i:j].ravel() for i, j in edges])
        arrays = [table.take(table.place(order)) for table in self._tables]
        begin = 0
        for i, j in edges:
            end = begin + members * (j - i)
            batch = [reshape(a[begin:end, :], (members, j - i, a.shape[-1])) for a in arrays]
            yield tuple(batch) if self._present is None else self._weighed(batch, i, j)
            begin = end

    def _weighed(self, batch: list[Array], i: int, j: int) -> tuple[Array, ...]:
        """Add the weight 0 for rows that only fill up, 1 for the others, to a batch."""
        assert self._present is not None
        X, Y, *weights = batch
        present = self._backend.asarray(self._present[:, i:j, None])
        present = self._backend.xp.astype(present, self._backend.xp.float64)
        return X, Y, present * weights[0] if weights else present
