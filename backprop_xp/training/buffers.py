"""Buffers: room for the rows of a source that are trained on, and for those that are read."""

from __future__ import annotations

from typing import Any

import numpy as np

from backprop_xp.sources.base import Source, block_rows


class Buffer:
    """X and Y of as many rows as are shuffled at a time."""

    def __init__(self, source: Source, rows: int) -> None:
        self._pair = source.x.empty(rows), source.y.empty(rows)
        self._as_items = [_as_items(array) for array in self._pair]

    def rows(self, some: slice) -> tuple[np.ndarray, np.ndarray]:
        """X and Y of some rows: windows, no copies."""
        X, Y = self._pair
        return X[some], Y[some]

    def write(self, places: np.ndarray, X: np.ndarray, Y: np.ndarray) -> None:
        """Write rows to the given places."""
        for own, new in zip(self._as_items, (X, Y), strict=True):
            own[places] = _as_items(new)


class Buffers:
    """A buffer that is trained on, one that is filled, and room for a piece that is read.

    Attributes
    ----------
    at_once : int
        So many rows at most are in a piece, which stays in the cache until it is shuffled.
    """

    def __init__(self, source: Source, rows: int) -> None:
        self._source, self._rows = source, rows
        self._pair: list[Buffer] = []
        self.at_once = min(rows, block_rows(source.x.nbytes + source.y.nbytes))
        self._piece = Buffer(source, self.at_once)

    def __getitem__(self, number: int) -> Buffer:
        """The buffer of this number; every second one has the same memory."""
        if len(self._pair) <= number % 2:
            self._pair.append(Buffer(self._source, self._rows))
        return self._pair[number % 2]

    def piece(self, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Room for so many rows on their way into a buffer."""
        return self._piece.rows(slice(0, rows))


def _as_items(array: np.ndarray) -> np.ndarray:
    """Return rows as single items, which are copied much faster than rows of numbers."""
    row: Any = np.dtype((np.void, array[:1].nbytes))
    items: np.ndarray = array.reshape(len(array), -1).view(row)[:, 0]
    return items
