"""NumPy on the CPU: elementwise kernels run in blocks that stay in the cache."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from typing import Any

import array_api_compat.numpy as xp
import numpy as np

from backprop_xp.backends.base import Array, Backend, Kernel

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
        # Kernels get NumPy's own namespace, which is the standard's too, without compat's wrappers.
        def run(out: Array, *others: Any) -> None:
            if out.size <= BLOCK:
                kernel(np, out, *others)
            else:
                for block in _blocks((out, *others)):
                    kernel(np, *block)

        return run

    def compile(self, step: Callable[..., Array]) -> Callable[..., Array]:
        return step

    def synchronize(self) -> None:
        """Nothing to wait for: NumPy returns when the work is done."""


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
