"""Matrix products by a cuBLAS handle of our own, so that CUDA graphs can capture them.

CuPy does not let its own handle be used while a stream is captured (cupy#6290). This one sets its
stream before the capture and brings its own workspace, which is all that cuBLAS asks for. The
bindings come from nvmath-python.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from backprop_xp.backends.base import Array

# What NVIDIA recommends for Hopper; less would exclude some algorithms.
_WORKSPACE_BYTES = 32 * 2**20


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

    Read down its columns, `out` is its own transpose, so the call computes outᵀ = bᵀ aᵀ. None if an
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


class Cublas:
    """A cuBLAS handle with its workspace, on whatever stream is current."""

    def __init__(self) -> None:
        import cupy
        from nvmath.bindings import cublas

        self._cupy, self._cublas = cupy, cublas
        self._handle = cublas.create()
        self._workspace = cupy.empty(_WORKSPACE_BYTES, cupy.uint8)
        self._stream: int | None = None
        self._numbers = {
            letter: (np.array(1.0, dtype), np.array(0.0, dtype))
            for letter, dtype in (("s", np.float32), ("d", np.float64))
        }

    def matmul(self, a: Array, b: Array, out: Array) -> bool:
        """Write `a @ b` into `out`; or return False for layouts that it cannot take."""
        given = gemm_arguments(a, b, out)
        if given is None or not a.dtype == b.dtype == out.dtype:
            return False
        self._use_current_stream()
        letter = "s" if out.dtype == np.float32 else "d"
        one, zero = (number.ctypes.data for number in self._numbers[letter])
        sizes = given["transa"], given["transb"], given["m"], given["n"], given["k"]
        if given["count"] == 1:
            gemm = getattr(self._cublas, f"{letter}gemm")
            gemm(
                self._handle, *sizes, one, b.data.ptr, given["lda"], a.data.ptr, given["ldb"],
                zero, out.data.ptr, given["ldc"],
            )  # fmt: skip
        else:
            gemm = getattr(self._cublas, f"{letter}gemm_strided_batched")
            gemm(
                self._handle, *sizes, one,
                b.data.ptr, given["lda"], given["stride_a"],
                a.data.ptr, given["ldb"], given["stride_b"],
                zero, out.data.ptr, given["ldc"], given["stride_c"], given["count"],
            )  # fmt: skip
        return True

    def _use_current_stream(self) -> None:
        stream = self._cupy.cuda.get_current_stream().ptr
        if stream != self._stream:
            self._cublas.set_stream(self._handle, stream)
            # Setting the stream takes the workspace away, so it comes second.
            pointer, size = self._workspace.data.ptr, self._workspace.nbytes
            self._cublas.set_workspace(self._handle, pointer, size)
            self._stream = stream
