"""MemberStopping: early stopping of a population's members, one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_xp.training.monitor import Monitor
from backprop_xp.training.populations.history import PopulationHistory
from backprop_xp.wording import plural

if TYPE_CHECKING:
    from backprop_xp.training.callbacks import Run


class MemberStopping:
    """A monitor for each member, and its best weights.

    Parameters
    ----------
    monitors : list of Monitor
        One for each member.
    restore_best : bool

    Attributes
    ----------
    best_epoch : list of int
        Each member's best epoch, from 1; 0 before the first.
    best_theta : numpy.ndarray or None
        The weights of those epochs, (members, P), if they are to be restored.
    """

    def __init__(self, monitors: list[Monitor], restore_best: bool) -> None:
        self._monitors, self._restore_best = monitors, restore_best
        self.best_epoch = [0] * len(monitors)
        self.best_theta: np.ndarray | None = None

    def look(self, run: Run, name: str) -> None:
        """Take in the figures of the epoch that ends, and freeze who no longer improves."""
        history = run.history
        assert isinstance(history, PopulationHistory)
        figures = history.figures()
        learning = [k for k, reason in enumerate(history.reasons) if reason is None]
        improved = []
        for k in learning:
            monitor = self._monitors[k]
            monitor.look({figure: float(values[k]) for figure, values in figures.items()})
            if monitor.improved:
                self.best_epoch[k] = run.epoch
                improved.append(k)
        if self._restore_best and improved:
            self._keep(improved, run.net.backend.to_numpy(run.net.theta))
        for k in learning:
            if self._monitors[k].exhausted:
                waited = plural(self._monitors[k].waited, "epoch")
                run.freeze(k, f"early stopping: no better {name} for {waited}")

    def _keep(self, improved: list[int], theta: np.ndarray) -> None:
        if self.best_theta is None:
            self.best_theta = theta.copy()
        self.best_theta[improved] = theta[improved]

    def state(self) -> dict[str, Any]:
        """What a checkpoint must keep."""
        states = [monitor.state() for monitor in self._monitors]
        best = {} if self.best_theta is None else {"best_theta": self.best_theta}
        columns = {name: [state[name] for state in states] for name in states[0]}
        return {"best_epoch": self.best_epoch, **columns, **best}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        columns = {name: state[name] for name in self._monitors[0].state()}
        for k, monitor in enumerate(self._monitors):
            monitor.restore({name: values[k] for name, values in columns.items()})
        self.best_epoch = list(state["best_epoch"])
        best = state.get("best_theta")
        self.best_theta = None if best is None else best.copy()
