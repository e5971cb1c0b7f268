"""I0: every W starts random. Values are drawn on the host, so every backend starts the same."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from backprop_xp.backends.base import Array, Backend
from backprop_xp.backends.host_data import host_generator
from backprop_xp.errors import ConfigurationError, unknown
from backprop_xp.maths.activations import Activation
from backprop_xp.maths.parameters import Parameters, dtype_name

# A numpy.random.Generator and NumPy arrays in float64: the draw happens on the host.
Generator = Any
HostArray = Any


def glorot_uniform(rng: Generator, fan_out: int, fan_in: int) -> HostArray:
    """U(−r, r), r = √(6/(n_in + n_out)) (Glorot & Bengio, 2010): for tanh, σ and linear layers."""
    bound = math.sqrt(6.0 / (fan_in + fan_out))
    return rng.uniform(-bound, bound, (fan_out, fan_in))


def glorot_normal(rng: Generator, fan_out: int, fan_in: int) -> HostArray:
    """N(0, 2/(n_in + n_out)) (Glorot & Bengio, 2010)."""
    return rng.normal(0.0, math.sqrt(2.0 / (fan_in + fan_out)), (fan_out, fan_in))


def he_uniform(rng: Generator, fan_out: int, fan_in: int) -> HostArray:
    """U(−r, r), r = √(6/n_in) (He et al., 2015)."""
    bound = math.sqrt(6.0 / fan_in)
    return rng.uniform(-bound, bound, (fan_out, fan_in))


def he_normal(rng: Generator, fan_out: int, fan_in: int) -> HostArray:
    """N(0, 2/n_in) (He et al., 2015): for relu and its kin."""
    return rng.normal(0.0, math.sqrt(2.0 / fan_in), (fan_out, fan_in))


def lecun_normal(rng: Generator, fan_out: int, fan_in: int) -> HostArray:
    """N(0, 1/n_in) (LeCun et al., 1998)."""
    return rng.normal(0.0, math.sqrt(1.0 / fan_in), (fan_out, fan_in))


INITIALIZERS: dict[str, Callable[[Generator, int, int], HostArray]] = {
    initializer.__name__: initializer
    for initializer in (glorot_uniform, glorot_normal, he_uniform, he_normal, lecun_normal)
}

_RELU_KIN = {"relu", "leaky_relu", "elu", "gelu", "silu", "softplus"}


def get_initializer(
    name: str | None, activation: str
) -> Callable[[Generator, int, int], HostArray]:
    """Return the initializer of that name, or by default the one that suits the activation.

    Raises
    ------
    ConfigurationError
        There is no initializer of that name.
    """
    if name is None:
        name = "he_normal" if activation in _RELU_KIN else "glorot_uniform"
    if not isinstance(name, str) or name not in INITIALIZERS:
        raise ConfigurationError(unknown("initializer", name, INITIALIZERS))
    return INITIALIZERS[name]


def initialize(
    backend: Backend,
    sizes: Sequence[int],
    theta: Array,
    activations: Sequence[Activation],
    seeds: Sequence[Any],
    name: str | None,
) -> None:
    """Draw every W, and set b to 0 (I0).

    Parameters
    ----------
    backend : Backend
    sizes : sequence of int
    theta : array, shape (P,) or (members, P)
        Changed in place.
    activations : sequence of Activation
        g_1 … g_L.
    seeds : sequence of int or numpy.random.Generator
        One for each member; a single one for a single network.
    name : str or None
        Of the initializer; None takes for each layer the one that suits its activation.
    """
    networks = [theta] if theta.ndim == 1 else [theta[k, ...] for k in range(theta.shape[0])]
    dtype = dtype_name(theta.dtype)
    for own_theta, seed in zip(networks, seeds, strict=True):
        own, rng = Parameters(backend.xp, sizes, own_theta), host_generator(seed)
        for W, b, g in zip(own.W, own.b, activations, strict=True):
            draw = get_initializer(name, g.name)
            W[...] = backend.asarray(draw(rng, *W.shape), dtype)  # W starts random …
            b[...] = 0.0  # … and b at 0
