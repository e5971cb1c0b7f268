"""θ: every W[l] and b[l] of a network in one flat vector, and views of it.

The gradient has the same form, so an optimizer is one elementwise kernel over two vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from backprop_xp.backends.base import Array, Backend, Namespace
from backprop_xp.errors import ConfigurationError, shown
from backprop_xp.maths.layers import Layers, by_layer


class Parameters:
    """A vector θ of shape (…, P) with its views.

    Attributes
    ----------
    theta : array, shape (…, P)
        W[1] row by row, b[1], W[2], b[2] …; leading axes are a stack of networks.
    W : Layers
        W[l] has the shape (…, n_l, n_{l−1}).
    b : Layers
        b[l] has the shape (…, n_l).
    """

    def __init__(self, xp: Namespace, sizes: Sequence[int], theta: Array) -> None:
        weights, biases = [], []
        start = 0
        for n_in, n_out in pairwise(sizes):
            stop = start + n_out * n_in
            shape = (*theta.shape[:-1], n_out, n_in)
            weights.append(xp.reshape(theta[..., start:stop], shape, copy=False))
            biases.append(theta[..., stop : stop + n_out])
            start = stop + n_out
        self.theta = theta
        self.W = Layers("W", weights)
        self.b = Layers("b", biases)
        # For the lines of the article: W[l], and b[l] as a row (…, 1, n_l).
        self.W_at = by_layer(weights)
        self.b_row = by_layer(b[..., None, :] for b in biases)
        # W[l] as one row and as one column, whose product is Σ W².
        flat = [xp.reshape(W, (*W.shape[:-2], -1), copy=False) for W in weights]
        self.W_flat = [(W[..., None, :], W[..., :, None]) for W in flat]


def count(sizes: Sequence[int]) -> int:
    """P, the number of weights and biases."""
    return sum(n_out * (n_in + 1) for n_in, n_out in pairwise(sizes))


def empty_theta(
    backend: Backend, sizes: Sequence[int], dtype: Any, members: int | None = None
) -> Array:
    """Return an uninitialized θ of shape (P,), or (members, P) for a population."""
    stack = () if members is None else (members,)
    return backend.empty((*stack, count(sizes)), dtype_name(dtype))


def dtype_name(dtype: Any) -> str:
    """Return "float32" or "float64", whichever this is a name, dtype or type of.

    Raises
    ------
    ConfigurationError
        It is something else.
    """
    name = getattr(dtype, "name", None) or getattr(dtype, "__name__", None) or str(dtype)
    if name.rpartition(".")[2] in ("float32", "float64"):
        return str(name.rpartition(".")[2])
    raise ConfigurationError(f"dtype={shown(dtype)}: expected 'float32' or 'float64'")
