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
        self.at_once = rows // size
        (self.values,) = self.step.next_numbers(size, False, self.at_once)

    def steps(self, count: int) -> None:
        """Take so many steps, epoch by epoch of whole batches."""
        for start in range(0, count, self.at_once):
            some = min(self.at_once, count - start)
            self.loop.take(0, self.job.cell.batch, some, [self.values[:some]])


LOOP = OurFitByNumba
