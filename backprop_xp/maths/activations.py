"""g and its derivative g', side by side: F2, F4 and B2.

Each activation is two functions over the array-API namespace `xp`: `value(xp, z) → a` and
`slope(xp, z, a) → g'(z)`. Neither overflows, whatever finite `z` it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from backprop_xp.backends.base import Array, Namespace
from backprop_xp.errors import ConfigurationError, unknown
from backprop_xp.maths.special import normal_cdf, normal_density


@dataclass(frozen=True)
class Activation:
    """An elementwise activation g, its derivative, and the way back through it.

    Parameters
    ----------
    name : str
        What to call it.
    value : callable
        `value(xp, z)` returns a = g(z), an array of the shape and dtype of z (F2, F4).
    slope : callable
        `slope(xp, z, a)` returns g'(z), of the same shape; `a` is g(z), to save work (B2).

    slope_from_a : bool
        Whether `slope` looks at `a` alone. A training step then writes A[l] over Z[l], which saves
        memory and time.

    Notes
    -----
    Write both with operators and functions of the array API (`xp.exp`, `xp.where` …), without
    branches on values; they then run on every backend and are fused. What they read from outside
    is fixed when they are: change a parameter of yours by making a new Activation.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> cube = bp.Activation("cube", lambda xp, z: z**3, lambda xp, z, a: 3 * z**2)
    >>> bp.Network([2, 3, 1], hidden=cube).hidden[0].name
    'cube'
    """

    name: str
    value: Callable[[Namespace, Array], Array]
    slope: Callable[[Namespace, Array, Array], Array]
    slope_from_a: bool = False

    #: Whether a value depends on its own z alone; softmax looks at the whole row.
    elementwise = True

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not callable(self.value) or not callable(self.slope):
            raise ConfigurationError(
                "Activation(name, value, slope) takes a name and two functions, "
                "value(xp, z) and slope(xp, z, a)"
            )

    def pull_back(self, xp: Namespace, z: Array, a: Array, dA: Array) -> Array:
        """∂J/∂Z from ∂J/∂A: the factor ∂A/∂Z of the chain rule (B2, B7)."""
        return dA * self.slope(xp, z, a)


@dataclass(frozen=True)
class PositiveActivation(Activation):
    """An activation with g(z) > 0, which also knows log g(z) and its derivative g'/g.

    Losses with a logarithm are built on these two, so that they never form log(0) or 0/0.
    """

    log_value: Callable[[Namespace, Array], Array] = field(kw_only=True)
    log_slope: Callable[[Namespace, Array, Array], Array] = field(kw_only=True)

    def pull_back_log(self, xp: Namespace, z: Array, a: Array, dlogA: Array) -> Array:
        """∂J/∂Z from ∂J/∂(log A)."""
        return dlogA * self.log_slope(xp, z, a)


class Softmax(PositiveActivation):
    """exp(z_k) / Σ_j exp(z_j) over each row: its derivative is a matrix, aᵢ(δᵢⱼ − aⱼ)."""

    elementwise = False

    def pull_back(self, xp: Namespace, z: Array, a: Array, dA: Array) -> Array:
        """a ∗ (dA − Σ dA ∗ a): the product with the symmetric matrix aᵢ(δᵢⱼ − aⱼ)."""
        return a * (dA - xp.sum(dA * a, axis=-1, keepdims=True))

    def pull_back_log(self, xp: Namespace, z: Array, a: Array, dlogA: Array) -> Array:
        """dlogA − a Σ dlogA, since ∂(log aᵢ)/∂zⱼ = δᵢⱼ − aⱼ."""
        return dlogA - a * xp.sum(dlogA, axis=-1, keepdims=True)


def _identity_value(xp: Namespace, z: Array) -> Array:
    return z


def _identity_slope(xp: Namespace, z: Array, a: Array) -> Array:
    return xp.ones_like(z)


def _sigmoid_value(xp: Namespace, z: Array) -> Array:
    """σ(z) = 1/(1+e^(−z)), as e^z/(1+e^z) where z < 0, so that e never overflows (F4)."""
    return xp.exp(xp.minimum(z, 0.0)) / (1.0 + xp.exp(-xp.abs(z)))


def _sigmoid_slope(xp: Namespace, z: Array, a: Array) -> Array:
    """σ'(z) = a(1 − a) (B2)."""
    return a * (1.0 - a)


def _tanh_value(xp: Namespace, z: Array) -> Array:
    return xp.tanh(z)


def _tanh_slope(xp: Namespace, z: Array, a: Array) -> Array:
    return 1.0 - a * a


def _relu_value(xp: Namespace, z: Array) -> Array:
    return xp.maximum(z, 0.0)


def _relu_slope(xp: Namespace, z: Array, a: Array) -> Array:
    return xp.astype(a > 0, a.dtype)  # 1 where z > 0, which is where a > 0; else 0


def _leaky_relu_value(xp: Namespace, z: Array) -> Array:
    return xp.maximum(z, 0.01 * z)


def _leaky_relu_slope(xp: Namespace, z: Array, a: Array) -> Array:
    return xp.where(a > 0, xp.ones_like(a), 0.01)


def _elu_value(xp: Namespace, z: Array) -> Array:
    return xp.where(z > 0, z, xp.expm1(xp.minimum(z, 0.0)))


