"""Schedules: the learning rate as a function of the epochs that are done.

A schedule gives a factor on the optimizer's learning rate. It is asked before every step, with
the epochs done so far as a number that grows by 1/(batches per epoch) from step to step.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

from backprop_xp.number_checks import Wanted, require_number
from backprop_xp.training.history import History
from backprop_xp.training.monitor import Monitor


class Schedule(ABC):
    """A function of time for the learning rate; subclass it to write another.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> class Halves(bp.Schedule):
    ...     def factor(self, done, epochs):
    ...         return 1.0 if done < epochs / 2 else 0.5
    >>> Halves().factor(7.5, 10)
    0.5
    """

    @abstractmethod
    def factor(self, done: float, epochs: int) -> float:
        """What the learning rate is multiplied by, ≥ 0, when `done` of `epochs` epochs are done."""

    def begin(self, figures: tuple[str, ...]) -> None:  # noqa: B027
        """Learn the names of the figures that every epoch will add to the history."""

    def after_epoch(self, history: History) -> None:  # noqa: B027
        """Look at the figures of the epoch that ends, if the schedule depends on them."""

    def state(self) -> dict[str, Any]:
        """What a checkpoint must keep."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:  # noqa: B027
        """Go on from what `state` returned."""


def _require(schedule: Schedule, wanted: Wanted, *names: str) -> None:
    for name in names:
        require_number(name, getattr(schedule, name), wanted, type(schedule).__name__)


@dataclass(frozen=True)
class ConstantRate(Schedule):
    """The optimizer's learning rate throughout, but for a linear warm-up.

    Parameters
    ----------
    warmup : float
        Epochs over which the rate rises from 0.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> schedule = bp.ConstantRate(warmup=2)
    >>> [schedule.factor(done, 10) for done in (0.5, 1.0, 2.0, 9.0)]
    [0.25, 0.5, 1.0, 1.0]
    """

    warmup: float = 0.0

    def __post_init__(self) -> None:
        _require(self, "a finite number ≥ 0", "warmup")

    def factor(self, done: float, epochs: int) -> float:
        return done / self.warmup if done < self.warmup else 1.0


@dataclass(frozen=True)
class StepDecay(Schedule):
    """Multiply the rate by `ratio` after every so many epochs.

    Parameters
    ----------
    every : float
        Epochs between two drops.
    ratio : float
        In [0, 1].

    Examples
    --------
    >>> import backprop_xp as bp
    >>> schedule = bp.StepDecay(every=10, ratio=0.5)
    >>> [schedule.factor(done, 30) for done in (0.0, 9.9, 10.0, 25.0)]
    [1.0, 1.0, 0.5, 0.25]
    """

    every: float = 10.0
    ratio: float = 0.1

    def __post_init__(self) -> None:
        _require(self, "a finite number > 0", "every")
        _require(self, "a number in [0, 1]", "ratio")

    def factor(self, done: float, epochs: int) -> float:
        # The sum of many 1/(batches per epoch) may miss a whole number by its rounding.
        return float(self.ratio ** math.floor(done / self.every + 1e-9))


@dataclass(frozen=True)
class ExponentialDecay(Schedule):
    """Multiply the rate by `ratio` per epoch, a little in every step.

    Parameters
    ----------
    ratio : float
        In [0, 1].

    Examples
    --------
    >>> import backprop_xp as bp
    >>> schedule = bp.ExponentialDecay(ratio=0.25)
    >>> [schedule.factor(done, 10) for done in (0.0, 0.5, 1.0)]
    [1.0, 0.5, 0.25]
    """

    ratio: float = 0.95

    def __post_init__(self) -> None:
        _require(self, "a number in [0, 1]", "ratio")

    def factor(self, done: float, epochs: int) -> float:
        return float(self.ratio**done)


