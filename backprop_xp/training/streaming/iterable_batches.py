"""IterableBatches: the batches of a loader that the user has made, in the loader's order."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from itertools import count
from typing import Any

import numpy as np

from backprop_xp.backends.base import Array
from backprop_xp.backends.frames import column_names, is_frame, read_frame
from backprop_xp.backends.host_data import host_array
from backprop_xp.errors import ConfigurationError, DataError, ShapeError
from backprop_xp.maths.network import Network
from backprop_xp.training.streaming.host_checks import Expected
from backprop_xp.training.streaming.prefetch import one_ahead

_ENDED = object()


class IterableBatches:
    """The batches of an iterable that can be gone through anew in every epoch.

    It is gone through once before training: its batches are counted, and all values looked at.

    Parameters
    ----------
    net : Network
    iterable : iterable of (X, Y)
        Host data: X (rows, n_0), Y (rows,), (rows, 1) or (rows, n_L); batches may differ in size.
    rng : numpy.random.Generator, optional
        Kept for checkpoints: nothing is drawn, the order is that of the iterable.
    columns : tuple, optional
        The order of the columns of frames; by default that of the first batch.

    Raises
    ------
    ConfigurationError
        It can be gone through only once.
    DataError, ShapeError
        It has no batches, or one that does not fit.
    """

    def __init__(
        self,
        net: Network,
        iterable: Iterable[Any],
        rng: Any = None,
        columns: tuple[Any, ...] | None = None,
    ) -> None:
        self.net, self.rngs, self._iterable, self.columns = net, [rng], iterable, columns
        self.name = f"the {type(iterable).__name__}"
        if iter(iterable) is iterable:
            raise ConfigurationError(
                f"{self.name} can be gone through only once, but every epoch goes through the "
                "data: hand an object whose __iter__ begins anew, such as a class with "
                "`def __iter__(self): yield …`, or a list of the batches"
            )
        self._expected = Expected(net)
        self._sizes: list[int] = []
        self._sizes = [len(X) for X, _ in self.read()]
        if not self._sizes:
            raise DataError(f"{self.name} has no batches")
        self.rows, self.batch_size = sum(self._sizes), max(self._sizes)

    def __len__(self) -> int:
        return len(self._sizes)

    def sizes(self) -> list[int]:
        """The number of rows of each batch of an epoch."""
        return list(self._sizes)

    def sample(self, rows: int) -> tuple[Array, Array]:
        """X and Y of the first batch, up to so many rows."""
        with closing(self.read()) as batches:
            X, Y = next(batches)
        return self.on_device(X[:rows], Y[:rows])

    def epoch(self) -> IterableEpoch:
        """The next epoch."""
        return IterableEpoch(self)

    def on_device(self, X: np.ndarray, Y: np.ndarray) -> tuple[Array, Array]:
        """Move a batch, as the network takes it."""
        return self.net.as_inputs(X, move=True), self.net.as_targets(Y, len(Y), move=True)

    def read(self) -> Generator[tuple[np.ndarray, np.ndarray]]:
        """Go through the iterable: a thread gets and checks the next batch meanwhile."""
        items = _items(self._iterable, self.name)
        with closing(one_ahead(lambda number: self._next(items, number), count())) as batches:
            for batch in batches:
                if batch is None:
                    return
                yield batch

    def _next(self, items: Iterator[Any], number: int) -> tuple[np.ndarray, np.ndarray] | None:
        known, item = self._sizes, next(items, _ENDED)
        if item is _ENDED:
            if number < len(known):
                raise DataError(
                    f"{self.name} ended after {number} batches, but had {len(known)} before "
                    "training: every epoch must have as many"
                )
            return None
        name = f"batch {number + 1} of {self.name}"
        # In new memory: a loader may write its next batch over this one.
        X, Y = self._expected.taken(*self._pair(item, name), name)
        if known and (number >= len(known) or len(X) != known[number]):
            had = f"{known[number]} rows" if number < len(known) else "not there"
            raise DataError(
                f"{name} has {len(X)} rows, but was {had} before training: every epoch must have "
                "the same batch sizes"
            )
        return X, Y

    def _pair(self, item: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return X and Y of a batch as arrays, the columns of a frame in the order of the first."""
        if not isinstance(item, tuple | list) or len(item) != 2:
            what = type(item).__name__
            what += f" of {len(item)} items" if isinstance(item, tuple | list) else ""
            raise ShapeError(f"{name} is a {what}: expected a pair (X, Y) of arrays")
        self.columns = self.columns or column_names(item[0])
        return _array(item[0], f"{name}: X", self.columns), _array(item[1], f"{name}: Y", None)


class IterableEpoch:
    """One pass. Another one may have other rows in its batches."""

    repeatable = False

    def __init__(self, batches: IterableBatches) -> None:
        self._all = batches

    def batches(self, start: int = 0) -> Iterator[tuple[Array, ...]]:
        """Yield (X, Y) from batch number `start` on, counted from 0."""
        with closing(self._all.read()) as batches:
            for number, (X, Y) in enumerate(batches):
                if number >= start:
                    yield self._all.on_device(X, Y)


def _items(iterable: Iterable[Any], name: str) -> Iterator[Any]:
    """Go through somebody's iterable, whose errors become ours, with theirs as the cause."""
    number = 0
    try:
        for item in iterable:
            yield item
            number += 1
    except Exception as problem:
        raise DataError(
            f"{name} failed at batch {number + 1} with {type(problem).__name__}: {problem}"
        ) from problem


def _array(x: Any, name: str, columns: tuple[Any, ...] | None) -> np.ndarray:
    if is_frame(x):
        return read_frame(x, name, wanted=columns)[0]
    try:
        return host_array(x)
    except DataError as problem:
        raise DataError(f"{name}: {problem}") from problem
