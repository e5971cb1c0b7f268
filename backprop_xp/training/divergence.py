"""Guard: notices the first loss that is not finite, goes back, and says where it began.

Losses stay on the device until a part of the epoch is done. If one of them, or a weight, is not
finite then, the part is taken again from its beginning, which gives the same numbers, up to the
last step before the trouble. So nothing has to be looked at or saved from step to step.
"""

from __future__ import annotations

from operator import mul
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from backprop_xp.backends.base import Array
from backprop_xp.errors import DivergenceError
from backprop_xp.maths.network import Network
from backprop_xp.maths.optimizer import OptimizerState
from backprop_xp.training.batches import Epoch

if TYPE_CHECKING:
    from backprop_xp.training.run import TrainingRun

# The losses are read, and looked at, after so many steps and after every epoch.
_STEPS_BETWEEN_READS = 1024
_ADVICE = "Try a smaller learning rate, clip_norm=1, or features scaled to mean 0, deviation 1"


class Guard:
    """Keeps the losses of an epoch, and the weights from before its part under way."""

    def __init__(self, run: TrainingRun) -> None:
        self._run = run
        net, steps = run.net, min(run.batches, _STEPS_BETWEEN_READS)
        self._part = net.backend.empty((2, steps), net.dtype)
        self._saved = Snapshot(net, run.state)

    def begin(self, epoch: Epoch) -> None:
        """Be ready for the batches of an epoch."""
        self._epoch, self._sizes = epoch, self._run.plan.batches.sizes()
        self._losses: list[float] = []
        self._weights: list[float] = []
        self._begin_part(0)

    def _begin_part(self, first: int) -> None:
        """Save the weights before batch number `first`, counted from 0."""
        self._first, self._noted, self._weighted = first, 0, False
        self._saved.take()

    def note(self, loss: Array, batch: tuple[Array, ...]) -> None:
        """Keep the loss of a batch, and its weight if that is not its number of rows."""
        self._part[0, self._noted] = loss
        if len(batch) > 2 and not self._run.plan.loss_by_rows:
            self._part[1, self._noted] = self._run.net.backend.xp.sum(batch[2])
            self._weighted = True
        self._noted += 1
        if self._noted == self._part.shape[1] < self._run.batches:
            self.look()
            self._begin_part(self._first + self._noted)

    def look(self) -> None:
        """Read the losses; raise DivergenceError if one of them, or a weight, is not finite."""
        net, first, noted = self._run.net, self._first, self._noted
        losses, weights = net.backend.to_numpy(self._part).astype(np.float64)[:, :noted]
        finite = np.isfinite(losses)
        if not finite.all() or not _is_finite(net, net.theta):
            self._raise(noted if finite.all() else int(np.argmin(finite)), losses)
        self._losses += losses.tolist()
        self._weights += weights.tolist() if self._weighted else self._sizes[first : first + noted]

    def mean_loss(self) -> float:
        """The mean of J over the epoch's examples."""
        # In plain Python: arrays would have to be made of the lists first.
        return float(sum(map(mul, self._losses, self._weights)) / sum(self._weights))

    def _raise(self, bad: int, losses: np.ndarray) -> None:
        """Go back to the last sound weights; `bad` counts the batches of this part from 0.

        It is their number if all losses are finite, and only the last update is not.
        """
        run, good = self._run, max(bad - 1, 0)
        self._saved.restore()
        if not self._epoch.repeatable:
            self._raise_without_layer(bad, losses)
        self._replay(0, good)
        sound = Snapshot(run.net, run.state)
        sound.take()
        self._replay(good, bad)
        number = self._first + min(bad, len(losses) - 1)
        layer, what = self._first_layer(number)
        sound.restore()
        became = f"loss became {losses[bad]:g}" if bad < len(losses) else "weights left the numbers"
        raise DivergenceError(
            f"the {became} in epoch {run.epoch}, batch {number + 1} of {run.batches}: {what}. The "
            f"network has its weights from before the update of batch {self._first + good + 1}. "
            f"{_ADVICE}",
            epoch=run.epoch,
            batch=number + 1,
            layer=layer,
            history=run.history,
        )

    def _raise_without_layer(self, bad: int, losses: np.ndarray) -> NoReturn:
        """The same where the batches cannot be had again: back to the beginning of this part."""
        run, number = self._run, self._first + min(bad, len(losses) - 1)
        became = f"loss became {losses[bad]:g}" if bad < len(losses) else "weights left the numbers"
        raise DivergenceError(
            f"the {became} in epoch {run.epoch}, batch {number + 1} of {run.batches}. The network "
            f"has its weights from before the update of batch {self._first + 1}. {_ADVICE}",
            epoch=run.epoch,
            batch=number + 1,
            history=run.history,
        )

    def _replay(self, start: int, stop: int) -> None:
        """Take the steps start … stop − 1 of this part once more."""
        run, first = self._run, self._first + start
        for number, batch in zip(
            range(first, self._first + stop), self._epoch.batches(first), strict=False
        ):
            run.batch = number + 1
            run.take_step(batch)

    def _first_layer(self, batch: int) -> tuple[int, str]:
        """The first layer whose values are not finite on this batch, and words for it."""
        net = self._run.net
        trace = net.forward(next(iter(self._epoch.batches(batch)))[0])
        for l in range(1, len(net.sizes)):
            for name, values in ((f"Z[{l}]", trace.Z[l]), (f"A[{l}]", trace.A[l])):
                if not _is_finite(net, values):
                    return l, f"layer {l} is the first whose values are not finite, in {name}"
        L = len(net.sizes) - 1
        return L, f"the values of the output layer {L} are finite still, but their loss overflows"


class Snapshot:
    """Copies of θ and of what the optimizer remembers."""

    def __init__(self, net: Network, state: OptimizerState) -> None:
        self._state = state
        self._own = (net.theta, *state.slots)
        self._copies = [net.backend.xp.empty_like(array) for array in self._own]

    def take(self) -> None:
        """Copy the values of now."""
        for own, copy in zip(self._own, self._copies, strict=True):
            copy[...] = own
        self._steps = self._state.steps

    def restore(self) -> None:
        """Put them back, in place."""
        for own, copy in zip(self._own, self._copies, strict=True):
            own[...] = copy
        self._state.steps = self._steps


def _is_finite(net: Network, values: Array) -> bool:
    xp = net.backend.xp
    return bool(xp.all(xp.isfinite(values)))
