"""A[L] for many rows: the lines of `forward`, keeping nothing for the way back."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from backprop_xp.backends.base import Array
from backprop_xp.backends.host_data import is_sparse
from backprop_xp.errors import ConfigurationError, shown
from backprop_xp.maths.arguments import require_inputs
from backprop_xp.maths.overriding import overridden
from backprop_xp.maths.trace import Trace

if TYPE_CHECKING:
    from backprop_xp.maths.network import Network


def predicted(net: Network, X: Any, reduce: str | None = None) -> Any:
    """Return A[L] for the inputs X; of a population with `reduce`, its mean and its spread."""
    if reduce is not None and not (isinstance(reduce, str) and reduce == "mean"):
        raise ConfigurationError(f"reduce={shown(reduce)}: expected 'mean' or None")
    if reduce is not None and net.members is None:
        raise ConfigurationError(
            f"reduce={shown(reduce)} is for a population, as Network(sizes, members=64) makes "
            "it, but this is not one"
        )
    A = _by_parts(net, X, bool(overridden(net, "forward", "propagate")))
    if reduce is None:
        return A
    xp = net.backend.xp
    return xp.mean(A, axis=0), xp.std(A, axis=0)


def _by_parts(net: Network, X: Any, own_forward: bool) -> Array:
    """Return A[L] for the inputs X, part by part if there are many rows.

    What can be had row by row is converted part by part, too: sparse matrices, memory maps. With
    `own_forward` the network's own `forward` is asked, which is not the library's.
    """
    backend = net.backend
    by_rows = not net.is_plain(X) and _has_rows(net, X)
    if by_rows:
        require_inputs(tuple(X.shape), net.sizes[0], net.stack)
        X = X.tocsr() if is_sparse(X) else X  # whose rows can be had
    else:
        X = net.as_inputs(X)
    rows, at_once = X.shape[-2], backend.rows_at_once(math.prod(net.stack) * max(net.sizes))
    if rows <= at_once:
        return _outputs(net, net.as_inputs(X) if by_rows else X, own_forward)
    A = backend.empty((*net.stack, rows, net.sizes[-1]), net.dtype)
    for start in range(0, rows, at_once):
        part = slice(start, min(start + at_once, rows))
        of_x = X[part] if is_sparse(X) else X[..., part, :]
        A[..., part, :] = _outputs(net, net.as_inputs(of_x) if by_rows else of_x, own_forward)
    return A


def _has_rows(net: Network, X: Any) -> bool:
    """Whether these are rows on the host that are to be converted."""
    backend = net.backend
    return is_sparse(X) or (backend.origin(X) == backend.library == "numpy" and X.ndim == 2)


def _outputs(net: Network, A: Array, own_forward: bool) -> Array:
    """The lines of `propagate` for the inputs A."""
    if own_forward:
        trace = net.forward(A)
        if not isinstance(trace, Trace):
            raise ConfigurationError(
                f"forward returned {shown(trace)}: expected a trace, as super().forward(X) returns"
            )
        return trace.A[-1]
    backend, W_T, b = net.backend, net._W_T, net._parameters.b_row
    plus_b_then_g = net._kernels.plus_b_then_g
    for l, g in enumerate(net.architecture.activations, start=1):
        shape = *net.stack, A.shape[-2], net.sizes[l]
        Z = backend.empty(shape, net.dtype)
        backend.matmul(A, W_T[l], Z)  # F1, F3: Z[l] = A[l−1] W[l]ᵀ …
        A = Z if g.slope_from_a else backend.empty(shape, net.dtype)
        plus_b_then_g[l](Z, b[l], A)  # … + b[l], and F2, F4: A[l] = g_l(Z[l])
    return A
