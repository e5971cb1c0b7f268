"""StepLoop: many steps in a row over the batches of an epoch, without Python in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

from backprop_xp.backends.base import Array, Loop
from backprop_xp.data.batches import Epoch
from backprop_xp.maths.network import Network
from backprop_xp.training.step import TrainStep


class StepLoop:
    """Steps of one run on rows that lie on the device; see `Backend.loop`."""

    def __init__(
        self, step: TrainStep, loop: Loop, rows: int, size: int, weights: Array | None
    ) -> None:
        self._step, self._loop = step, loop
        self._rows, self._size, self._weights = rows, size, weights

    def begin(self, epoch: Any) -> None:
        """Be ready for the batches of an epoch."""
        self._loop.begin(epoch.order)
        self._ordered: Array = self._weights
        if self._weights is not None and epoch.order is not None:
            self._ordered = self._weights[self._step.net.backend.asarray(epoch.order), :]

    def take(
        self, first: int, stop: int, before: Callable[[int], None], rates_change: bool = False
    ) -> list[Array]:
        """Take the steps on the batches first … stop − 1, or fewer if their sizes differ.

        `before` is called with the number of each batch, before its learning rate is read; if that
        does not change, only with the last. Returns the losses, and with weights the batches'
        weights, each (steps, …).
        """
        rows, weighted = self._rows_of(first), self._weights is not None
        if self._rows_of(stop - 1) != rows:
            stop -= 1
        values: Sequence[Sequence[Any]]
        if rates_change:
            each = []
            for number in range(first, stop):
                before(number)
                each.append(self._step.next_numbers(rows, weighted, 1))
            values = [list(chain.from_iterable(column)) for column in zip(*each, strict=True)]
        else:
            before(stop - 1)
            values = self._step.next_numbers(rows, weighted, stop - first)
        results = self._loop.take(first, rows, stop - first, values)
        if weighted and len(results) == 1:
            results.append(self._weights_of(range(first, stop)))
        return results

    def _weights_of(self, batches: range) -> Array:
        """The weight of each of these, where the loop has not summed it."""
        xp = self._step.net.backend.xp
        parts = [slice(i * self._size, (i + 1) * self._size) for i in batches]
        return xp.stack([xp.sum(self._ordered[part, :]) for part in parts])

    def _rows_of(self, batch: int) -> int:
        return min(self._size, self._rows - batch * self._size)


def step_loop(step: TrainStep, epoch: Any) -> StepLoop | None:
    """Return the loop for a run whose epochs are like this one; None if it goes batch by batch."""
    if type(step) is not TrainStep or type(step.net) is not Network:
        return None
    if not isinstance(epoch, Epoch) or epoch.resident is None:
        return None
    tables = epoch.resident
    loop = step.net.backend.loop(step.on_rows, step.numbers, tables, epoch.batch_size)
    if loop is None:
        return None
    weights = tables[2] if len(tables) > 2 else None
    return StepLoop(step, loop, int(tables[0].shape[0]), epoch.batch_size, weights)
