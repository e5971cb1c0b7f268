"""Buffers: memory for the rows of a source that are trained on, and for those that are read."""

from __future__ import annotations

from typing import Any

import numpy as np

from backprop_xp.sources.base import Source, block_rows


class Buffer:
    """X and Y of so many rows.

    Attributes
    ----------
    items : tuple of numpy.ndarray
        The same memory of X and of Y, a row as one item: these are copied much faster.
    """

    def __init__(self, source: Source, rows: int) -> None:
        self._pair = source.x.empty(rows), source.y.empty(rows)
        self.items = tuple(_as_items(array) for array in self._pair)

    def rows(self, some: slice) -> tuple[np.ndarray, np.ndarray]:
        """X and Y of some rows: views, no copies."""
        X, Y = self._pair
        return X[some], Y[some]


class Buffers:
    """A buffer that is trained on, one that is filled, and memory for a piece that is read.

    Attributes
    ----------
    at_once : int
        So many rows at most are in a piece, which stays in the cache until it is shuffled.
    piece : Buffer
        The memory for them.
    """

    def __init__(self, source: Source, rows: int) -> None:
        self._source, self._rows = source, rows
        self._pair: dict[int, Buffer] = {}
        self.at_once = min(rows, block_rows(source.x.nbytes + source.y.nbytes))
        self.piece = Buffer(source, self.at_once)

    def __getitem__(self, number: int) -> Buffer:
        """The buffer of this number; every second one has the same memory."""
        which = number % 2
        if which not in self._pair:
            self._pair[which] = Buffer(self._source, self._rows)
        return self._pair[which]

    def shuffle(self, number: int, places: np.ndarray) -> None:
        """Write the first rows of the piece to these places in the buffer of this number."""
        for kept, new in zip(self[number].items, self.piece.items, strict=True):
            kept[places] = new[: len(places)]


def _as_items(array: np.ndarray) -> np.ndarray:
    row: Any = np.dtype((np.void, array[:1].nbytes))
    items: np.ndarray = array.reshape(len(array), -1).view(row)[:, 0]
    return items
