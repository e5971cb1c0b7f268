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
    array_type = cupy.ndarray

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

    def matmul(self, a: Array, b: Array, out: Array | None = None) -> Array:
        return cupy.matmul(a, b, out=out)

    def elementwise(self, kernel: Kernel) -> Callable[..., None]:
        return fused(kernel)

    def compile(self, step: Callable[..., Array]) -> Callable[..., Array]:
        return step

    def synchronize(self) -> None:
        cupy.cuda.get_current_stream().synchronize()


class _FusibleNamespace:
    """The namespace that kernels see: compat's, but for `sign`, whose wrapper cannot be fused."""

    sign = staticmethod(cupy.sign)

    def __getattr__(self, name: str) -> Any:
        return getattr(xp, name)


_FUSIBLE = _FusibleNamespace()


@cache
def fused(kernel: Kernel) -> Callable[..., None]:
    """Fuse `kernel` into one CUDA kernel per combination of dtypes and ranks."""

    def on_device(*arguments: Array) -> None:
        kernel(_FUSIBLE, *arguments)

    launch: Callable[..., None] = cupy.fuse(kernel_name=kernel.__name__)(on_device)
    return launch


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
