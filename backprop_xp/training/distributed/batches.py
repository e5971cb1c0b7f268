"""Batches of which every rank takes its part.

All ranks draw the same order of all rows, so they know of every batch which rows are where, and
what each row weighs in J: its share, wᵢ/Σw over the whole batch. Rows that only fill up a rank's
part have the share 0, and add nothing to J and its gradient.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from backprop_xp.backends.base import Array, Backend
from backprop_xp.data.batches import GATHERED_ELEMENTS, Batches, Epoch, pieces
from backprop_xp.data.rows import Rows


class SharedBatches(Batches):
    """A rank's part of minibatches over the rows of all ranks.

    Parameters
    ----------
    backend : Backend
    X, Y : Rows
        The rows that are here.
    batch_size : int or None
        Rows of a whole batch, over all ranks.
    rng : numpy.random.Generator
        In the same state on every rank.
    weights : numpy.ndarray, shape (m,), or None
        Of all rows of all ranks.
    layout : Layout
    dtype : str
        Of the network.
    places : bool
        Whether batches also say which row of the whole batch each row is, for dropout.
    """

    def __init__(
        self,
        backend: Backend,
        X: Rows,
        Y: Rows,
        batch_size: int | None,
        rng: Any,
        weights: np.ndarray | None,
        layout: Layout,
        dtype: str,
        places: bool,
    ) -> None:
        super().__init__(backend, X, Y, batch_size, rng)
        self.rows = layout.rows
        self.batch_size = self.rows if batch_size is None else min(batch_size, self.rows)
        self._backend, self._dtype, self._places = backend, dtype, places
        self._weights, self._layout = weights, layout
        self._weighed: list[float] = []

    def sizes(self) -> list[float]:
        """What each batch of the latest epoch weighs: Σw, or its number of rows."""
        return self._weighed

    def epoch(self) -> SharedEpoch:
        """Draw the order of the next epoch, and find the rows of every batch that are here."""
        order = self.rng.permutation(self.rows) if len(self) > 1 else np.arange(self.rows)
        starts = np.arange(0, self.rows, self.batch_size)
        sizes = np.diff(starts, append=self.rows)
        if self._weights is None:
            self._weighed, shares = sizes.tolist(), np.repeat(1.0 / sizes, sizes)
        else:
            weights = self._weights[order]
            self._weighed = np.add.reduceat(weights, starts).tolist()
            shares = _shares(weights, starts, sizes)
        here, counts = self._layout.here(order, starts, sizes)
        padded = self._layout.padded(counts)
        ends = np.cumsum(padded)
        # Where in the epoch's arrays each row that is here goes; the other places are filling.
        target = np.arange(len(here)) + np.repeat(
            ends - padded - (np.cumsum(counts) - counts), counts
        )
        rows = np.repeat(self._layout.filling(order, starts), padded)
        padded_shares, places = np.zeros(ends[-1]), np.zeros(ends[-1], np.uint32)
        rows[target] = self._layout.numbers(order[here])
        padded_shares[target] = shares[here]
        places[target] = here - np.repeat(starts, counts)
        extra = [self._backend.asarray(padded_shares[:, None], self._dtype)]
        extra += [self._backend.asarray(places[:, None])] if self._places else []
        return SharedEpoch(self._tables, rows, ends, extra)


def _shares(weights: np.ndarray, starts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return wᵢ/Σw over each batch; see `kernels.share`."""
    relative = _divided(weights, np.maximum.reduceat(weights, starts), sizes)
    return _divided(relative, np.add.reduceat(relative, starts), sizes)


