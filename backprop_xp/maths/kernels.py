"""The elementwise parts of the formulas, as kernels that a backend can block or fuse.

A kernel changes its first argument in place: `kernel(xp, out, *others)`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TypeAlias

from backprop_xp.backends.base import Array, Backend, Kernel, Namespace
from backprop_xp.maths.activations import Activation
from backprop_xp.maths.architecture import Architecture
from backprop_xp.maths.dropout import Dropped
from backprop_xp.maths.layers import by_layer
from backprop_xp.maths.losses import Loss

# A kernel on a backend: run(out, *others).
Run: TypeAlias = Callable[..., None]


@cache
def plus_b_then_g(g: Activation) -> Kernel:
    """`(z, b, a)`: add the bias, which makes z of the product (F1, F3), and apply g (F2, F4)."""

    def plus_b_then_g(xp: Namespace, z: Array, b: Array, a: Array) -> None:
        z += b  # F1, F3: … + b[l]
        a[...] = g.value(xp, z)  # F2, F4: A[l] = g_l(Z[l])

    return plus_b_then_g


@cache
def times_slope(g: Activation) -> Kernel:
    """`(dz, z, a)`: turn dA into dZ, the factor g' (B7, B8)."""

    def times_slope(xp: Namespace, dz: Array, z: Array, a: Array) -> None:
        dz *= g.slope(xp, z, a)  # dZ[l] = dA[l] ∗ g'(Z[l])

    return times_slope


@cache
def times_dropped_slope(g: Activation) -> Kernel:
    """`(dh, z, a, d)`: turn dH into dZ, the factors of dropout and g'."""

    def times_dropped_slope(xp: Namespace, dh: Array, z: Array, a: Array, d: Array) -> None:
        dh *= d * g.slope(xp, z, a)  # dZ[l] = dH[l] ∗ D[l] ∗ g'(Z[l])

    return times_dropped_slope


@cache
def loss_values(loss: Loss, g: Activation) -> Kernel:
    """`(j, z, a, y)`: the loss of every output of every example (J)."""

    def loss_values(xp: Namespace, j: Array, z: Array, a: Array, y: Array) -> None:
        j[...] = loss.value(xp, g, z, a, y)

    return loss_values


@cache
def output_gradient(loss: Loss, g: Activation) -> Kernel:
    """`(dz, z, a, y, scale)`: dZ[L] through loss and output activation (B2·B3)."""

    def output_gradient(
        xp: Namespace, dz: Array, z: Array, a: Array, y: Array, scale: Array
    ) -> None:
        dz[...] = loss.gradient(xp, g, z, a, y) * scale  # B2·B3

    return output_gradient


# Divisors that give a batch without any weight J = 0. The first is the smallest normal number of
# float64; divided by it, smaller ones are 2⁻⁵² at least.
_NO_WEIGHT, _NO_SUM = 2.0**-1022, 2.0**-60


def share(xp: Namespace, shares: Array, weights: Array) -> None:
    """`(shares, weights)`, rows of m: wᵢ/Σw, the share of every example in J.

    Divided by the largest first, so that Σw neither overflows nor vanishes, and that equal weights
    are equal to ones.
    """
    largest = xp.maximum(xp.max(weights, axis=-1, keepdims=True), _NO_WEIGHT)
    relative = xp.astype(weights / largest, shares.dtype)
    shares[...] = relative / xp.maximum(xp.sum(relative, axis=-1, keepdims=True), _NO_SUM)


def assign(xp: Namespace, out: Array, values: Array) -> None:
    """`(out, values)`: a copy."""
    out[...] = values


def l2_gradient(xp: Namespace, dW: Array, W: Array, l2: Array) -> None:
    """`(dW, W, l2)`: add the gradient of (l2/2) Σ W²."""
    dW += l2 * W


def l1_gradient(xp: Namespace, dW: Array, W: Array, l1: Array) -> None:
    """`(dW, W, l1)`: add the gradient of l1 Σ |W|."""
    dW += l1 * xp.sign(W)


def add_l2(xp: Namespace, J: Array, squares: Array, l2: Array) -> None:
    """`(J, Σ W², l2)`: add (l2/2) Σ W²."""
    J += 0.5 * l2 * squares


def add_l1(xp: Namespace, J: Array, l1: Array, *weights: Array) -> None:
    """`(J, l1, W[1], W[2] …)`: add l1 Σ |W|."""
    for W in weights:
        J += l1 * xp.sum(xp.abs(W), axis=(-2, -1), keepdims=True)


def share_penalty(xp: Namespace, out: Array, weights: Array, whole: Array) -> None:
    """`(out, weights, whole)`: whole/Σw, or 0 where that is 0."""
    total = xp.sum(weights, axis=-1, keepdims=True)
    part = xp.where(total > 0, whole / xp.maximum(total, _NO_WEIGHT), 0.0)
    out[...] = xp.astype(part, out.dtype)


class NetworkKernels:
    """What the lines of `Network` call beside products.

    Attributes
    ----------
    plus_b_then_g, times_slope : list of callable
        One for each layer, as `by_layer` counts them; `times_slope` for the hidden ones.
    loss_values, output_gradient, add_l2, add_l1, l2_gradient, l1_gradient : callable
        See the functions above.
    """

    def __init__(self, backend: Backend, described: Architecture) -> None:
        self._backend = backend
        hidden, output, loss = described.hidden, described.output, described.loss
        self.plus_b_then_g = self._by_layer(plus_b_then_g, described.activations)
        self.times_slope = self._by_layer(times_slope, hidden)
        self._times_dropped_slope = self._by_layer(times_dropped_slope, hidden)
        self.loss_values = self._run(output, loss_values(loss, output))
        self.output_gradient = self._run(output, output_gradient(loss, output))
        self.add_l2 = backend.elementwise(add_l2)
        self.add_l1 = backend.general(add_l1)
        self.l2_gradient = backend.elementwise(l2_gradient)
        self.l1_gradient = backend.elementwise(l1_gradient)

    def plus_b_then_g_with_dropout(self, drops: Sequence[Dropped | None]) -> list[Run]:
        """`plus_b_then_g` for a pass with dropout: a layer with a `Dropped` drops units."""
        runs = list(self.plus_b_then_g)
        for l, drop in enumerate(drops):
            if drop is not None:
                runs[l] = _then_dropped(runs[l], drop)
        return runs

    def times_slope_with_dropout(self, D: Sequence[Array]) -> list[Run]:
        """`times_slope` for a pass with dropout: where a layer has factors D[l], they join in."""
        runs = list(self.times_slope)
        for l, dropped in enumerate(self._times_dropped_slope):
            if D[l] is not None:
                runs[l] = _with_factors(dropped, D[l])
        return runs

    def _by_layer(
        self, kernel: Callable[[Activation], Kernel], activations: Sequence[Activation]
    ) -> list[Run]:
        return by_layer(self._run(g, kernel(g)) for g in activations)

    def _run(self, g: Activation, kernel: Kernel) -> Run:
        """Take the primitive that fits: softmax looks at whole rows, all other g at elements."""
        return self._backend.elementwise(kernel) if g.elementwise else self._backend.general(kernel)


def _then_dropped(plus_b_then_g: Run, drop: Dropped) -> Run:
    def plus_b_then_g_then_drop(Z: Array, b: Array, A: Array) -> None:
        plus_b_then_g(Z, b, A)
        drop.apply(A)

    return plus_b_then_g_then_drop


def _with_factors(times_dropped_slope: Run, D: Array) -> Run:
    def times_slope(dH: Array, Z: Array, A: Array) -> None:
        times_dropped_slope(dH, Z, A, D)

    return times_slope
