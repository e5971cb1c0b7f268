"""StreamBatches: minibatches of a source, shuffled block by block and buffer by buffer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import numpy as np

from backprop_xp.backends.base import Array, Mover
from backprop_xp.maths.network import Network
from backprop_xp.sources.base import Reader, Source
from backprop_xp.sources.host_tables import Chosen, Table
from backprop_xp.training.batches import Epoch
from backprop_xp.training.expected import Expected
from backprop_xp.training.prefetch import one_ahead
from backprop_xp.training.sources import HostRows


class StreamBatches:
    """Minibatches of a source, of which two buffers are in memory at any time.

    Parameters
    ----------
    net : Network
    source : Source
    batch_size : int or None
        None, or m and more, takes all rows as one batch, in their own order.
    rng : numpy.random.Generator, optional
        Draws the order of the blocks, and that of the rows of each buffer. None keeps their own.
    """

    def __init__(
        self, net: Network, source: Source, batch_size: int | None, rng: Any | None
    ) -> None:
        self.net, self.source, self.rng, self.rows = net, source, rng, source.rows
        self.rngs = [rng]
        self.batch_size = self.rows if batch_size is None else min(batch_size, self.rows)
        self.expected: Expected | None = Expected(net)
        # Of the shape of the whole, but without its memory.
        X, Y = (
            np.broadcast_to(np.zeros((), rows.dtype), (self.rows, *rows.tail))
            for rows in (source.x, source.y)
        )
        self.expected.require(X, Y, source.name)
        whole = min(source.buffer_rows, self.rows) if rng is not None else 1
        # Batches do not reach from one buffer into the next.
        self.buffer_rows = max(1, whole // self.batch_size) * self.batch_size
        if self.rows <= source.buffer_rows and rng is not None:
            self.buffer_rows = self.rows
        self._mover = net.backend.mover()
        self._spare: list[Buffers] = []

    def __len__(self) -> int:
        return math.ceil(self.rows / self.batch_size)

    def sizes(self) -> list[int]:
        """The number of rows of each batch of an epoch."""
        starts = range(0, self.rows, self.batch_size)
        return [min(self.batch_size, self.rows - start) for start in starts]

    def sample(self, rows: int) -> tuple[Array, Array]:
        """X and Y of the first rows, up to so many, or as many as the first block has."""
        count = min(rows, int(self.source.blocks.rows[0]))
        X, Y = self.source.x.empty(count), self.source.y.empty(count)
        with closing(self.source.reader()) as reader:
            reader.read(0, 0, X, Y)
        return self.net.as_inputs(X, move=True), self.net.as_targets(Y, count, move=True)

    def epoch(self) -> StreamEpoch:
        """Draw the order of the next epoch; a single batch needs none."""
        return StreamEpoch(self, _Order(self))

    @contextmanager
    def buffers(self) -> Iterator[Buffers]:
        """Lend a pair of buffers, kept from epoch to epoch: new memory has its price."""
        lent = self._spare.pop() if self._spare else Buffers(self.source, self.buffer_rows)
        try:
            yield lent
        finally:
            self._spare.append(lent)

    def on_device(self, X: np.ndarray, Y: np.ndarray) -> tuple[HostRows, HostRows]:
        """Rows of a full buffer, from which batches are taken."""
        net, mover = self.net, self._mover
        return (
            HostRows(
                _Buffered(X, mover),
                net.sizes[0],
                lambda x: net.as_inputs(mover.move(x), move=True),
            ),
            HostRows(
                _Buffered(Y, mover),
                net.sizes[-1],
                lambda y: net.as_targets(mover.move(y), len(y), move=True),
            ),
        )


class Buffers:
    """Room for the rows that are trained on, and for those that are read meanwhile."""

    def __init__(self, source: Source, rows: int) -> None:
        self._source, self._rows = source, rows
        self._pair: list[tuple[np.ndarray, np.ndarray]] = []

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """X and Y of the buffer of this number; every second one has the same memory."""
        if len(self._pair) <= number % 2:
            x, y = self._source.x, self._source.y
            self._pair.append((x.empty(self._rows), y.empty(self._rows)))
        return self._pair[number % 2]


class _Buffered(Table):
    """Rows of a buffer; what is read of them is about to be moved."""

    def __init__(self, array: np.ndarray, mover: Mover) -> None:
        self._array, self._mover, self.shape = array, mover, array.shape

    def read(self, rows: Chosen) -> np.ndarray:
        array = self._array
        if isinstance(rows, slice):
            room = self._mover.room(array[rows].shape, array.dtype)
            room[...] = array[rows]
        else:
            room = self._mover.room((len(rows), *array.shape[1:]), array.dtype)
            # Another mode would gather into an array of its own first; all numbers are in bounds.
            np.take(array, rows, axis=0, out=room, mode="clip")
        return room


class _Order:
    """The order of an epoch: of the blocks, and of the rows of each buffer."""

    def __init__(self, batches: StreamBatches) -> None:
        blocks, rng = batches.source.blocks, batches.rng
        self._blocks: np.ndarray = np.arange(len(blocks))
        self._rows: np.ndarray | None = None
        self._seed: int | None = None
        if rng is not None and len(batches) > 1:
            if batches.rows <= batches.buffer_rows:  # as in memory
                self._rows = rng.permutation(batches.rows)
            else:
                self._blocks = rng.permutation(len(blocks))
                self._seed = int(rng.integers(2**62))
        self._ends = np.cumsum(blocks.rows[self._blocks])

    def rows(self, number: int, count: int) -> np.ndarray | None:
        """The order of the rows of one buffer; None where they stay as they are."""
        if self._seed is not None:
            return np.random.default_rng((self._seed, number)).permutation(count)
        return self._rows

    def pieces(self, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
        """(block, first row in the block, number of rows) of the rows start … stop − 1."""
        place = int(np.searchsorted(self._ends, start, side="right"))
        while start < stop:
            end, block = int(self._ends[place]), int(self._blocks[place])
            begin = int(self._ends[place - 1]) if place else 0
            count = min(end, stop) - start
            yield block, start - begin, count
            start, place = start + count, place + 1


class StreamEpoch:
    """The batches of one epoch: the same ones, bit by bit, however often they are asked for."""

    repeatable = True

    def __init__(self, batches: StreamBatches, order: _Order) -> None:
        self._all, self._order = batches, order

    def batches(self, start: int = 0) -> Iterator[tuple[Array, ...]]:
        """Yield (X, Y) from batch number `start` on, counted from 0."""
        size, buffer_rows = self._all.batch_size, self._all.buffer_rows
        first = start * size // buffer_rows
        skip = start - first * buffer_rows // size
        numbers = range(first, math.ceil(self._all.rows / buffer_rows))
        with closing(self._all.source.reader()) as reader, self._all.buffers() as buffers:

            def fill(number: int) -> tuple[np.ndarray, np.ndarray]:
                return self._fill(reader, number, *buffers[number])

            with closing(one_ahead(fill, numbers)) as full:
                for number, (X, Y) in zip(numbers, full, strict=True):
                    order = self._order.rows(number, len(X))
                    yield from Epoch(self._all.on_device(X, Y), size, order).batches(skip)
                    skip = 0
        if start == 0:
            self._all.expected = None  # all values have been looked at

    def _fill(
        self, reader: Reader, number: int, X: np.ndarray, Y: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Read the rows of a buffer, and look at their values in the first epoch."""
        source, expected = self._all.source, self._all.expected
        first = number * self._all.buffer_rows
        stop, done = min(first + self._all.buffer_rows, self._all.rows), 0
        for block, begin, count in self._order.pieces(first, stop):
            part, row = int(source.blocks.part[block]), int(source.blocks.start[block]) + begin
            some = slice(done, done + count)
            reader.read(part, row, X[some], Y[some])
            if expected is not None:
                *names, offset = source.place(part)
                expected.check(X[some], Y[some], names, offset + row)
            done += count
        return X[:done], Y[:done]
