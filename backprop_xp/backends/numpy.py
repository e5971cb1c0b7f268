"""NumPy on the CPU: fused kernels, in blocks that stay in the cache, and recorded steps."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import array_api_compat.numpy as xp
import numpy as np

from backprop_xp.backends.base import Array, Backend, Kernel
from backprop_xp.backends.blocks import BLOCK, run_blocks
from backprop_xp.backends.fusion import fuse, signature
from backprop_xp.backends.recording import Plan, Recording, recorded_by, this_thread

# A recording costs about as much as a hundred steps of a small network gain by it: only batch sizes
# that come back are recorded.
EAGER_CALLS = 20


class NumPyBackend(Backend):
    """Arrays in host memory, products by NumPy's BLAS."""

    name = "numpy"
    library = "numpy"
    array_type = np.ndarray
    layer_elements = 2**20

    def __init__(self) -> None:
        self.xp = xp
        self.device = "cpu"
        self.description = f"NumPy {np.__version__} on {platform.machine()}"

    def _from_host(self, host: np.ndarray) -> Array:
        return host

    def empty(self, shape: tuple[int, ...], dtype: str) -> Array:
        return np.empty(shape, dtype)

    def to_numpy(self, a: Array) -> np.ndarray:
        return np.asarray(a)

    def matmul(self, a: Array, b: Array, out: Array | None = None) -> Array:
        # For two matrices np.dot does the same with half of the overhead; it wants a compact `out`.
        matrices = a.ndim == b.ndim == 2 and (
            out is None or (out.ndim == 2 and out.flags.c_contiguous)
        )
        product: Callable[..., Array] = np.dot if matrices else np.matmul
        if this_thread.recorder is not None:
            return this_thread.recorder.product(product, a, b, out)
        return product(a, b, out=out)

    def elementwise(self, kernel: Kernel) -> Callable[..., None]:
        return self._planned(partial(_plan, kernel))

    def general(self, kernel: Kernel) -> Callable[..., None]:
        return self._planned(partial(_general_plan, kernel))

    def _planned(self, make_plan: Callable[[tuple[Any, ...]], Plan]) -> Callable[..., None]:
        """Return a function that makes a plan for every kind of its first argument."""
        plans: dict[Any, Plan] = {}

        def run(out: Array, *others: Any) -> None:
            kind = out.shape, out.dtype
            if kind not in plans:
                plans[kind] = make_plan((out, *others))
            if this_thread.recorder is None:
                plans[kind].run(out, *others)
            else:
                this_thread.recorder.kernel(plans[kind], (out, *others))

        return run

    def compile(self, step: Callable[..., Array]) -> Callable[..., Array]:
        replays: dict[Any, Callable[..., Array]] = {}
        eager_calls: Counter[Any] = Counter()

        def run(*inputs: Array) -> Array:
            shapes = tuple([array.shape for array in inputs])
            if (replay := replays.get(shapes)) is not None:
                return replay(*inputs)
            eager_calls[shapes] += 1
            if eager_calls[shapes] <= EAGER_CALLS:
                return step(*inputs)
            views = tuple(array[...] for array in inputs)  # new objects, even for the same array
            recording = Recording(views)
            with recorded_by(recording):
                result = step(*views)
            replays[shapes] = recording.replay(result)
            return replays[shapes](*inputs)

        return run

    def synchronize(self) -> None:
        """Nothing to wait for: NumPy returns when the work is done."""


def _plan(kernel: Kernel, arguments: tuple[Any, ...]) -> Plan:
    """Decide how to run a kernel on such arguments: fused if it can be, in blocks if large."""
    small = arguments[0].size <= BLOCK
    try:
        fused = fuse(kernel, signature(arguments))
    except Exception:  # a user's function may fail in any way on a stand-in; it runs as it is
        plain = partial(kernel, np)
        return Plan(plain if small else partial(run_blocks, plain, ()))
    if small:
        return Plan(fused.run, fused)
    return Plan(partial(run_blocks, fused.run_in, fused.temporaries), fused, in_blocks=True)


def _general_plan(kernel: Kernel, arguments: tuple[Any, ...]) -> Plan:
    """The same for a kernel that looks at whole rows: never in blocks."""
    try:
        fused = fuse(kernel, signature(arguments), rows=True)
    except Exception:
        return Plan(partial(kernel, np))
    return Plan(fused.run, fused)
