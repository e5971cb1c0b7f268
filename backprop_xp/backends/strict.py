"""array_api_strict: the conformance backend. Slow on purpose, it refuses what is not standard.

Its arrays live on another device than NumPy's, so an implicit conversion to NumPy, or an array made
without the backend, fails here as it would on a GPU.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import array_api_strict as xp
import numpy as np

from backprop_xp.backends.base import Array, Backend, Kernel
from backprop_xp.errors import BackendError

_DEVICE = xp.Device("device1")
_HOST = xp.Device("CPU_DEVICE")


class StrictBackend(Backend):
    """Arrays of array_api_strict on its `device1`."""

    name = "strict"
    library = "array_api_strict"
    array_type = type(xp.empty(0))

    def __init__(self) -> None:
        self.xp = xp
        self.device = _DEVICE
        self.description = f"array_api_strict {xp.__version__} on {_DEVICE}"

    def _from_host(self, host: np.ndarray) -> Array:
        return xp.asarray(host, device=_DEVICE, copy=True)

    def owns(self, x: Any) -> bool:
        return super().owns(x) and x.device == _DEVICE

    def require_own(self, x: Any, name: str) -> None:
        super().require_own(x, name)
        if isinstance(x, self.array_type) and x.device != _DEVICE:
            raise BackendError(
                f"{name} is on {x.device}, but this backend is on {_DEVICE}. Move it on purpose: "
                f"{name}.to_device(get_backend({self.name!r}).device)"
            )

    def to_numpy(self, a: Array) -> np.ndarray:
        return np.asarray(a.to_device(_HOST))

    def matmul(self, a: Array, b: Array, out: Array | None = None) -> Array:
        if out is None:
            return xp.matmul(a, b)
        out[...] = xp.matmul(a, b)
        return out

    def elementwise(self, kernel: Kernel) -> Callable[..., None]:
        def run(out: Array, *others: Any) -> None:
            kernel(xp, out, *others)

        return run

    def compile(self, step: Callable[..., Array]) -> Callable[..., Array]:
        return step

    def synchronize(self) -> None:
        """Nothing to wait for."""