def _divided(values: np.ndarray, by_batch: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    quotients: np.ndarray = values / np.repeat(np.where(by_batch > 0, by_batch, 1.0), sizes)
    return quotients


class SharedEpoch(Epoch):
    """The part of an epoch's batches that is here: (X, Y, shares), and with dropout the places."""

    def __init__(
        self, tables: tuple[Rows, ...], rows: np.ndarray, ends: np.ndarray, extra: list[Array]
    ) -> None:
        self._tables, self._ends, self._extra = tables, [0, *ends.tolist()], extra
        self._placed = [table.place(rows) for table in tables]
        elements = int(max(np.diff(self._ends))) * sum(table.columns for table in tables)
        self._at_once = max(1, GATHERED_ELEMENTS // elements)

    def batches(self, start: int = 0) -> Iterator[tuple[Array, ...]]:
        for first, stop in pieces(start, len(self._ends) - 1, self._at_once):
            yield from self._some(first, stop)

    def _some(self, first: int, stop: int) -> Iterator[tuple[Array, ...]]:
        """Gather the rows of several batches in one go, and hand them out as views."""
        ends = self._ends
        begin, end = ends[first], ends[stop]
        pairs = zip(self._tables, self._placed, strict=True)
        arrays = [table.take(order[begin:end]) for table, order in pairs]
        arrays += [array[begin:end, :] for array in self._extra]
        for k in range(first, stop):
            part = (..., slice(ends[k] - begin, ends[k + 1] - begin), slice(None))
            yield tuple([array[part] for array in arrays])


class Layout:
    """Every rank has all rows, and of each batch takes one of `size` even slices."""

    def __init__(self, rows: int, rank: int, size: int) -> None:
        self.rows, self.rank, self.size = rows, rank, size

    def here(
        self, order: np.ndarray, starts: np.ndarray, sizes: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The positions in the order that are this rank's, ascending, and their number by batch."""
        low, high = (starts + sizes * r // self.size for r in (self.rank, self.rank + 1))
        counts = high - low
        before = np.cumsum(counts) - counts
        here: np.ndarray = np.arange(counts.sum()) + np.repeat(low - before, counts)
        return here, counts

    def padded(self, counts: np.ndarray) -> np.ndarray:
        """How many rows the rank takes of each batch, those that fill up included: 1 at least."""
        taken: np.ndarray = np.maximum(counts, 1)
        return taken

    def numbers(self, rows: np.ndarray) -> np.ndarray:
        """The numbers, on this rank, of rows that are here."""
        return rows

    def filling(self, order: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """The number, on this rank, of the row that fills up each batch."""
        first: np.ndarray = order[starts]
        return first


class PartLayout(Layout):
    """Every rank has a part of the rows: those of rank 0 come first, then those of rank 1 …

    How many rows of a batch are on a rank changes from batch to batch. The rank fills up to a
    multiple of about the deviation of that number, since every number of rows needs other arrays.

    Parameters
    ----------
    counts : list of int
        The rows of every rank.
    rank : int
    batch_size : int or None
        Rows of a whole batch.
    """

    def __init__(self, counts: list[int], rank: int, batch_size: int | None) -> None:
        super().__init__(sum(counts), rank, len(counts))
        self._first = sum(counts[:rank])
        self._last = self._first + counts[rank]
        part = counts[rank] / self.rows
        varies = batch_size is not None and batch_size < self.rows
        deviation = np.sqrt(batch_size * part * (1.0 - part)) if varies else 0.0  # type: ignore[operator]
        self._multiple = 2 ** round(np.log2(max(1.0, deviation)))

    def here(
        self, order: np.ndarray, starts: np.ndarray, sizes: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        here = np.flatnonzero((order >= self._first) & (order < self._last))
        edges = np.searchsorted(here, [*starts, self.rows])
        return here, np.diff(edges)

    def padded(self, counts: np.ndarray) -> np.ndarray:
        taken: np.ndarray = np.maximum(-(-counts // self._multiple) * self._multiple, 1)
        return taken

    def numbers(self, rows: np.ndarray) -> np.ndarray:
        return rows - self._first

    def filling(self, order: np.ndarray, starts: np.ndarray) -> np.ndarray:
        return np.zeros(len(starts), order.dtype)
