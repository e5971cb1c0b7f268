"""EarlyStopping: end a run that no longer improves, and keep its best weights."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from backprop_xp.errors import ConfigurationError, shown
from backprop_xp.training.callbacks import Callback, Run
from backprop_xp.training.monitor import Monitor
from backprop_xp.training.populations.member_stopping import MemberStopping
from backprop_xp.wording import plural


class EarlyStopping(Callback):
    """End the run when the monitored figure has not improved for `patience` epochs.

    Parameters
    ----------
    patience : int
        After so many epochs without improvement the run ends.
    min_delta : float
        Smaller improvements do not count.
    monitor : str, optional
        "loss", "validation_loss", "validation_accuracy" or "validation_r2". By default the
        validation loss, or the loss where there are no validation data.
    restore_best : bool
        At the end of the run, however it ends, put the weights of the best epoch back.

    Attributes
    ----------
    best_epoch : int
        The number of the best epoch, from 1; 0 before the first. For a population a list, since its
        members stop one by one: those that have stopped keep their weights while others learn, and
        `history.member(k)` ends where member k stopped.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> net = bp.Network([1, 1], seed=0, backend="numpy")
    >>> stopping = bp.EarlyStopping(patience=2, min_delta=0.01)
    >>> history = bp.fit(net, [[0.0], [1.0]], [0, 1], epochs=500, callbacks=[stopping])
    >>> len(history.loss) < 500, history.stopped
    (True, 'early stopping: no better loss for 2 epochs')
    """

    def __init__(
        self,
        patience: int = 10,
        min_delta: float = 0.0,
        monitor: str | None = None,
        restore_best: bool = True,
    ) -> None:
        self.patience, self.min_delta = patience, min_delta
        self.monitor, self.restore_best = monitor, restore_best
        if not isinstance(restore_best, bool):
            raise ConfigurationError(
                f"EarlyStopping: restore_best={shown(restore_best)}, but expected True or False"
            )
        self._begin(None)

    def on_train_begin(self, run: Run) -> None:
        if run.epoch == 0:  # not resumed: an object that has served before begins anew
            self._begin(run.net.members)
        self._name = self._monitor.choose(run.figures)

    def _begin(self, members: int | None) -> None:
        """Forget all, and be ready for a network or for a population."""
        self._monitor = self._new_monitor()
        self.best_epoch: int | list[int] = 0
        self._best_theta: np.ndarray | None = None
        self._members: MemberStopping | None = None
        if members is not None:
            monitors = [self._new_monitor() for _ in range(members)]
            self._members = MemberStopping(monitors, self.restore_best)
            self.best_epoch = self._members.best_epoch

    def _new_monitor(self) -> Monitor:
        return Monitor("EarlyStopping", self.monitor, self.patience, self.min_delta)

    def on_epoch_end(self, run: Run) -> None:
        if self._members is not None:
            self._members.look(run, self._name)
            self._best_theta = self._members.best_theta
            return
        self._monitor.look(run.history.latest())
        if self._monitor.improved:
            self.best_epoch = run.epoch
            if self.restore_best:
                self._best_theta = run.net.backend.to_numpy(run.net.theta).copy()
        if self._monitor.exhausted:
            waited = plural(self._monitor.waited, "epoch")
            run.stop(f"early stopping: no better {self._name} for {waited}")

    def on_train_end(self, run: Run) -> None:
        if self._best_theta is not None:
            run.net.theta = run.net.backend.asarray(self._best_theta)
            run.history.best_epoch = copy.copy(self.best_epoch)

    def state(self) -> dict[str, Any]:
        if self._members is not None:
            return self._members.state()
        best = {} if self._best_theta is None else {"best_theta": self._best_theta}
        return {"best_epoch": self.best_epoch, **self._monitor.state(), **best}

    def restore(self, state: dict[str, Any]) -> None:
        if isinstance(state["best_epoch"], list):
            self._begin(len(state["best_epoch"]))
        if self._members is not None:
            self._members.restore(state)
            self.best_epoch = self._members.best_epoch
            self._best_theta = self._members.best_theta
            return
        self._monitor.restore(state)
        self.best_epoch = state["best_epoch"]
        self._best_theta = state.get("best_theta")
