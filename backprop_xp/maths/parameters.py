"""θ: every W[l] and b[l] of a network in one flat vector, and windows onto it.

The gradient has the same form, so an optimizer is one elementwise kernel over two vectors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from numbers import Integral

from backprop_xp.backends.base import Array, Namespace


class Layers(Sequence[Array]):
    """The windows W[l] or b[l], l = 1 … L as in the article.

    `layers[l] = values` writes into the window, so it stays a part of θ.
    """

    def __init__(self, name: str, windows: Sequence[Array]) -> None:
        self._name = name
        self._windows = tuple(windows)

    def __len__(self) -> int:
        return len(self._windows)

    def __getitem__(self, l: int) -> Array:  # type: ignore[override]
        return self._windows[self._index(l)]

    def __setitem__(self, l: int, values: Array) -> None:
        window = self._windows[self._index(l)]
        if values is not window:
            window[...] = values

    def __iter__(self) -> Iterator[Array]:
        return iter(self._windows)

    def __repr__(self) -> str:
        shapes = ", ".join(f"{self._name}[{l}] {w.shape}" for l, w in enumerate(self, start=1))
        return f"<{shapes}>"

    def _index(self, l: int) -> int:
        if not isinstance(l, Integral) or not 1 <= l <= len(self):
            raise IndexError(
                f"{self._name}[{l!r}]: layers are numbered as in the article, "
                f"{self._name}[1] … {self._name}[{len(self)}]"
            )
        return int(l) - 1


class Parameters:
    """A vector θ of shape (…, P) with its windows.

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
        # For the lines of the article: W[l] and b[l] as a row (…, 1, n_l), nothing at index 0.
        self.W_at = [None, *weights]
        self.b_row = [None, *(b[..., None, :] for b in biases)]
        # W[l] as one row and as one column, whose product is Σ W².
        flat = [xp.reshape(W, (*W.shape[:-2], -1), copy=False) for W in weights]
        self.W_flat = [(W[..., None, :], W[..., :, None]) for W in flat]


def count(sizes: Sequence[int]) -> int:
    """P, the number of weights and biases."""
    return sum(n_out * (n_in + 1) for n_in, n_out in pairwise(sizes))
