"""What is looked at once before training: options, and the values of X and Y."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np

from backprop_xp.backends.base import Array, Backend
from backprop_xp.errors import ConfigurationError, DataError, ShapeError
from backprop_xp.maths.activations import SOFTMAX
from backprop_xp.maths.network import Network


def require_network(net: Any) -> None:
    """Raise ConfigurationError unless `net` is a Network."""
    if not isinstance(net, Network):
        raise ConfigurationError(f"net={net!r}: expected a backprop_xp.Network")


def require_single(net: Network, caller: str) -> None:
    """Raise ShapeError if `net` is a stack, whose J is not one number."""
    if net.stack:
        raise ShapeError(f"{caller} takes a single network, not a stack")


def require_count(name: str, value: Any) -> None:
    """Raise ConfigurationError unless `value` is a positive integer."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise ConfigurationError(f"{name}={value!r}: expected a positive integer")


def require_positive(name: str, value: Any) -> None:
    """Raise ConfigurationError unless `value` is a finite number > 0."""
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not number or not 0.0 < value < float("inf"):
        raise ConfigurationError(f"{name}={value!r}: expected a finite number > 0")


def checked_data(net: Network, X: Any, Y: Any, label: str = "") -> tuple[Array, Array]:
    """Move X and Y to the network's backend, in its dtype, and check shapes and values.

    Parameters
    ----------
    net : Network
    X, Y : array_like
        NumPy arrays and other host data, or arrays of the network's backend.
    label : str
        What to put before X and Y in messages, such as "validation ".

    Returns
    -------
    X, Y : array
        (m, n_0) and (m, n_L), labels as one-hot rows.

    Raises
    ------
    BackendError, ShapeError, DataError
        The data do not fit; the message names the first bad row and column.
    """
    backend, xp = net.backend, net.backend.xp
    inputs = net.as_inputs(X, name=f"{label}X", move=True)
    _refuse(backend, ~xp.isfinite(inputs), inputs, f"{label}X", "is not finite in", net.dtype)
    name = f"{label}Y"
    targets = net.as_targets(Y, inputs.shape[-2], name=name, move=True)
    _refuse(backend, ~xp.isfinite(targets), targets, name, "is not finite in", net.dtype)
    _check_targets(net, targets, Y, name)
    return inputs, targets


def _check_targets(net: Network, targets: Array, given: Any, name: str) -> None:
    backend, xp = net.backend, net.backend.xp
    sums = xp.sum(targets, axis=-1)
    if net.output == SOFTMAX and (row := _first(backend, sums == 0)) is not None:
        raise DataError(_no_class(net, given, row, name))
    meaning = net.loss.targets
    if meaning in ("probability", "distribution"):
        bad = (targets < 0) | (targets > 1)
        _refuse(backend, bad, targets, name, "is outside [0, 1], as asked by", net.loss.name)
    off = xp.abs(sums - 1.0) > 1e-3
    if meaning == "distribution" and (row := _first(backend, off)) is not None:
        raise DataError(
            f"{name}{list(row)} sums to {float(sums[row]):g}; one-hot rows (or class "
            f"probabilities) must sum to 1 for {net.loss.name}"
        )
    if meaning == "count":
        what = "is negative, but counts are asked by"
        _refuse(backend, targets < 0, targets, name, what, net.loss.name)


def _no_class(net: Network, given: Any, row: tuple[int, ...], name: str) -> str:
    labels = net.backend.to_numpy(net.backend.asarray(given))
    if labels.ndim == 2 and labels.shape[1] > 1:
        return f"{name}[{row[-1]}] is a row of zeros: a one-hot row has a 1 for its class"
    return (
        f"{name}[{row[-1]}] is {labels[row[-1]].item()}, but class labels for {net.sizes[-1]} "
        f"outputs are the integers 0 … {net.sizes[-1] - 1}"
    )


def _refuse(backend: Backend, bad: Array, values: Array, name: str, what: str, of: str) -> None:
    """Raise DataError if any entry of `bad` is true, naming the first."""
    index = _first(backend, bad)
    if index is None:
        return
    count = int(np.count_nonzero(backend.to_numpy(bad)))
    place = ", ".join(str(i) for i in index)
    others = f" ({count} such values in all)" if count > 1 else ""
    raise DataError(
        f"{name}[{place}] = {backend.to_numpy(values)[index]:g} {what} {of}{others}. Nothing was "
        "trained: drop or replace such rows first"
    )


def _first(backend: Backend, bad: Array) -> tuple[int, ...] | None:
    """Index of the first true entry, or None: the one place that waits for the device."""
    if not bool(backend.xp.any(bad)):
        return None
    return tuple(int(i) for i in np.argwhere(backend.to_numpy(bad))[0])
