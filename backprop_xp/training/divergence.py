"""Guard: notices the first loss that is not finite, goes back, and says where it began.

Losses are read when a part of the epoch is done. If one of them, or a weight, is not finite
then, the part is taken again from its beginning, which gives the same numbers, up to the last step
before the trouble. So nothing has to be looked at or saved from step to step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import numpy as np

from backprop_xp.backends.base import Array
from backprop_xp.data.batches import Epoch
from backprop_xp.data.scaling import scaling_advice
from backprop_xp.errors import DivergenceError
from backprop_xp.maths.network import Network
from backprop_xp.maths.optimizer import OptimizerState
from backprop_xp.training.populations.member_batches import MemberEpoch

if TYPE_CHECKING:
    from backprop_xp.training.run import TrainingRun

_ADVICE = "Try a smaller learning rate, or clip_norm=1"
_SCALING = "Scale the features to mean 0 and deviation 1, if they are not"
# Examples whose features are looked at.
_ROWS = 256


class Guard:
    """Looks at the losses of a run, and keeps the weights from before the part under way."""

    def __init__(self, run: TrainingRun) -> None:
        self._run = run
        self._saved = Snapshot(run.net, run.state)

    def begin(self, epoch: Epoch | MemberEpoch) -> None:
        """Be ready for the batches of an epoch."""
        self._epoch = epoch
        self._begin_part(0)

    def _begin_part(self, first: int) -> None:
        """Save the weights before batch number `first`, counted from 0."""
        self._first = first
        self._saved.take()

    def go_on(self) -> None:
        """Look at the losses if a part is done, and begin the next one."""
        if self._run.losses.part_is_done:
            self._begin_part(self._first + self.look())

    def look(self) -> int:
        """Read the losses of the part under way, and return how many they are.

        Raises
        ------
        DivergenceError
            One of them, or a weight, is not finite.
        """
        losses = self._run.losses.read()
        if not np.isfinite(losses).all() or not _is_finite(self._run.net, self._run.net.theta):
            self._diverged(losses)
        return len(losses)

    def _diverged(self, losses: np.ndarray) -> None:
        """End the run because of the first network that is not finite, or let such members go."""
        run, members = self._run, self._run.members
        if members is None:
            finite = np.isfinite(losses)
            self._raise(len(losses) if finite.all() else int(np.argmin(finite)), losses)
        xp, to_numpy = run.net.backend.xp, run.net.backend.to_numpy
        sound = to_numpy(xp.all(xp.isfinite(run.net.theta), axis=-1))
        finite = np.concatenate([np.isfinite(losses), sound[None]])
        bad = [int(k) for k in np.flatnonzero(members.active & ~finite.all(axis=0))]
        if bad and not run.plan.lets_members_diverge:
            first = np.argmin(finite[:, bad], axis=0)
            k = bad[int(np.argmin(first))]
            self._raise(int(first.min()), losses[:, k], k)
        for k in bad:
            run.freeze(k, f"diverged in epoch {run.epoch}", self._saved.arrays)

    def _raise(self, bad: int, losses: np.ndarray, member: int | None = None) -> NoReturn:
        """Go back to the last sound weights; `bad` counts the batches of this part from 0.

        It is their number if all losses are finite, and only the last update is not. Where the
        batches cannot be had again, go back to the beginning of this part; no layer is named then.
        """
        run, number = self._run, self._first + min(bad, len(losses) - 1)
        self._saved.restore()
        if self._epoch.repeatable:
            good = max(bad - 1, 0)
            layer, what = self._bad_layer(good, bad, number, member)
            where, advice = f": {what}", self._advice()
        else:
            good, layer, where, advice = 0, None, "", f"{_SCALING}. {_ADVICE}"
        became = f"loss became {losses[bad]:g}" if bad < len(losses) else "weights left the numbers"
        whose = "" if member is None else f" of member {member}"
        raise DivergenceError(
            f"the {became}{whose} in epoch {run.epoch}, batch {number + 1} of {run.batches}"
            f"{where}. The network has its weights from before the update of batch "
            f"{self._first + good + 1}. {advice}",
            epoch=run.epoch,
            batch=number + 1,
            layer=layer,
            history=run.history,
            member=member,
        )

    def _bad_layer(self, good: int, bad: int, number: int, member: int | None) -> tuple[int, str]:
        """See `_first_layer`; the weights are those from before step `good` afterwards."""
        self._replay(0, good)
        sound = Snapshot(self._run.net, self._run.state)
        sound.take()
        self._replay(good, bad)
        found = self._first_layer(number, member)
        sound.restore()
        return found

    def _advice(self) -> str:
        scaling = scaling_advice(self._run.net, self._run.sample(_ROWS)[0])
        return f"{scaling} {_ADVICE}".lstrip()

    def _replay(self, start: int, stop: int) -> None:
        """Take the steps start … stop − 1 of this part once more."""
        run, first = self._run, self._first + start
        for number, batch in zip(
            range(first, self._first + stop), self._epoch.batches(first), strict=False
        ):
            run.batch = number + 1
            run.take_step(batch)

    def _first_layer(self, batch: int, member: int | None) -> tuple[int, str]:
        """The first layer whose values are not finite on this batch, and words for it."""
        net, X = self._run.net, next(iter(self._epoch.batches(batch)))[0]
        if member is not None:
            net, X = net.member(member), X[member, ...] if X.ndim > 2 else X
        trace = net.forward(X)
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
        self._live = (net.theta, *state.slots)
        self.arrays = tuple(net.backend.xp.empty_like(array) for array in self._live)

    def take(self) -> None:
        """Copy the values of now."""
        for live, copy in zip(self._live, self.arrays, strict=True):
            copy[...] = live
        self._steps = self._state.steps

    def restore(self) -> None:
        """Put them back, in place."""
        for live, copy in zip(self._live, self.arrays, strict=True):
            live[...] = copy
        self._state.steps = self._steps


def _is_finite(net: Network, values: Array) -> bool:
    xp = net.backend.xp
    return bool(xp.all(xp.isfinite(values)))
