"""StreamBatches: minibatches of a source, shuffled block by block and buffer by buffer."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import numpy as np

from backprop_xp.backends.base import Array
from backprop_xp.data.batches import GATHERED_ELEMENTS
from backprop_xp.maths.network import Network
from backprop_xp.sources.base import Reader, Source
from backprop_xp.training.streaming.buffers import Buffers
from backprop_xp.training.streaming.host_checks import Expected
from backprop_xp.training.streaming.prefetch import one_ahead


class StreamBatches:
    """Minibatches of a source, of which two buffers are in memory at any time.

    Parameters
    ----------
    net : Network
    source : Source
    batch_size : int or None
        None, or m and more, takes all rows as one batch, unshuffled.
    rng : numpy.random.Generator, optional
        Draws the order of the blocks, and that of the rows of each buffer; None shuffles neither.
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
        # One for X and one for Y, which may have the same shape and dtype.
        self._movers = net.backend.mover(), net.backend.mover()
        self._spare: list[Buffers] = []

    def __len__(self) -> int:
        return math.ceil(self.rows / self.batch_size)

    def sizes(self) -> list[int]:
        """The number of rows of each batch of an epoch."""
        starts = range(0, self.rows, self.batch_size)
        return [min(self.batch_size, self.rows - start) for start in starts]

    @property
    def columns(self) -> tuple[Any, ...] | None:
        """The names of X's columns."""
        return self.source.columns

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

    def views(self, X: np.ndarray, Y: np.ndarray, start: int) -> Iterator[tuple[Array, ...]]:
        """Yield the batches of a full buffer from row `start` on, on the device."""
        net, (of_X, of_Y) = self.net, self._movers
        inputs = self._batches(
            X, start, net.sizes[0], lambda x: net.as_inputs(of_X.move(x), move=True)
        )
        targets = self._batches(
            Y, start, net.sizes[-1], lambda y: net.as_targets(of_Y.move(y), len(y), move=True)
        )
        yield from zip(inputs, targets, strict=True)

    def _batches(
        self, rows: np.ndarray, start: int, columns: int, convert: Callable[[np.ndarray], Array]
    ) -> Iterator[Array]:
        """Convert the rows of several small batches in one go, and hand out views."""
        size = self.batch_size
        at_once = size * max(1, GATHERED_ELEMENTS // (size * columns))
        for first in range(start, len(rows), at_once):
            part = convert(rows[first : first + at_once])
            for row in range(0, part.shape[-2], size):
                yield part[..., row : min(row + size, part.shape[-2]), :]


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

    def places(self, number: int, count: int) -> np.ndarray | None:
        """Where in a buffer the rows go as they are read; None where they stay as they are."""
        order = self._rows
        if self._seed is not None:
            order = np.random.default_rng((self._seed, number)).permutation(count)
        if order is None:
            return None
        places = np.empty_like(order)
        places[order] = np.arange(count)
        return places

    def pieces(self, start: int, stop: int, at_most: int) -> Iterator[tuple[int, int, int]]:
        """(block, first row in the block, number of rows) of the rows start … stop − 1."""
        place = int(np.searchsorted(self._ends, start, side="right"))
        while start < stop:
            end, block = int(self._ends[place]), int(self._blocks[place])
            begin = int(self._ends[place - 1]) if place else 0
            count = min(end - start, stop - start, at_most)
            yield block, start - begin, count
            start += count
            place += start == end


class StreamEpoch:
    """The batches of one epoch: the same ones, bit by bit, however often they are asked for."""

    repeatable = True

    def __init__(self, batches: StreamBatches, order: _Order) -> None:
        self._all, self._order = batches, order

    def batches(self, start: int = 0) -> Iterator[tuple[Array, ...]]:
        """Yield (X, Y) from batch number `start` on, counted from 0."""
        size, buffer_rows = self._all.batch_size, self._all.buffer_rows
        first = start * size // buffer_rows
        skipped = start * size - first * buffer_rows
        numbers = range(first, math.ceil(self._all.rows / buffer_rows))
        with closing(self._all.source.reader()) as reader, self._all.buffers() as buffers:

            def fill(number: int) -> tuple[np.ndarray, np.ndarray]:
                return self._fill(reader, number, buffers)

            with closing(one_ahead(fill, numbers)) as full:
                for X, Y in full:
                    yield from self._all.views(X, Y, skipped)
                    skipped = 0
        if start == 0:
            self._all.expected = None  # all values have been looked at

    def _fill(self, reader: Reader, number: int, buffers: Buffers) -> tuple[np.ndarray, np.ndarray]:
        """Read the rows of a buffer to where they belong; in the first epoch, look at them."""
        source, expected = self._all.source, self._all.expected
        first = number * self._all.buffer_rows
        stop, done = min(first + self._all.buffer_rows, self._all.rows), 0
        buffer, places = buffers[number], self._order.places(number, stop - first)
        for block, begin, count in self._order.pieces(first, stop, buffers.at_once):
            part, row = int(source.blocks.part[block]), int(source.blocks.start[block]) + begin
            some = slice(done, done + count)
            X, Y = buffer.rows(some) if places is None else buffers.piece.rows(slice(0, count))
            reader.read(part, row, X, Y)
            if expected is not None:
                *names, offset = source.place(part)
                expected.check(X, Y, names, offset + row)
            if places is not None:
                buffers.shuffle(number, places[some])
            done += count
        return buffer.rows(slice(0, done))
