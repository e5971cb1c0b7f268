"""SharedRun: a run of several ranks, which decide all that they decide alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from backprop_xp.backends.base import Array
from backprop_xp.data.batches import Epoch
from backprop_xp.data.rows import Rows
from backprop_xp.maths.network import Network
from backprop_xp.training.checkpoint import Checkpoint, digest
from backprop_xp.training.distributed.ranks import Ranks
from backprop_xp.training.divergence import Guard
from backprop_xp.training.evaluation import Evaluation, Metric
from backprop_xp.training.populations.member_batches import MemberEpoch
from backprop_xp.training.run import RunPlan, TrainingRun
from backprop_xp.training.step import TrainStep

# The ranks ask each other after so many steps, and after every epoch, whether one wants to stop.
_STEPS_BETWEEN_QUESTIONS = 32


class SharedRun(TrainingRun):
    """A run that every rank has, each with a `Ranks`.

    Callbacks run on every rank. What one of them, or Ctrl-C, asks for on one rank, all ranks do,
    within an epoch after 32 steps at most; what it raises is raised on every rank. An error in the
    midst of an epoch ends the job.
    """

    def __init__(self, plan: RunPlan, step: TrainStep, ranks: Ranks) -> None:
        super().__init__(plan, step)
        self._ranks = ranks
        self._guard = SharedGuard(self, ranks)
        self._asked: str | None = None

    def conclude(self) -> None:
        with self._ranks.together():
            super().conclude()

    def stop(self, reason: str) -> None:
        self._asked = reason

    def take_step(self, batch: tuple[Array, ...]) -> Array:
        J = super().take_step(batch)
        if self.batch % _STEPS_BETWEEN_QUESTIONS == 0:
            self._agree_to_stop()
        return J

    def _run_epoch(self) -> None:
        with self._ranks.fatal():
            super()._run_epoch()

    def _train_epoch(self, epoch: Epoch | MemberEpoch) -> Any:
        loss = super()._train_epoch(epoch)
        stopped = self.history.stopped is not None
        self._agree_to_stop()  # asked for in the last steps: the epoch is complete
        return None if stopped else loss

    def _tell(self, name: str) -> None:
        """Call the hooks; checkpoints come last, when it is known whether the run goes on."""
        hooks: list[Any] = self._hooks(name)
        saving = [hook for hook in hooks if isinstance(hook.__self__, Checkpoint)]
        with self._ranks.together():
            for hook in hooks:
                if hook not in saving:
                    hook(self)
        if name == "on_epoch_end":
            latest = [self.history.latest(), digest(self.net, self.net.theta)]
            self._ranks.require_alike({f"figures and weights after epoch {self.epoch}": latest})
            self._agree_to_stop()
        with self._ranks.together():
            for hook in saving:
                hook(self)

    def _agree_to_stop(self) -> None:
        reasons = [reason for reason in self._ranks.gather(self._asked) if reason is not None]
        if reasons:
            self.history.stopped = reasons[0]


class SharedGuard(Guard):
    """A guard that looks for the first bad layer in the rows of all ranks."""

    def __init__(self, run: TrainingRun, ranks: Ranks) -> None:
        super().__init__(run)
        self._ranks = ranks

    def _first_layer(self, batch: int, member: int | None) -> tuple[int, str]:
        found: list[tuple[int, str]] = self._ranks.gather(super()._first_layer(batch, member))
        # The lowest layer; in the last one, words on values come before those on the loss.
        return min(found)


class SharedEvaluation(Evaluation):
    """Held-out rows of which every rank looks at its part.

    Parameters
    ----------
    X, Y : Rows
        The rows that are here.
    ranks : Ranks
    whole : bool
        Whether every rank has all rows, and looks at an even slice of them.
    """

    def __init__(self, X: Rows, Y: Rows, ranks: Ranks, whole: bool) -> None:
        super().__init__(X, Y)
        self._ranks = ranks
        first, last = (X.rows * r // ranks.size for r in (ranks.rank, ranks.rank + 1))
        self._part = (first, last) if whole else (0, X.rows)
        self._all: int = sum(ranks.gather(self._part[1] - self._part[0]))

    @property
    def rows(self) -> int:
        return self._all

    def parts(self) -> Iterator[tuple[Array, ...]]:
        return self.between(*self._part)

    def measure(self, net: Network, metric: Metric) -> float:
        loss: float = sum(self._ranks.gather(super().measure(net, metric)))
        metric.merge(self._ranks.gather)
        return loss
