"""Evaluation: J and a metric on held-out data."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeAlias

import numpy as np

from backprop_xp.backends.base import Array
from backprop_xp.data.rows import Rows
from backprop_xp.maths.activations import SOFTMAX
from backprop_xp.maths.network import Network

# Returns a value of every process, in the same order on each.
Gather: TypeAlias = Callable[[Any], list[Any]]

# Rows that run through the network at once, to bound its memory.
ROWS_AT_ONCE = 4096


@dataclass
class Evaluation:
    """Data to look at after every epoch, nothing dropped and all rows weighed alike."""

    X: Rows
    Y: Rows

    def metric(self, net: Network) -> Metric:
        """What measures this network's predictions, empty."""
        decides = net.output == SOFTMAX or net.loss.targets == "probability"
        return _Accuracy(net) if decides else _R2(net)

    def run(self, net: Network) -> tuple[Any, dict[str, Any]]:
        """Return J and {"validation_accuracy": …} or {"validation_r2": …}.

        They are numbers, or NumPy arrays (members,) for a population.
        """
        metric = self.metric(net)
        return self.measure(net, metric), {metric.name: metric.value()}

    def measure(self, net: Network, metric: Metric) -> Any:
        """Return J over the parts, and let the metric see them."""
        loss, rows = _zero(net), self.rows
        for X, Y in self.parts():
            trace = net.forward(X)
            loss += _on_host(net, net.cost(trace, Y)) * (X.shape[-2] / rows)
            metric.add(trace.A[-1], Y)
        return loss

    @property
    def rows(self) -> int:
        """How many there are in all."""
        return self.X.rows

    def parts(self) -> Iterator[tuple[Array, ...]]:
        """X and Y of some rows after the other."""
        return self.between(0, self.X.rows)

    def between(self, first: int, last: int) -> Iterator[tuple[Array, ...]]:
        """The parts from row `first` up to row `last`."""
        for start in range(first, last, ROWS_AT_ONCE):
            stop = min(start + ROWS_AT_ONCE, last)
            yield self.X.part(start, stop), self.Y.part(start, stop)


class _Accuracy:
    """The part of the rows with the right class or, for several sigmoids, of the right outputs."""

    name = "validation_accuracy"

    def __init__(self, net: Network) -> None:
        self._net, self._right, self._all = net, _zero(net), 0

    def add(self, A: Array, Y: Array) -> None:
        xp = self._net.backend.xp
        if self._net.output == SOFTMAX:
            right = xp.argmax(A, axis=-1) == xp.argmax(Y, axis=-1)
        else:
            right = (A > 0.5) == (Y > 0.5)
        axes = tuple(range(len(self._net.stack), right.ndim))  # rows, and outputs
        self._right += _on_host(self._net, xp.sum(xp.astype(right, xp.float64), axis=axes))
        self._all += math.prod(right.shape[axes[0] :])

    def merge(self, gather: Gather) -> None:
        """Take in what other processes have measured."""
        self._right, self._all = map(sum, zip(*gather((self._right, self._all)), strict=True))

    def value(self) -> Any:
        return self._right / self._all


class _R2:
    """1 − Σ(y−a)²/Σ(y−ȳ)², averaged over the outputs that vary."""

    name = "validation_r2"

    def __init__(self, net: Network) -> None:
        self._net = net
        self._errors: list[np.ndarray] = []
        self._targets: list[np.ndarray] = []

    def add(self, A: Array, Y: Array) -> None:
        to_numpy = self._net.backend.to_numpy
        targets = to_numpy(Y).astype(np.float64)
        self._targets.append(targets)
        networks = to_numpy(A) if self._net.members else to_numpy(A)[None]
        self._errors.append(
            np.stack([np.sum((targets - outputs) ** 2, axis=0) for outputs in networks])
        )

    def merge(self, gather: Gather) -> None:
        errors, targets = zip(*gather((self._errors, self._targets)), strict=True)
        self._errors, self._targets = list(chain(*errors)), list(chain(*targets))

    def value(self) -> Any:
        targets = np.concatenate(self._targets)
        variation = np.sum((targets - targets.mean(axis=0)) ** 2, axis=0)
        errors = np.sum(self._errors, axis=0)
        varies = variation > 0
        scores = [float("nan")] * len(errors)
        if varies.any():
            scores = [float(np.mean(1.0 - e[varies] / variation[varies])) for e in errors]
        return np.array(scores) if self._net.members else scores[0]


def _zero(net: Network) -> Any:
    """The number 0, or for a population an array of zeros."""
    return np.zeros(net.stack) if net.members else 0.0


def _on_host(net: Network, value: Array) -> Any:
    """A number, or for a population an array (members,), from the device."""
    return net.backend.to_numpy(value).astype(np.float64) if net.members else float(value)


Metric: TypeAlias = _Accuracy | _R2
