"""History: what happened in a run, epoch by epoch."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from backprop_xp.training import history_words


@dataclass(repr=False)
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
    best_epoch : int or None
        The epoch, from 1, whose weights the network has, if `EarlyStopping` has put them back; None
        if it has those of the last epoch.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> net = bp.Network([1, 1], backend="numpy")
    >>> history = bp.fit(net, [[0.0], [1.0]], [0, 1], epochs=3)
    >>> len(history.loss), history.validation_loss
    (3, [])
    >>> bp.History(loss=[0.5, 0.25], learning_rate=[0.1, 0.1])
    History(2 epochs: loss 0.5 → 0.25)
    """

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    learning_rate: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    stopped: str | None = None
    best_epoch: Any = None

    def __repr__(self) -> str:
        return history_words.line(self)

    def _repr_html_(self) -> str:
        return history_words.table(self)

    def latest(self) -> dict[str, float]:
        """The last epoch's figures by name, such as {"loss": 0.1, "validation_loss": 0.2}."""
        columns = {"loss": self.loss, "validation_loss": self.validation_loss, **self.metrics}
        return {name: values[-1] for name, values in columns.items() if values}

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """Draw the run; see `plot_history`."""
        from backprop_xp.insight.history_plot import plot_history

        return plot_history(self, path)