def _elu_slope(xp: Namespace, z: Array, a: Array) -> Array:
    return xp.where(a > 0, 1.0, a + 1.0)


def _gelu_value(xp: Namespace, z: Array) -> Array:
    """z Φ(z), the exact form (Hendrycks & Gimpel, 2016)."""
    return z * normal_cdf(xp, z)


def _gelu_slope(xp: Namespace, z: Array, a: Array) -> Array:
    return normal_cdf(xp, z) + z * normal_density(xp, z)


def _silu_value(xp: Namespace, z: Array) -> Array:
    return z * _sigmoid_value(xp, z)


def _silu_slope(xp: Namespace, z: Array, a: Array) -> Array:
    s = _sigmoid_value(xp, z)
    return s + a * (1.0 - s)


def softplus(xp: Namespace, z: Array) -> Array:
    """log(1 + e^z), as max(z, 0) + log1p(e^(−|z|))."""
    return xp.maximum(z, 0.0) + xp.log1p(xp.exp(-xp.abs(z)))


def _softplus_slope(xp: Namespace, z: Array, a: Array) -> Array:
    """σ(z), which is 1 − e^(−a)."""
    return -xp.expm1(-a)


# Below this z, log(1 + e^z) equals e^z to the last bit of a float64, so its logarithm is z.
_SOFTPLUS_IS_EXP = -37.0


def _softplus_log_value(xp: Namespace, z: Array) -> Array:
    return xp.where(z < _SOFTPLUS_IS_EXP, z, xp.log(softplus(xp, xp.maximum(z, _SOFTPLUS_IS_EXP))))


def _softplus_log_slope(xp: Namespace, z: Array, a: Array) -> Array:
    bounded = xp.maximum(z, _SOFTPLUS_IS_EXP)
    return _sigmoid_value(xp, bounded) / softplus(xp, bounded)


def _sigmoid_log_value(xp: Namespace, z: Array) -> Array:
    return -softplus(xp, -z)


def _sigmoid_log_slope(xp: Namespace, z: Array, a: Array) -> Array:
    return _sigmoid_value(xp, -z)


def _softmax_value(xp: Namespace, z: Array) -> Array:
    e = xp.exp(z - xp.max(z, axis=-1, keepdims=True))
    return e / xp.sum(e, axis=-1, keepdims=True)


def _softmax_slope(xp: Namespace, z: Array, a: Array) -> Array:
    """Only the diagonal ∂aᵢ/∂zᵢ = aᵢ(1 − aᵢ); `Softmax.pull_back` uses the whole matrix."""
    return a * (1.0 - a)


def _softmax_log_value(xp: Namespace, z: Array) -> Array:
    shifted = z - xp.max(z, axis=-1, keepdims=True)
    return shifted - xp.log(xp.sum(xp.exp(shifted), axis=-1, keepdims=True))


def _softmax_log_slope(xp: Namespace, z: Array, a: Array) -> Array:
    """Only the diagonal ∂(log aᵢ)/∂zᵢ; `Softmax.pull_back_log` uses the whole matrix."""
    return 1.0 - a


IDENTITY = Activation("identity", _identity_value, _identity_slope, slope_from_a=True)
SIGMOID = PositiveActivation(
    "sigmoid",
    _sigmoid_value,
    _sigmoid_slope,
    slope_from_a=True,
    log_value=_sigmoid_log_value,
    log_slope=_sigmoid_log_slope,
)
SOFTPLUS = PositiveActivation(
    "softplus",
    softplus,
    _softplus_slope,
    slope_from_a=True,
    log_value=_softplus_log_value,
    log_slope=_softplus_log_slope,
)
SOFTMAX = Softmax(
    "softmax",
    _softmax_value,
    _softmax_slope,
    log_value=_softmax_log_value,
    log_slope=_softmax_log_slope,
)

# The output of a regression with a log link. It overflows above z = 709 (88 in float32), as its
# definition does, so it has no place among the names; hand it as an own activation.
EXP = PositiveActivation(
    "exp",
    lambda xp, z: xp.exp(z),
    lambda xp, z, a: a,
    slope_from_a=True,
    log_value=lambda xp, z: z,
    log_slope=lambda xp, z, a: xp.ones_like(z),
)

ACTIVATIONS: dict[str, Activation] = {
    activation.name: activation
    for activation in (
        IDENTITY,
        SIGMOID,
        Activation("tanh", _tanh_value, _tanh_slope, slope_from_a=True),
        Activation("relu", _relu_value, _relu_slope, slope_from_a=True),
        Activation("leaky_relu", _leaky_relu_value, _leaky_relu_slope, slope_from_a=True),
        Activation("elu", _elu_value, _elu_slope, slope_from_a=True),
        Activation("gelu", _gelu_value, _gelu_slope),
        Activation("silu", _silu_value, _silu_slope),
        SOFTPLUS,
        SOFTMAX,
    )
}


def get_activation(activation: str | Activation) -> Activation:
    """Return the activation of that name, or the given `Activation` itself.

    Raises
    ------
    ConfigurationError
        There is no activation of that name.
    """
    if isinstance(activation, Activation):
        return activation
    if isinstance(activation, str) and activation in ACTIVATIONS:
        return ACTIVATIONS[activation]
    raise ConfigurationError(unknown("activation", activation, ACTIVATIONS))
