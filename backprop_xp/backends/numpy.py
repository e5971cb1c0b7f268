"""NumPy on the CPU: elementwise kernels run in blocks that stay in the cache."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import array_api_compat.numpy as xp
import numpy as np

from backprop_xp.backends.base import Array, Backend, Kernel
from backprop_xp.backends.fusion import fuse, signature

# Elements of one block: a handful of float32 blocks fit into a core's level-2 cache together.
BLOCK = 16_384


class NumPyBackend(Backend):
    """Arrays in host memory, products by NumPy's BLAS."""

    name = "numpy"
    library = "numpy"
    array_type = np.ndarray

    def __init__(self) -> None:
        self.xp = xp
        self.device = "cpu"
        self.description = f"NumPy {np.__version__} on {platform.machine()}"

    def _from_host(self, host: np.ndarray) -> Array:
        return host

    def to_numpy(self, a: Array) -> np.ndarray:
        return np.asarray(a)

    def matmul(self, a: Array, b: Array, out: Array | None = None) -> Array:
        # For two matrices np.dot does the same with half of the overhead; it wants a compact `out`.
        if a.ndim == b.ndim == 2 and (out is None or out.flags.c_contiguous):
            return np.dot(a, b, out)
        return np.matmul(a, b, out)

    def elementwise(self, kernel: Kernel) -> Callable[..., None]:
        plans: dict[Any, Callable[..., None]] = {}

        def run(out: Array, *others: Any) -> None:
            kind = out.shape, out.dtype
            if kind not in plans:
                plans[kind] = _plan(kernel, (out, *others))
            plans[kind](out, *others)

        return run

    def compile(self, step: Callable[..., Array]) -> Callable[..., Array]:
        return step

    def synchronize(self) -> None:
        """Nothing to wait for: NumPy returns when the work is done."""


def _plan(kernel: Kernel, arguments: tuple[Any, ...]) -> Callable[..., None]:
    """Decide how to run a kernel on such arguments: fused if it can be, in blocks if large."""
    small = arguments[0].size <= BLOCK
    try:
        fused = fuse(kernel, signature(arguments))
    except Exception:  # a user's function may fail in any way on a stand-in; it runs as it is
        return partial(kernel, np) if small else partial(_run_blocks, partial(kernel, np), ())
    return fused.run if small else partial(_run_blocks, fused.run_in, fused.temporaries)


def _run_blocks(
    function: Callable[..., None], temporaries: Sequence[np.dtype], *arguments: Any
) -> None:
    """Run block after block, all in the same temporaries, which stay in the cache."""
    memory: list[np.ndarray] = []
    for block in _blocks(arguments):
        shape, size = block[0].shape, block[0].size
        if not memory:
            memory = [np.empty(size, dtype) for dtype in temporaries]
        function(*block, *(m[:size].reshape(shape) for m in memory))


def _blocks(arguments: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """Cut every full-length argument along the first axis; pass broadcast ones and floats whole."""
    length = len(arguments[0])
    row = arguments[0].size // length
    if row > BLOCK:
        for i in range(length):
            yield from _blocks(tuple(_row(argument, i) for argument in arguments))
        return
    rows = max(1, BLOCK // row)
    cut = [isinstance(a, np.ndarray) and a.ndim > 0 and len(a) == length for a in arguments]
    for start in range(0, length, rows):
        part = slice(start, start + rows)
        yield tuple(a[part] if c else a for a, c in zip(arguments, cut, strict=True))


def _row(argument: Any, i: int) -> Any:
    if not isinstance(argument, np.ndarray) or argument.ndim == 0:
        return argument
    return argument[i if len(argument) > 1 else 0]
