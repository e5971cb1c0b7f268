"""History: what happened in a run, epoch by epoch."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any


@dataclass
class History:
    """What happened, epoch by epoch.

    Attributes
    ----------
    loss : list of float
        Mean of J over the epoch's examples, each batch before its update.
    validation_loss : list of float
        J on the validation data after the epoch; empty without validation data.
    metrics : dict of str to list of float
        On the validation data after the epoch: "validation_accuracy" where the outputs are
        classes, else "validation_r2". Empty without validation data.
    learning_rate : list of float
        Of the epoch's last step.
    seconds : list of float
        Wall-clock time of the epoch, validation included.
    stopped : str or None
        Why the run ended before its last epoch, such as "interrupted"; else None.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> net = bp.Network([1, 1], backend="numpy")
    >>> history = bp.fit(net, [[0.0], [1.0]], [0, 1], epochs=3)
    >>> len(history.loss), history.validation_loss
    (3, [])
    """

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    learning_rate: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    stopped: str | None = None

    def latest(self) -> dict[str, float]:
        """The last epoch's figures by name, such as {"loss": 0.1, "validation_loss": 0.2}."""
        columns = {"loss": self.loss, "validation_loss": self.validation_loss, **self.metrics}
        return {name: values[-1] for name, values in columns.items() if values}

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """Draw the run; see `plot_history`."""
        from backprop_xp.training.history_plot import plot_history

        return plot_history(self, path)
