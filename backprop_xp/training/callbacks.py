"""Callback: what may be called back while `fit` runs."""

from __future__ import annotations

from typing import Any, Protocol

from backprop_xp.backends.base import Array
from backprop_xp.maths.network import Network
from backprop_xp.maths.optimizer import Optimizer, OptimizerState
from backprop_xp.training.history import History


class Run(Protocol):
    """A call of `fit` that is under way, as callbacks see it.

    Attributes
    ----------
    net : Network
    optimizer : Optimizer
    state : OptimizerState
        What the optimizer remembers of the network; `state.steps` counts the steps.
    history : History
        Filled after every epoch, before `on_epoch_end`.
    epoch, epochs : int
        The number of the epoch under way, from 1, and of the last one.
    batch, batches : int
        The number of the batch under way, from 1, and of the epoch's last one.
    figures : tuple of str
        What every epoch adds to the history: "loss", and with validation data "validation_loss" and
        "validation_accuracy" or "validation_r2".
    """

    net: Network
    optimizer: Optimizer
    state: OptimizerState
    history: History
    epoch: int
    epochs: int
    batch: int
    batches: int
    figures: tuple[str, ...]

    def stop(self, reason: str) -> None:
        """End the run after this epoch (or batch); `reason` becomes `history.stopped`."""

    def freeze(self, k: int, reason: str) -> None:
        """Let member k of a population learn no more; the run ends when all are frozen."""

    def sample(self, rows: int) -> tuple[Array, Array]:
        """The first rows of the training data, on the device."""


class Callback:
    """Override what you need; each hook receives the `Run`.

    `on_batch_begin` and `on_batch_end` cost time in every step only if they are overridden: without
    them several steps may be taken at once, and `on_progress` is called after the last of these.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> class Print(bp.Callback):
    ...     def on_epoch_end(self, run):
    ...         print(run.epoch, len(run.history.loss))
    """

    def on_train_begin(self, run: Run) -> None:
        """Before the first epoch."""

    def on_epoch_begin(self, run: Run) -> None:
        """Before an epoch."""

    def on_batch_begin(self, run: Run) -> None:
        """Before a step."""

    def on_batch_end(self, run: Run) -> None:
        """After a step."""

    def on_progress(self, run: Run) -> None:
        """After one step or several: `run.batch` is the latest one."""

    def on_epoch_end(self, run: Run) -> None:
        """After an epoch, its validation included."""

    def on_train_end(self, run: Run) -> None:
        """At the end of the run, even if an error ends it."""

    def state(self) -> dict[str, Any]:
        """What a checkpoint must keep: numbers, strings, lists, and NumPy arrays."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