@dataclass(frozen=True)
class CosineDecay(Schedule):
    """Half a cosine from 1 to `final` over the run (Loshchilov & Hutter, 2017), after a warm-up.

    Parameters
    ----------
    warmup : float
        Epochs over which the rate rises linearly from 0, before the cosine.
    final : float
        The factor at the end, in [0, 1].

    Examples
    --------
    >>> import backprop_xp as bp
    >>> schedule = bp.CosineDecay(warmup=2)
    >>> [round(schedule.factor(done, 10), 3) for done in (1.0, 2.0, 6.0, 10.0)]
    [0.5, 1.0, 0.5, 0.0]
    """

    warmup: float = 0.0
    final: float = 0.0

    def __post_init__(self) -> None:
        _require(self, "a finite number ≥ 0", "warmup")
        _require(self, "a number in [0, 1]", "final")

    def factor(self, done: float, epochs: int) -> float:
        if done < self.warmup:
            return done / self.warmup
        part = (done - self.warmup) / max(epochs - self.warmup, 1e-12)
        return _cosine(1.0, self.final, part)


@dataclass(frozen=True)
class OneCycle(Schedule):
    """Up from `start` to 1 and down to `final` along cosines (Smith & Topin, 2018).

    The optimizer's learning rate is the highest one.

    Parameters
    ----------
    peak : float
        The part of the run after which the rate is highest, in [0, 1].
    start, final : float
        The factors at the beginning and at the end, in [0, 1].

    Examples
    --------
    >>> import backprop_xp as bp
    >>> schedule = bp.OneCycle(peak=0.25, start=0.1, final=0.0)
    >>> [round(schedule.factor(done, 8), 3) for done in (0, 1, 2, 5, 8)]
    [0.1, 0.55, 1.0, 0.5, 0.0]
    """

    peak: float = 0.3
    start: float = 0.04
    final: float = 0.0

    def __post_init__(self) -> None:
        _require(self, "a number in [0, 1]", "peak", "start", "final")

    def factor(self, done: float, epochs: int) -> float:
        part = done / epochs
        if part < self.peak:
            return _cosine(self.start, 1.0, part / self.peak)
        return _cosine(1.0, self.final, (part - self.peak) / max(1.0 - self.peak, 1e-12))


@dataclass
class ReduceOnPlateau(Schedule):
    """Multiply the rate by `ratio` when the monitored figure has not improved for a while.

    Parameters
    ----------
    patience : int
        After so many epochs without improvement the rate is reduced, and they count anew.
    ratio : float
        In [0, 1].
    min_delta : float
        Smaller improvements do not count.
    monitor : str, optional
        "loss", "validation_loss", "validation_accuracy" or "validation_r2". By default the
        validation loss, or the loss where there are no validation data.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> schedule = bp.ReduceOnPlateau(patience=2, ratio=0.5)
    >>> for loss in (3.0, 2.0, 2.5, 2.4):
    ...     schedule.after_epoch(bp.History(loss=[loss]))
    >>> schedule.factor(4.0, 10)
    0.5
    """

    patience: int = 10
    ratio: float = 0.1
    min_delta: float = 0.0
    monitor: str | None = None
    _monitor: Monitor = field(init=False, repr=False)
    _factor: float = field(init=False, repr=False, default=1.0)

    def __post_init__(self) -> None:
        _require(self, "a number in [0, 1]", "ratio")
        self._monitor = Monitor("ReduceOnPlateau", self.monitor, self.patience, self.min_delta)

    def factor(self, done: float, epochs: int) -> float:
        return self._factor

    def begin(self, figures: tuple[str, ...]) -> None:
        self._monitor.choose(figures)

    def after_epoch(self, history: History) -> None:
        self._monitor.look(history.latest())
        if self._monitor.exhausted:
            self._factor *= self.ratio
            self._monitor.waited = 0

    def state(self) -> dict[str, Any]:
        return {"factor": self._factor, **self._monitor.state()}

    def restore(self, state: dict[str, Any]) -> None:
        self._factor = state["factor"]
        self._monitor.restore(state)


def _cosine(high: float, low: float, part: float) -> float:
    """From `high` at part 0 to `low` at part 1, and `low` from there on."""
    return low + (high - low) * 0.5 * (1.0 + math.cos(math.pi * min(part, 1.0)))
