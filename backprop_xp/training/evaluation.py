"""Evaluation: J and a metric on held-out data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from backprop_xp.backends.base import Array
from backprop_xp.maths.activations import SOFTMAX
from backprop_xp.maths.network import Network
from backprop_xp.training.sources import Rows

# Rows that run through the network at once, to bound its memory.
_ROWS_AT_ONCE = 4096


@dataclass
class Evaluation:
    """Data to look at after every epoch, nothing dropped and all rows weighed alike."""

    X: Rows
    Y: Rows

    def metric(self, net: Network) -> _Accuracy | _R2:
        """What measures this network's predictions, empty."""
        decides = net.output == SOFTMAX or net.loss.targets == "probability"
        return _Accuracy(net) if decides else _R2(net)

    def run(self, net: Network) -> tuple[Any, dict[str, Any]]:
        """Return J and {"validation_accuracy": …} or {"validation_r2": …}.

        They are numbers, or NumPy arrays (members,) for a population.
        """
        metric = self.metric(net)
        loss, rows = _zero(net), self.X.rows
        for start in range(0, rows, _ROWS_AT_ONCE):
            stop = min(start + _ROWS_AT_ONCE, rows)
            trace, Y = net.forward(self.X.part(start, stop)), self.Y.part(start, stop)
            loss += _on_host(net, net.cost(trace, Y)) * ((stop - start) / rows)
            metric.add(trace.A[-1], Y)
        return loss, {metric.name: metric.value()}


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
        self._errors.append(np.stack([np.sum((targets - own) ** 2, axis=0) for own in networks]))

    def value(self) -> Any:
        targets = np.concatenate(self._targets)
        spread = np.sum((targets - targets.mean(axis=0)) ** 2, axis=0)
        errors = np.sum(self._errors, axis=0)
        varies = spread > 0
        scores = [float("nan")] * len(errors)
        if varies.any():
            scores = [float(np.mean(1.0 - own[varies] / spread[varies])) for own in errors]
        return np.array(scores) if self._net.members else scores[0]


def _zero(net: Network) -> Any:
    """The number 0, or for a population an array of zeros."""
    return np.zeros(net.stack) if net.members else 0.0


def _on_host(net: Network, value: Array) -> Any:
    """A number, or for a population an array (members,), from the device."""
    return net.backend.to_numpy(value).astype(np.float64) if net.members else float(value)
