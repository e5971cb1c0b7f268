"""The elementwise parts of the formulas, as kernels that a backend can block or fuse.

A kernel changes its first argument in place: `kernel(xp, out, *others)`.
"""

from __future__ import annotations

from functools import cache

from backprop_xp.backends.base import Array, Kernel, Namespace
from backprop_xp.maths.activations import Activation
from backprop_xp.maths.losses import Loss


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
