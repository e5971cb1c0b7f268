"""How a product of row-major arrays is put to cuBLAS, which counts down columns.

It needs neither CuPy nor a GPU.
"""

from __future__ import annotations

from typing import Any, NamedTuple

# Measured on an H200: cuBLAS keeps few of the cores busy when a small result needs long sums.
_SMALL_RESULT = 128 * 128
_LONG_SUM = 96
_MOST_PARTS = 16
_SHORTEST_PART = 16
PARTS_SIZE = _SMALL_RESULT * _MOST_PARTS
"""The most elements that the parts of one product have together."""


class Operand(NamedTuple):
    """A matrix, or a stack of them, as cuBLAS describes it."""

    transposed: bool
    leading: int
    batch_stride: int


def operand(a: Any) -> Operand | None:
    """Describe an array (rows, columns), or a stack of them; None if that is impossible.

    The array is in row-major order (not transposed) if steps along a row are of one element.
    """
    if a.ndim > 3:
        return None
    rows, columns = a.shape[-2:]
    down, across = (stride // a.itemsize for stride in a.strides[-2:])
    batch = a.strides[0] // a.itemsize if a.ndim == 3 and a.shape[0] > 1 else 0
    if (across == 1 or columns == 1) and (down >= columns or rows == 1):
        return Operand(False, max(down, columns), batch)
    if (down == 1 or rows == 1) and (across >= rows or columns == 1):
        return Operand(True, max(across, rows), batch)
    return None


def gemm_arguments(a: Any, b: Any, out: Any) -> dict[str, int] | None:
    """Return how cuBLAS, which counts down columns, computes `out = a @ b` of row-major arrays.

    Read down its columns, `out` is its transpose, so the call computes outᵀ = bᵀ aᵀ. None if an
    array has a layout or a dtype that cuBLAS does not take, or if the shapes do not fit.
    """
    if not _fit(a, b, out):
        return None
    left, right, result = operand(a), operand(b), operand(out)
    if left is None or right is None or result is None or result.transposed:
        return None
    return {
        "transa": int(right.transposed),
        "transb": int(left.transposed),
        "m": out.shape[-1],
        "n": out.shape[-2],
        "k": a.shape[-1],
        "lda": right.leading,
        "stride_a": right.batch_stride,
        "ldb": left.leading,
        "stride_b": left.batch_stride,
        "ldc": result.leading,
        "stride_c": result.batch_stride,
        "count": out.shape[0] if out.ndim == 3 else 1,
    }


def in_parts(given: dict[str, int]) -> dict[str, int] | None:
    """Return the call that computes this product as a stack of parts, whose sum is the product.

    Each part sums over a stretch of `k`, so that all of them can be computed at the same time. None
    where one call is as fast.
    """
    m, n, k = given["m"], given["n"], given["k"]
    if given["count"] > 1 or min(m, n) == 1 or m * n > _SMALL_RESULT or k < _LONG_SUM:
        return None
    counts = range(min(_MOST_PARTS, k // _SHORTEST_PART), 1, -1)
    count = next((count for count in counts if k % count == 0), 1)
    if count == 1:
        return None
    part = k // count
    return {
        **given,
        "k": part,
        "stride_a": part if given["transa"] else part * given["lda"],
        "stride_b": part * given["ldb"] if given["transb"] else part,
        "ldc": m,
        "stride_c": m * n,
        "count": count,
    }


def _fit(a: Any, b: Any, out: Any) -> bool:
    """Whether this is a product of floats: cuBLAS itself would read beyond what does not fit."""
    if not a.dtype == b.dtype == out.dtype or out.dtype.char not in "fd":
        return False
    if a.shape[-1] != b.shape[-2] or out.shape[-2:] != (a.shape[-2], b.shape[-1]):
        return False
    if a.size == 0 or b.size == 0 or out.size == 0:
        return False
    stack = out.shape[:-2]
    return all(x.ndim == 2 or x.shape[:-2] in (stack, (1,)) for x in (a, b))
