"""Matrix products by cuBLAS handles that are made here, so that CUDA graphs can capture them.

CuPy does not let its handle be used while a stream is captured (cupy#6290). Ours set their
stream before the capture and bring their workspace, which is all that cuBLAS asks for. The
bindings come from nvmath-python.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any

import cupy
import numpy as np
from nvmath.bindings import cublas

from backprop_xp.backends.base import Array
from backprop_xp.backends.gemm import PARTS_SIZE, gemm_arguments, in_parts

# What NVIDIA recommends for Hopper; less would exclude some algorithms.
_WORKSPACE_BYTES = 32 * 2**20
_PARTS_BYTES = PARTS_SIZE * np.dtype(np.float64).itemsize


class Cublas:
    """cuBLAS on whatever stream is current, with a handle for every thread."""

    def __init__(self) -> None:
        self._thread = threading.local()
        self._thread.handle = _Handle()  # at once, so that a missing library shows
        self._numbers = {
            letter: (np.array(1.0, dtype), np.array(0.0, dtype))
            for letter, dtype in (("s", np.float32), ("d", np.float64))
        }

    @property
    def handle(self) -> _Handle:
        """The one of this thread."""
        if not hasattr(self._thread, "handle"):
            self._thread.handle = _Handle()
        handle: _Handle = self._thread.handle
        return handle

    def matmul(self, a: Array, b: Array, out: Array) -> bool:
        """Write `a @ b` into `out`; or return False for layouts that it cannot take."""
        given = gemm_arguments(a, b, out)
        if given is None:
            return False
        handle = self.handle
        handle.use_current_stream()
        parts = in_parts(given)
        if parts is None:
            self._call(handle, given, a, b, out)
        else:
            stack = handle.parts.view(out.dtype)
            self._call(handle, parts, a, b, stack)
            _sum_of_parts(stack, parts["count"], parts["stride_c"], out)
        return True

    def _call(self, handle: _Handle, given: dict[str, int], a: Array, b: Array, out: Array) -> None:
        letter = "s" if out.dtype == np.float32 else "d"
        one, zero = (number.ctypes.data for number in self._numbers[letter])
        sizes = given["transa"], given["transb"], given["m"], given["n"], given["k"]
        if given["count"] == 1:
            gemm = getattr(cublas, f"{letter}gemm")
            gemm(
                handle.pointer, *sizes, one, b.data.ptr, given["lda"], a.data.ptr, given["ldb"],
                zero, out.data.ptr, given["ldc"],
            )  # fmt: skip
        else:
            gemm = getattr(cublas, f"{letter}gemm_strided_batched")
            gemm(
                handle.pointer, *sizes, one,
                b.data.ptr, given["lda"], given["stride_a"],
                a.data.ptr, given["ldb"], given["stride_b"],
                zero, out.data.ptr, given["ldc"], given["stride_c"], given["count"],
            )  # fmt: skip


_sum_of_parts = cupy.ElementwiseKernel(
    "raw T parts, int32 count, int32 size",
    "T out",
    """
    T sum = 0;
    for (int part = 0; part < count; part++) sum += parts[part * size + i];
    out = sum;
    """,
    "sum_of_parts",
)


class _Handle:
    """A cuBLAS handle, with a workspace for each of the streams that it has worked on.

    Two threads must not use one handle, and products that run at the same time must not share a
    workspace, nor the memory for their parts.
    """

    def __init__(self) -> None:
        self.pointer: int = cublas.create()
        self.workspace: Array = None
        self.parts: Array = None
        self._workspaces: weakref.WeakKeyDictionary[Any, Array] = weakref.WeakKeyDictionary()
        self._stream: Callable[[], Any] = lambda: None
        weakref.finalize(self, cublas.destroy, self.pointer).atexit = False

    def use_current_stream(self) -> None:
        """Set the current stream, with its workspace."""
        stream = cupy.cuda.get_current_stream()
        if self._stream() is stream:
            return
        cublas.set_stream(self.pointer, stream.ptr)
        if stream not in self._workspaces:
            self._workspaces[stream] = cupy.empty(_WORKSPACE_BYTES + _PARTS_BYTES, cupy.uint8)
        memory = self._workspaces[stream]
        self.workspace, self.parts = memory[:_WORKSPACE_BYTES], memory[_WORKSPACE_BYTES:]
        # Setting the stream takes the workspace away, so it comes second.
        cublas.set_workspace(self.pointer, self.workspace.data.ptr, self.workspace.nbytes)
        self._stream = weakref.ref(stream)
