"""J from logits (J), its derivative in A (B3), and in Z through the output activation (B2·B3).

A loss is a sum over outputs and a mean over examples of j(y, a); the functions here give j and its
derivatives for every output of every example, and `Network` takes the sums. Each is evaluated from
Z, never from log(A), so that saturated outputs give their limits instead of NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from backprop_xp.backends.base import Array, Namespace
from backprop_xp.errors import ConfigurationError, unknown
from backprop_xp.maths.activations import (
    EXP,
    IDENTITY,
    SIGMOID,
    SOFTMAX,
    SOFTPLUS,
    Activation,
    PositiveActivation,
)


@dataclass(frozen=True)
class Loss:
    """j(y, a) and its derivatives.

    Attributes
    ----------
    name : str
        What to call it.
    value : callable
        `value(xp, output, z, a, y)` returns j for every output, where a = output(z).
    slope : callable
        `slope(xp, a, y)` returns ∂j/∂a (B3). Where a saturates it may be infinite: the chain rule
        uses `gradient`.
    outputs : tuple of Activation
        The output activations for which the loss is defined; empty for all of them.
    why : str
        What the loss asks of its output, for the error message.
    targets : str
        What Y must hold: "any", "probability", "distribution" or "count".
    """

    name: str
    value: Callable[[Namespace, Activation, Array, Array, Array], Array]
    slope: Callable[[Namespace, Array, Array], Array]
    outputs: tuple[Activation, ...] = ()
    why: str = ""
    targets: str = "any"

    def gradient(self, xp: Namespace, output: Activation, z: Array, a: Array, y: Array) -> Array:
        """∂j/∂z: the product of the factors ∂j/∂a (B3) and ∂a/∂z (B2)."""
        if MATCHED.get(output) == self.name:
            return a - y  # B2·B3: the denominator of B3 cancels against B2
        return output.pull_back(xp, z, a, self.slope(xp, a, y))


class PoissonLoss(Loss):
    """j = a − y log a: the logarithm goes back through log g(z), not through 1/a."""

    def gradient(self, xp: Namespace, output: Activation, z: Array, a: Array, y: Array) -> Array:
        """∂j/∂z = g'(z) − y (log g)'(z)."""
        positive = cast(PositiveActivation, output)
        return positive.pull_back(xp, z, a, xp.ones_like(a)) - positive.pull_back_log(xp, z, a, y)


def _bce_value(xp: Namespace, output: Activation, z: Array, a: Array, y: Array) -> Array:
    """−y log a − (1−y) log(1−a) with a = σ(z), in the order that does not cancel (J)."""
    return xp.maximum(z, 0.0) - z * y + xp.log1p(xp.exp(-xp.abs(z)))


def _bce_slope(xp: Namespace, a: Array, y: Array) -> Array:
    """−y/a + (1−y)/(1−a) (B3)."""
    return (a - y) / (a * (1.0 - a))


def _ce_value(xp: Namespace, output: Activation, z: Array, a: Array, y: Array) -> Array:
    return -y * cast(PositiveActivation, output).log_value(xp, z)


def _ce_slope(xp: Namespace, a: Array, y: Array) -> Array:
    return -y / a


def _squared_value(xp: Namespace, output: Activation, z: Array, a: Array, y: Array) -> Array:
    error = a - y
    return 0.5 * error * error


def _squared_slope(xp: Namespace, a: Array, y: Array) -> Array:
    return a - y


def _absolute_value(xp: Namespace, output: Activation, z: Array, a: Array, y: Array) -> Array:
    return xp.abs(a - y)


def _absolute_slope(xp: Namespace, a: Array, y: Array) -> Array:
    return xp.sign(a - y)


def _huber_value(xp: Namespace, output: Activation, z: Array, a: Array, y: Array) -> Array:
    """½e² where |e| ≤ 1, else |e| − ½, with e = a − y (Huber, 1964)."""
    size = xp.abs(a - y)
    near = xp.minimum(size, 1.0)
    return near * (size - 0.5 * near)


def _huber_slope(xp: Namespace, a: Array, y: Array) -> Array:
    return xp.maximum(xp.minimum(a - y, 1.0), -1.0)


def _poisson_value(xp: Namespace, output: Activation, z: Array, a: Array, y: Array) -> Array:
    return a - y * cast(PositiveActivation, output).log_value(xp, z)


def _poisson_slope(xp: Namespace, a: Array, y: Array) -> Array:
    return 1.0 - y / a


LOSSES: dict[str, Loss] = {
    loss.name: loss
    for loss in (
        Loss(
            "binary_cross_entropy",
            _bce_value,
            _bce_slope,
            outputs=(SIGMOID,),
            why="takes every output as a probability of its own",
            targets="probability",
        ),
        Loss(
            "cross_entropy",
            _ce_value,
            _ce_slope,
            outputs=(SOFTMAX,),
            why="takes the outputs as probabilities that sum to 1",
            targets="distribution",
        ),
        Loss("squared_error", _squared_value, _squared_slope),
        Loss("absolute_error", _absolute_value, _absolute_slope),
        Loss("huber", _huber_value, _huber_slope),
        PoissonLoss(
            "poisson",
            _poisson_value,
            _poisson_slope,
            outputs=(SOFTPLUS, SIGMOID, SOFTMAX, EXP),
            why="takes the logarithm of outputs that must be positive",
            targets="count",
        ),
    )
}

# What other libraries call them; their mean squared error is twice the squared_error here.
SHORT_NAMES = {
    "bce": "binary_cross_entropy",
    "ce": "cross_entropy",
    "mse": "squared_error",
    "mae": "absolute_error",
}

# Output activation → the loss with which dZ[L] is simply A[L] − Y.
MATCHED: dict[Activation, str] = {
    SIGMOID: "binary_cross_entropy",
    SOFTMAX: "cross_entropy",
    IDENTITY: "squared_error",
    EXP: "poisson",
}


def get_loss(name: str | None, output: Activation) -> Loss:
    """Return the loss of that name, or by default the one that suits the output activation.

    Raises
    ------
    ConfigurationError
        There is no such loss, or it is not defined for this output activation.
    """
    if name is None:
        name = MATCHED.get(output, "squared_error")
    name = SHORT_NAMES.get(name, name) if isinstance(name, str) else name
    if not isinstance(name, str) or name not in LOSSES:
        raise ConfigurationError(unknown("loss", name, LOSSES))
    loss = LOSSES[name]
    if loss.outputs and output not in loss.outputs:
        fitting = " or ".join(repr(o.name) for o in loss.outputs)
        raise ConfigurationError(
            f"loss {name!r} {loss.why}, so it is not defined for the output activation "
            f"{output.name!r}: use output={fitting}, or loss='squared_error'"
        )
    return loss
