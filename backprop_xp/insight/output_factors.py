"""The two factors of dZ[L], ∂J/∂A[L] (B3) and ∂A[L]/∂Z[L] (B2), and their product."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from backprop_xp.backends.base import Array
from backprop_xp.errors import ShapeError
from backprop_xp.maths.losses import MATCHED
from backprop_xp.maths.network import Network
from backprop_xp.maths.trace import Trace

# Elements of the largest Jacobian (m, n_L, n_L) that is formed.
_JACOBIAN_ELEMENTS = 2**24


class OutputFactors(NamedTuple):
    """The factors as NumPy arrays in float64, and what to know about each.

    `slope` is (m, n_L), or for softmax its Jacobian (m, n_L, n_L) of every example.
    """

    dA: np.ndarray
    dA_note: str
    slope: np.ndarray
    slope_note: str
    dZ: np.ndarray
    dZ_formula: str
    dZ_note: str


def output_factors(net: Network, trace: Trace, Y: Array) -> OutputFactors:
    """Form B3, B2 and B2·B3 for a trace in float64.

    Where the output saturates, B3 can be infinite and B2 zero. Their product then has a limit,
    which the loss knows (`Loss.gradient`): it stands in the product, and the notes say so.

    Raises
    ------
    ShapeError
        The Jacobians of a softmax would not fit into memory.
    """
    l, m, n = len(net.sizes) - 1, trace.rows, net.sizes[-1]
    if not net.output.elementwise and m * n * n > _JACOBIAN_ELEMENTS:
        raise ShapeError(
            f"explain forms a Jacobian of {n} × {n} for each of the {m} examples, which is too "
            "much: hand it fewer rows"
        )
    A = np.array(net.backend.to_numpy(trace.A[l]))
    dA = _loss_slope(net, trace.A[l], Y) / m
    slope = _slope(net, trace, A)
    dZ, limits = _product(net, trace, Y, dA, slope)
    factors = f"∂J/∂A[{l}] {'∗' if net.output.elementwise else '·'} ∂A[{l}]/∂Z[{l}]"
    matched = MATCHED.get(net.output) == net.loss.name
    return OutputFactors(
        dA,
        _infinite(dA),
        slope,
        "" if slope.ndim == 2 else f"a Jacobian, {n} × {n}, for each of the {m} examples",
        dZ,
        f"{factors} = (1/m) (A[{l}] − Y)" if matched else factors,
        _limits(limits),
    )


def _loss_slope(net: Network, A: Array, Y: Array) -> np.ndarray:
    """∂j/∂A; where it is 0/0, as at A = Y = 1 of a cross-entropy, its limit from inside."""
    xp, host = net.backend.xp, net.backend.to_numpy
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        slope = np.array(host(net.loss.slope(xp, A, Y)))
        if np.isnan(slope).any():
            inside = net.backend.asarray(np.nextafter(host(A), 0.5))
            slope = np.where(np.isnan(slope), host(net.loss.slope(xp, inside, Y)), slope)
    return slope


def _slope(net: Network, trace: Trace, A: np.ndarray) -> np.ndarray:
    if net.output.elementwise:
        slope = net.output.slope(net.backend.xp, trace.Z[-1], trace.A[-1])
        return np.array(net.backend.to_numpy(slope))
    jacobian: np.ndarray = A[:, :, None] * (np.eye(A.shape[1]) - A[:, None, :])
    return jacobian


def _product(
    net: Network, trace: Trace, Y: Array, dA: np.ndarray, slope: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """∂J/∂Z[L], and where it is a limit instead of the product of two finite factors."""
    with np.errstate(invalid="ignore", over="ignore"):
        product = dA * slope if slope.ndim == 2 else np.einsum("ij,ijk->ik", dA, slope)
    limits = ~np.isfinite(dA) | ~np.isfinite(product)
    if slope.ndim == 3:
        limits = np.broadcast_to(limits.any(axis=1, keepdims=True), product.shape)
    if limits.any():
        xp = net.backend.xp
        gradient = net.loss.gradient(xp, net.output, trace.Z[-1], trace.A[-1], Y)
        product = np.where(limits, net.backend.to_numpy(gradient) / trace.rows, product)
    return product, limits


def _infinite(dA: np.ndarray) -> str:
    count = int(np.count_nonzero(~np.isfinite(dA)))
    if not count:
        return ""
    return (
        f"infinite in {count} of {dA.size} entries: there A has saturated and equals its bound in "
        "float64. ∂A/∂Z is 0 there; the limit of the product stands below."
    )


def _limits(limits: np.ndarray) -> str:
    count = int(np.count_nonzero(limits))
    if not count:
        return ""
    return f"{count} of {limits.size} entries would be ∞ · 0: they are the limit of the product"
