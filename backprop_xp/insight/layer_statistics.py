"""LayerStatistics: is every layer learning? Measured every epoch, with advice if one is not."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np

from backprop_xp.backends.base import Array
from backprop_xp.data.checks import require_network, require_single
from backprop_xp.data.scaling import scaling_advice
from backprop_xp.insight.layer_advice import advise
from backprop_xp.insight.layer_records import DYING, SATURATING, LayerRecord
from backprop_xp.maths.activations import Activation
from backprop_xp.maths.network import Network
from backprop_xp.number_checks import require_count
from backprop_xp.training.callbacks import Callback, Run

# A slope below this part of its activation's largest one is as good as none.
_TINY_SLOPE = 0.02


class LayerStatistics(Callback):
    """Measure every layer before training and after each epoch.

    Parameters
    ----------
    rows : int
        How many of the training examples are looked at.

    Attributes
    ----------
    records : list of LayerRecord
        One per layer and epoch of the last run.
    advice : list of str
        What is wrong after the last epoch, and what to do; empty if all is well.

    Raises
    ------
    ConfigurationError
        `rows` is not a positive integer.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> net = bp.Network([2, 3, 1], hidden="relu", backend="numpy")
    >>> net.b[1] = net.b[1] - 100.0
    >>> statistics = bp.LayerStatistics()
    >>> statistics.record(net, [[0.0, 1.0], [1.0, 1.0]], [1, 0])
    >>> print(statistics.advice[0][:36])
    Layer 1: 3 of 3 relu units are dead:
    """

    def __init__(self, rows: int = 256) -> None:
        require_count("rows", rows)
        self.rows = rows
        self.records: list[LayerRecord] = []
        self._last: Array = None  # θ at the last record
        self._scaling = ""  # what to say on the scale of the features
        self._restored = False

    def on_train_begin(self, run: Run) -> None:
        if self._restored:  # a resumed run goes on with its records
            self._restored, self._last = False, _copy(run.net)
            self._scaling = scaling_advice(run.net, run.sample(self.rows)[0])
            return
        self.records, self._last = [], None
        self.record(run.net, *run.sample(self.rows), epoch=0)

    def on_epoch_end(self, run: Run) -> None:
        self.record(run.net, *run.sample(self.rows), epoch=run.epoch)

    def record(self, net: Network, X: Any, Y: Any, *, epoch: int = 0) -> None:
        """Measure a network now, on these examples; `fit` does it through the callback's hooks."""
        require_network(net)
        require_single(net, "LayerStatistics")
        with np.errstate(over="ignore", invalid="ignore"):  # what is infinite is told as advice
            trace = net.forward(X)
            grads = net.backward(trace, Y)
            last = net if self._last is None else net.with_theta(self._last)
            for l, g in enumerate(net.architecture.activations, start=1):
                slope = g.slope(net.backend.xp, trace.Z[l], trace.A[l])
                W = _rms(net, net.W[l])
                change = _rms(net, net.W[l] - last.W[l]) / W if W else 0.0
                record = LayerRecord(
                    epoch=epoch,
                    layer=l,
                    activation=g.name,
                    units=net.sizes[l],
                    dead=_dead(net, g, slope),
                    saturated=_saturated(net, g, slope),
                    A=_rms(net, trace.A[l]),
                    dZ=_rms(net, trace.dZ[l]) if trace.dZ else 0.0,
                    dW=_rms(net, grads.W[l]),
                    W=W,
                    change=change,
                )
                self.records.append(record)
        self._last, self._scaling = _copy(net), scaling_advice(net, trace.A[0])

    @property
    def advice(self) -> list[str]:
        """What is wrong after the last epoch, and what to do; empty if all is well."""
        return advise(self.latest, self._scaling)

    @property
    def latest(self) -> list[LayerRecord]:
        """The records of the last epoch, layer by layer."""
        layers = max((record.layer for record in self.records), default=0)
        return self.records[-layers:] if layers else []

    def series(self, name: str, layer: int) -> tuple[list[int], list[float]]:
        """Epochs, and what was measured then of a layer, such as `series("dW", 1)`."""
        chosen = [record for record in self.records if record.layer == layer]
        return [record.epoch for record in chosen], [getattr(record, name) for record in chosen]

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """Draw the statistics over the epochs, a line per layer, and the advice.

        Parameters
        ----------
        path : path-like, optional
            Where to save the picture: .png, .svg or .pdf.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ConfigurationError
            There is no record, matplotlib is missing, or the path cannot be written to.
        """
        from backprop_xp.insight.statistics_picture import draw_statistics

        return draw_statistics(self.records, self.advice, path)

    def state(self) -> dict[str, Any]:
        return {"records": [list(record) for record in self.records]}

    def restore(self, state: dict[str, Any]) -> None:
        self.records = [LayerRecord(*record) for record in state["records"]]
        self._restored = True


def _copy(net: Network) -> Array:
    """θ as it is now."""
    return net.backend.xp.asarray(net.theta, copy=True)


def _rms(net: Network, values: Array) -> float:
    """The root mean square, formed so that small gradients do not underflow."""
    xp = net.backend.xp
    largest = float(xp.max(xp.abs(values)))
    if largest == 0 or not math.isfinite(largest):
        return largest
    return largest * math.sqrt(float(xp.mean((values / largest) ** 2)))


def _dead(net: Network, g: Activation, slope: Array) -> float:
    if g.name not in DYING:
        return 0.0
    xp = net.backend.xp
    flat = xp.all(xp.abs(slope) < _TINY_SLOPE, axis=0)
    return float(xp.mean(xp.astype(flat, xp.float32)))


def _saturated(net: Network, g: Activation, slope: Array) -> float:
    if g.name not in SATURATING:
        return 0.0
    xp = net.backend.xp
    flat = xp.abs(slope) < _TINY_SLOPE * SATURATING[g.name]
    return float(xp.mean(xp.astype(flat, xp.float32)))
