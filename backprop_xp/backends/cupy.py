"""CuPy on an NVIDIA GPU: every elementwise kernel is fused into one launch."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import array_api_compat.cupy as xp
import cupy
import numpy as np

from backprop_xp.backends.base import Array, Backend, Kernel
from backprop_xp.errors import BackendError


class CuPyBackend(Backend):
    """Arrays on the current CUDA device."""

    name = "cupy"
    library = "cupy"

    def __init__(self) -> None:
        _require_device()
        self.xp = xp
        self.device = cupy.cuda.Device()
        device = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)["name"].decode()
        self.description = f"CuPy {cupy.__version__} on {device}"

    def _from_host(self, host: np.ndarray) -> Array:
        return cupy.asarray(host)

    def to_numpy(self, a: Array) -> np.ndarray:
        return np.asarray(cupy.asnumpy(a))

    def matmul(self, a: Array, b: Array, out: Array) -> Array:
        return cupy.matmul(a, b, out=out)

    def elementwise(self, kernel: Kernel) -> Callable[..., None]:
        return fused(kernel)

    def compile(self, step: Callable[..., Array]) -> Callable[..., Array]:
        return step

    def synchronize(self) -> None:
        cupy.cuda.get_current_stream().synchronize()


@cache
def fused(kernel: Kernel) -> Callable[..., None]:
    """Fuse `kernel` into one CUDA kernel per combination of dtypes and ranks.

    Python floats are handed over in the dtype of the output: as they are, fused kernels would
    compute with them in another precision.
    """

    def on_device(*arguments: Any) -> None:
        kernel(xp, *arguments)

    launch = cupy.fuse(kernel_name=kernel.__name__)(on_device)

    def run(out: Array, *others: Any) -> None:
        scalar = out.dtype.type
        launch(out, *(scalar(a) if isinstance(a, float) else a for a in others))

    return run


def _require_device() -> None:
    """Launch a real kernel once: a device without a driver or compiler is not usable either."""
    if not cupy.is_available():
        raise BackendError(f"CuPy {cupy.__version__} finds no usable CUDA device or driver")
    try:
        float((cupy.arange(2) + 1).sum())
    except Exception as problem:
        raise BackendError(
            f"CuPy {cupy.__version__} has a device but cannot run ({problem})"
        ) from problem
