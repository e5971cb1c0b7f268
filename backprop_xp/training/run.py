"""TrainingRun: a call of `fit` that is under way: epochs, batches, steps, and who is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_xp.backends.base import Array
from backprop_xp.data.batches import Batches, Epoch
from backprop_xp.errors import ConfigurationError
from backprop_xp.maths.network import Network
from backprop_xp.maths.optimizer import Optimizer
from backprop_xp.training.callbacks import Callback
from backprop_xp.training.checkpoint import Checkpoint
from backprop_xp.training.divergence import Guard
from backprop_xp.training.epoch_losses import EpochLosses
from backprop_xp.training.evaluation import Evaluation
from backprop_xp.training.history import History
from backprop_xp.training.interruption import Interruption
from backprop_xp.training.populations.history import PopulationHistory
from backprop_xp.training.populations.member_batches import MemberBatches, MemberEpoch
from backprop_xp.training.populations.members import Members
from backprop_xp.training.schedules import Schedule
from backprop_xp.training.step import TrainStep
from backprop_xp.training.step_loop import StepLoop, step_loop

if TYPE_CHECKING:
    from backprop_xp.training.job import Job

# Where steps are taken some at a time, Ctrl-C is looked for about as often as this.
_SECONDS_AT_ONCE = 0.05
_FIRST_AT_ONCE = 1


@dataclass
class RunPlan:
    """What a run is made of, options and data, all checked; `set_up_run` makes the run."""

    job: Job
    net: Network
    optimizer: Optimizer
    batches: Batches | MemberBatches
    epochs: int
    callbacks: list[Callback]
    clip_norm: float | None = None
    schedule: Schedule | None = None
    evaluation: Evaluation | None = None
    seed: int | list[int] | None = None
    # A step that goes on from earlier runs; without one, the set-up makes it.
    step: TrainStep | None = None
    # The checkpoint from which the run goes on.
    resume: Any = None
    # With weights, the loss of an epoch is the mean over its batches by their weight, or by rows.
    loss_by_rows: bool = False
    # Whether data are read while the run trains, which may fail.
    streamed: bool = False
    # The names of X's columns, where they have any.
    columns: tuple[Any, ...] | None = None
    # A member that diverges is put back and frozen, and the others go on.
    lets_members_diverge: bool = False


class TrainingRun:
    """See `callbacks.Run` for what callbacks may use."""

    def __init__(self, plan: RunPlan, step: TrainStep) -> None:
        self.plan, self.step = plan, step
        self.net, self.optimizer, self.state = plan.net, plan.optimizer, step.state
        self.members = None if plan.net.members is None else Members(plan.net, step.state)
        self.history = (
            History() if self.members is None else PopulationHistory.of(plan.net.stack[0])
        )
        self.epoch, self.epochs = 0, plan.epochs
        self.batch, self.batches = 0, len(plan.batches)
        self.figures: tuple[str, ...] = ("loss",)
        if plan.evaluation:
            self.figures += ("validation_loss", plan.evaluation.metric(plan.net).name)
        self.state.learning_rate = plan.optimizer.rate
        self._interruption = Interruption()
        self.losses = EpochLosses(plan.net, self.batches, plan.loss_by_rows)
        self._guard = Guard(self)
        self._loop: StepLoop | None = None
        self._at_once = _FIRST_AT_ONCE

    def train(self) -> None:
        """Run the epochs that are left."""
        if self.plan.schedule:
            self.plan.schedule.begin(self.figures)
        self._tell("on_train_begin")
        try:
            # A run that leaves the finite numbers ends in DivergenceError; NumPy need not warn.
            with self._interruption, np.errstate(over="ignore", invalid="ignore"):
                while self.epoch < self.epochs and self.history.stopped is None:
                    self.epoch += 1
                    self._run_epoch()
        finally:
            if self.members is not None:  # an epoch may have ended halfway
                self.members.hold()
            self._tell("on_train_end")

    def conclude(self) -> None:
        """Let checkpoints hold the weights that the network has now that all is over."""
        for callback in self.plan.callbacks:
            if isinstance(callback, Checkpoint):
                callback.conclude(self)

    def stop(self, reason: str) -> None:
        """End the run after this epoch or, if called from a batch, after this batch."""
        self.history.stopped = reason

    def freeze(self, k: int, reason: str, arrays: tuple[Array, ...] | None = None) -> None:
        """Let member k of a population stay as it is, or as it is in `arrays`, from now on."""
        if self.members is None or not isinstance(self.history, PopulationHistory):
            raise ConfigurationError("this run trains a single network: use run.stop(reason)")
        self.members.freeze(k, reason, arrays)
        self.history.end(k, reason)
        if not self.members.active.any():
            self.stop("every member has stopped")

    def sample(self, rows: int) -> tuple[Array, Array]:
        """The first rows of the training data, on the device."""
        return self.plan.batches.sample(rows)

    def _run_epoch(self) -> None:
        start = time.perf_counter()
        self.batch = 0
        self._tell("on_epoch_begin")
        loss = self._train_epoch(self.plan.batches.epoch())
        if self.members is not None:
            self.members.hold()
        if loss is None:  # ended within the epoch: its figures would not be those of an epoch
            return
        history = self.history
        history.loss.append(loss)
        history.learning_rate.append(self.state.learning_rate)
        if self.plan.evaluation:
            validation_loss, metrics = self.plan.evaluation.run(self.net)
            history.validation_loss.append(validation_loss)
            for name, value in metrics.items():
                history.metrics.setdefault(name, []).append(value)
        if self.members is not None and isinstance(history, PopulationHistory):
            history.blank(self.members.active)
        if self.plan.schedule:
            self.plan.schedule.after_epoch(history)
        history.seconds.append(time.perf_counter() - start)
        self._tell("on_epoch_end")

    def _train_epoch(self, epoch: Epoch | MemberEpoch) -> Any:
        """Train on every batch once; return the mean loss, or None if stopped on the way."""
        self.losses.begin(self.plan.batches.sizes())
        self._guard.begin(epoch)
        if not self._hooks("on_batch_begin") + self._hooks("on_batch_end"):
            self._loop = self._loop or step_loop(self.step, epoch)
        if self._loop is None:
            self._batch_by_batch(epoch)
        else:
            self._loop.begin(epoch)
            self._some_at_a_time(self._loop)
        self._guard.look()
        return self.losses.mean() if self.history.stopped is None else None

    def _batch_by_batch(self, epoch: Epoch | MemberEpoch) -> None:
        """Take the steps of an epoch, and tell whoever wants to know of each."""
        before, after = self._hooks("on_batch_begin"), self._hooks("on_batch_end")
        told = self._hooks("on_progress")
        for batch in epoch.batches():
            self.batch += 1
            for hook in before:
                hook(self)
            self.losses.note(self.take_step(batch), batch)
            self._guard.go_on()
            for hook in (*after, *told):
                hook(self)
            if self._interruption.asked:
                self.stop("interrupted")
            if self.history.stopped is not None:
                break

    def _some_at_a_time(self, loop: StepLoop) -> None:
        """The same where nobody wants to know of each step."""
        scheduled = self.plan.schedule is not None
        while self.batch < self.batches and self.history.stopped is None:
            start, first = time.perf_counter(), self.batch
            stop = min(first + self._at_once, first + self.losses.space, self.batches)
            self.losses.note_some(*loop.take(first, stop, self._begin_step, scheduled))
            self._guard.go_on()
            self._tell("on_progress")
            if self._interruption.asked:
                self.stop("interrupted")
            seconds = time.perf_counter() - start
            if seconds < _SECONDS_AT_ONCE / 2:
                self._at_once *= 2
            elif seconds > _SECONDS_AT_ONCE:
                self._at_once = max(1, self._at_once // 2)

    def _begin_step(self, number: int) -> None:
        """Count to the batch of that number, from 0, and set its learning rate."""
        self.batch = number + 1
        if self.plan.schedule:
            done = self.epoch - 1 + number / self.batches
            factor = self.plan.schedule.factor(done, self.epochs)
            self.state.learning_rate = self.optimizer.rate * factor

    def take_step(self, batch: tuple[Array, ...]) -> Array:
        """Train on batch number `self.batch`; again from the same weights it is the same step."""
        self._begin_step(self.batch - 1)
        return self.step(*batch)

    def _hooks(self, name: str) -> list[Callable[[Any], None]]:
        """The hooks of that name that somebody has overridden: the others cost nothing."""
        nothing, callbacks = getattr(Callback, name), self.plan.callbacks
        return [getattr(c, name) for c in callbacks if getattr(type(c), name) is not nothing]

    def _tell(self, name: str) -> None:
        for hook in self._hooks(name):
            hook(self)
