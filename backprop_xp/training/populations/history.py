"""PopulationHistory: what happened in a run of many networks, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backprop_xp.training.history import History


@dataclass(repr=False)
class PopulationHistory(History):
    """What happened to every member of a population, epoch by epoch.

    The lists of `History`, with an array (members,) per epoch: the member's figure, or NaN where it
    had stopped before. The learning rate is an array where it differs by member.

    Attributes
    ----------
    best_epoch : list of int, or None
        Each member's best epoch, if `EarlyStopping` has put its weights back.
    reasons : list of str or None
        Why each member stopped before the last epoch; else None.
    ends : list of int or None
        How many epochs it had then.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> net = bp.Network([1, 1], members=4, backend="numpy")
    >>> history = bp.fit(net, [[0.0], [1.0]], [0, 1], epochs=3)
    >>> history.loss[-1].shape, len(history.member(2).loss)
    ((4,), 3)
    """

    loss: list[Any] = field(default_factory=list)
    validation_loss: list[Any] = field(default_factory=list)
    metrics: dict[str, list[Any]] = field(default_factory=dict)
    learning_rate: list[Any] = field(default_factory=list)
    reasons: list[str | None] = field(default_factory=list)
    ends: list[int | None] = field(default_factory=list)

    @classmethod
    def of(cls, members: int) -> PopulationHistory:
        """An empty history of so many members."""
        return cls(reasons=[None] * members, ends=[None] * members)

    def member(self, k: int) -> History:
        """The history of one member, up to where it stopped, as if it had been trained alone.

        Its seconds are those of the whole population.
        """
        if not 0 <= k < len(self.ends):
            raise IndexError(f"member({k!r}): the members are 0 … {len(self.ends) - 1}")
        end = self.ends[k]
        return History(
            loss=_of_member(self.loss[:end], k),
            validation_loss=_of_member(self.validation_loss[:end], k),
            metrics={name: _of_member(values[:end], k) for name, values in self.metrics.items()},
            learning_rate=_of_member(self.learning_rate[:end], k),
            seconds=self.seconds[:end],
            stopped=self.stopped if self.reasons[k] is None else self.reasons[k],
            best_epoch=None if self.best_epoch is None else self.best_epoch[k] or None,
        )

    def latest(self) -> dict[str, Any]:
        """The last epoch's figures by name: the means over the members that learn."""
        known = {name: values[~np.isnan(values)] for name, values in self.figures().items()}
        return {name: float(v.mean()) if v.size else math.nan for name, v in known.items()}

    def figures(self) -> dict[str, np.ndarray]:
        """The last epoch's figures by name, one for each member."""
        latest: dict[str, Any] = super().latest()
        return latest

    def blank(self, active: np.ndarray) -> None:
        """Let the last epoch's figures be NaN for members that had stopped."""
        for values in self.figures().values():
            values[~active] = np.nan

    def end(self, k: int, reason: str) -> None:
        """Let the history of member k end here."""
        self.reasons[k], self.ends[k] = reason, len(self.loss)


def _of_member(values: Sequence[Any], k: int) -> list[float]:
    return [float(value[k]) if np.ndim(value) else float(value) for value in values]
