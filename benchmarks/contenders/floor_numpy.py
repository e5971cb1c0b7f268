"""The floor by NumPy's BLAS."""

from __future__ import annotations

import numpy as np

from benchmarks.cells import Job
from benchmarks.contenders.floor import Floor, products


class FloorNumpy(Floor):
    """numpy.matmul with out=."""

    def __init__(self, job: Job, variant: str) -> None:
        """Place the factors."""
        self.products = products(
            job, np.ascontiguousarray, lambda shape: np.zeros(shape, dtype=np.float32)
        )

    def run(self, steps: int) -> None:
        """Multiply."""
        matmul = np.matmul
        for _ in range(steps):
            for left, right, out in self.products:
                matmul(left, right, out=out)


CONTENDER = FloorNumpy
