"""``fit`` by the backend numba."""

from __future__ import annotations

import numpy as np

from benchmarks.cells import Job
from benchmarks.loops.ours import OurFit


class OurFitByNumba(OurFit):
    """Its bare steps are those of the compiled loop, whose numbers are there already."""

    backend = "numba"

    def __init__(self, job: Job, variant: str) -> None:
        """Build the network, and beside it the loop."""
        super().__init__(job, variant)
        rows, size = len(job.X), job.cell.batch
        tables = (self.X, self.Y)
        self.loop = self.net.backend.loop(self.step.on_rows, self.step.numbers, tables, size)
        self.loop.begin(np.random.default_rng(0).permutation(rows))
        self.values = self.step.next_numbers(size, False, rows // size)

    def steps(self, count: int) -> None:
        """Take so many steps, epoch by epoch of whole batches."""
        for start in range(0, count, len(self.values)):
            some = self.values[: count - start]
            self.loop.take(0, self.job.cell.batch, some)


LOOP = OurFitByNumba
