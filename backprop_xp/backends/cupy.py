"""CuPy on an NVIDIA GPU: elementwise kernels fused into one launch, a step into one graph."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import array_api_compat.cupy as xp
import cupy
import numpy as np

from backprop_xp.backends.base import Array, Backend, Kernel, Numbers
from backprop_xp.backends.cuda_graph import GraphedStep
from backprop_xp.backends.cuda_loop import GraphedLoop
from backprop_xp.backends.pinned import PinnedMover
from backprop_xp.errors import BackendError

if TYPE_CHECKING:
    from backprop_xp.backends.cublas import Cublas

_log = logging.getLogger("backprop_xp")


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
        self._cublas: Cublas | None = None
        try:
            from backprop_xp.backends.cublas import Cublas  # which needs nvmath-python

            self._cublas = Cublas()  # which graphs can capture
        except Exception as problem:  # an ImportError, or whatever a library raises that is broken
            lost = f"steps are not replayed as CUDA graphs, since nvmath-python fails ({problem})"
            self.description += f"; {lost}"
            _log.warning("slower than it could be: %s", lost)

    def asarray(self, x: Any, dtype: str | None = None) -> Array:
        if self.origin(x) == self.library and not isinstance(x, cupy.ndarray):
            x = cupy.asarray(x)  # of another library on the GPU: nothing is copied
        return super().asarray(x, dtype)

    def _from_host(self, host: np.ndarray) -> Array:
        return cupy.asarray(host)

    def origin(self, x: Any) -> str | None:
        on_gpu = getattr(x, "__cuda_array_interface__", None) is not None
        return self.library if on_gpu else super().origin(x)

    def owns(self, x: Any) -> bool:
        return type(x) is cupy.ndarray and bool(x.data.device_id == self.device.id)

    def require_own(self, x: Any, name: str) -> None:
        super().require_own(x, name)
        if isinstance(x, cupy.ndarray) and x.device != self.device:
            here, there = self.device.id, x.device.id
            raise BackendError(
                f"{name} is on GPU {there}, but this backend is on GPU {here}. Move it on purpose: "
                f"with cupy.cuda.Device({here}): {name} = cupy.array({name})"
            )

    def to_numpy(self, a: Array) -> np.ndarray:
        return np.asarray(cupy.asnumpy(a))

    def matmul(self, a: Array, b: Array, out: Array | None = None) -> Array:
        if out is None:
            stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
            dtype = a.dtype if a.dtype == b.dtype else np.result_type(a.dtype, b.dtype)
            out = cupy.empty((*stack, a.shape[-2], b.shape[-1]), dtype)
        if self._cublas is None or not self._cublas.matmul(a, b, out):
            out[...] = cupy.matmul(a, b)
        return out

    def write_scalars(self, scalars: Array, values: Any) -> None:
        if isinstance(values, tuple) and values:
            # The values travel as arguments of a launch: nothing is copied from memory that could
            # change before the device reads it.
            write = _writer(len(values), scalars.dtype.name)
            write(_ONE, _ONE, (scalars, *map(float, values)))
        else:
            super().write_scalars(scalars, values)

    def elementwise(self, kernel: Kernel) -> Callable[..., None]:
        return fused(kernel)

    def general(self, kernel: Kernel) -> Callable[..., None]:
        return partial(kernel, _KERNEL_NAMESPACE)

    def compile(self, step: Callable[..., Array]) -> Callable[..., Array]:
        if self._cublas is None:
            return step
        return GraphedStep(step)

    def loop(
        self,
        step: Callable[..., tuple[Array, ...]],
        numbers_of: Callable[..., Sequence[Numbers]],
        tables: tuple[Array, ...],
        size: int,
    ) -> GraphedLoop | None:
        if self._cublas is None:
            return None
        return GraphedLoop(step, numbers_of, tables, size)

    def mover(self) -> PinnedMover:
        return PinnedMover(self)

    def synchronize(self) -> None:
        cupy.cuda.get_current_stream().synchronize()


class _KernelNamespace:
    """The namespace that kernels see: compat's, but for what cannot be fused or captured.

    The wrappers of `sign` and `clip` write through a mask, and `cupy.fuse` knows no `ones_like`.
    """

    sign = staticmethod(cupy.sign)

    def __getattr__(self, name: str) -> Any:
        return getattr(xp, name)

    @staticmethod
    def ones_like(x: Array) -> Array:
        """1 for every x, NaN among them, in an operation that can be fused."""
        return x**0

    @staticmethod
    def clip(x: Array, min: Any = None, max: Any = None) -> Array:
        """Clip to bounds that may be missing."""
        x = x if min is None else cupy.maximum(x, min)
        return x if max is None else cupy.minimum(x, max)


_KERNEL_NAMESPACE = _KernelNamespace()
# What CuPy raises while it traces a function that it cannot fuse, before anything has run.
_NOT_FUSIBLE = (AttributeError, NotImplementedError, TypeError, ValueError)


@cache
def fused(kernel: Kernel) -> Callable[..., None]:
    """Fuse `kernel` into one CUDA kernel per combination of dtypes and ranks.

    What CuPy cannot fuse (a user's function may do anything) runs as it is, operation by operation;
    a log message says so once.
    """

    def on_device(*arguments: Array) -> None:
        kernel(_KERNEL_NAMESPACE, *arguments)

    name = kernel.__name__ if kernel.__name__.isidentifier() else "kernel"
    launch: Callable[..., None] = cupy.fuse(kernel_name=name)(on_device)
    fusible = True

    def run(*arguments: Array) -> None:
        nonlocal fusible
        if fusible:
            try:
                launch(*arguments)
                return
            except _NOT_FUSIBLE as problem:
                cause = problem
        kernel(_KERNEL_NAMESPACE, *arguments)  # which raises again what is no matter of fusion
        if fusible:
            fusible = False
            _log.warning("%s runs as several CUDA kernels: %s", name, cause)

    return run


# A grid of one block, a block of one thread.
_ONE = (1,)
_IN_CUDA = {"float32": "float", "float64": "double", "uint32": "unsigned int"}


@cache
def _writer(count: int, dtype: str) -> Callable[..., None]:
    """Return a kernel that writes so many numbers into the beginning of a vector.

    It is written in CUDA since its launch costs the host half of one of `ElementwiseKernel`.
    """
    names = [f"v{i}" for i in range(count)]
    parameters = ", ".join([f"{_IN_CUDA[dtype]} *out", *(f"double {name}" for name in names)])
    body = " ".join(f"out[{i}] = {name};" for i, name in enumerate(names))
    code = f'extern "C" __global__ void write_scalars({parameters}) {{ {body} }}'
    kernel: Callable[..., None] = cupy.RawKernel(code, "write_scalars")
    return kernel


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
