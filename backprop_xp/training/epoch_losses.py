"""EpochLosses: J of every batch of an epoch, what the batch weighs, and their mean."""

from __future__ import annotations

from collections.abc import Sequence
from operator import mul
from typing import Any

import numpy as np

from backprop_xp.backends.base import Array
from backprop_xp.maths.network import Network

# The losses are read after so many steps, and after every epoch.
_STEPS_BETWEEN_READS = 1024


class EpochLosses:
    """Losses stay on the device until a part of the epoch is done, and are read at once then.

    Parameters
    ----------
    net : Network
    batches : int
        The number of batches of an epoch.
    by_rows : bool
        Whether a batch always weighs what its size says, even if its rows have weights.
    """

    def __init__(self, net: Network, batches: int, by_rows: bool) -> None:
        self._net, self._by_rows = net, by_rows
        steps = min(batches, _STEPS_BETWEEN_READS)
        self._in_parts = steps < batches
        self._part = net.backend.full((2, steps, *net.stack), 0.0, "float64")

    def begin(self, sizes: Sequence[Any]) -> None:
        """Be ready for an epoch with batches of these sizes."""
        self._sizes = sizes
        self._losses: list[Any] = []
        self._weights: list[Any] = []
        self._noted, self._weighted = 0, False

    @property
    def space(self) -> int:
        """How many losses are noted at most before they are read."""
        return int(self._part.shape[1]) - self._noted

    @property
    def part_is_done(self) -> bool:
        """Whether they must be read before more are noted, in an epoch of several parts."""
        return self._in_parts and self.space == 0

    def note(self, loss: Array, batch: tuple[Array, ...]) -> None:
        """Keep the loss of a batch, and its weight if that is not its number of rows."""
        self._part[0, self._noted, ...] = loss
        if len(batch) > 2 and not self._by_rows:
            axes = (-2, -1) if batch[2].ndim > 2 else None  # each member may have other weights
            self._part[1, self._noted, ...] = self._net.backend.xp.sum(batch[2], axis=axes)
            self._weighted = True
        self._noted += 1

    def note_some(self, losses: Array, weights: Array | None = None) -> None:
        """The same for several batches in a row, (steps, …) each."""
        xp, steps = self._net.backend.xp, int(losses.shape[0])
        some = slice(self._noted, self._noted + steps)
        shape = (steps, *self._part.shape[2:])
        self._part[0, some, ...] = xp.reshape(losses, shape)
        if weights is not None and not self._by_rows:
            each = xp.reshape(weights, (steps, *(1 for _ in shape[1:])))
            self._part[1, some, ...] = xp.broadcast_to(each, shape)
            self._weighted = True
        self._noted += steps

    def read(self) -> np.ndarray:
        """Return the losses that were noted since they were last read, (steps, …), on the host."""
        first, noted, members = len(self._losses), self._noted, self._net.members
        part = self._net.backend.to_numpy(self._part).astype(np.float64)
        losses: np.ndarray = part[0, :noted]
        sizes: Sequence[Any] = self._sizes[first : first + noted]
        if self._weighted:
            sizes = part[1, :noted].tolist()
        elif members:
            sizes = [[size] * members for size in sizes]
        self._losses += losses.tolist()
        self._weights += sizes
        self._noted, self._weighted = 0, False
        return losses

    def mean(self) -> Any:
        """The mean of J over the epoch's examples; for a population an array (members,)."""
        if self._net.members is None:
            return _mean(self._losses, self._weights)
        columns = zip(
            zip(*self._losses, strict=True), zip(*self._weights, strict=True), strict=True
        )
        return np.array([_mean(losses, weights) for losses, weights in columns])


def _mean(losses: Sequence[float], weights: Sequence[float]) -> float:
    # In plain Python: arrays would have to be made of the lists first.
    total = sum(weights)
    return float(sum(map(mul, losses, weights)) / total) if total else 0.0
