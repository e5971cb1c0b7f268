"""The floor by PyTorch's BLAS."""

from __future__ import annotations

import torch

from benchmarks.cells import Job
from benchmarks.contenders import torch_setup as setup
from benchmarks.contenders.floor import Floor, products


class FloorTorch(Floor):
    """torch.mm with out=."""

    @classmethod
    def variants(cls, job: Job) -> tuple[str, ...]:
        """Try the thread counts."""
        return setup.thread_variants(job)

    def __init__(self, job: Job, variant: str) -> None:
        """Place the factors."""
        self.job, self.variant = job, variant
        where = setup.device(job)
        self.products = products(
            job,
            lambda a: torch.tensor(a, device=where),
            lambda shape: torch.zeros(shape, device=where),
        )

    def run(self, steps: int) -> None:
        """Multiply."""
        setup.set_threads(self.variant)
        mm = torch.mm
        with torch.inference_mode():
            for _ in range(steps):
                for left, right, out in self.products:
                    mm(left, right, out=out)
        setup.synchronize(self.job)


CONTENDER = FloorTorch
