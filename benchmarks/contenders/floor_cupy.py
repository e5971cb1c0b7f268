"""The floor by cuBLAS through CuPy."""

from __future__ import annotations

import cupy

from benchmarks.cells import Job
from benchmarks.contenders.floor import Floor, products


class FloorCupy(Floor):
    """cupy.matmul with out=."""

    def __init__(self, job: Job, variant: str) -> None:
        """Place the factors."""
        self.products = products(
            job, cupy.asarray, lambda shape: cupy.zeros(shape, dtype=cupy.float32)
        )

    def run(self, steps: int) -> None:
        """Multiply, and wait for the device once at the end."""
        matmul = cupy.matmul
        for _ in range(steps):
            for left, right, out in self.products:
                matmul(left, right, out=out)
        cupy.cuda.get_current_stream().synchronize()


CONTENDER = FloorCupy
