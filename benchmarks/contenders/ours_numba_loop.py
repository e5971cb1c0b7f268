"""The same by the backend numba, all steps in one call, as `fit` takes them.

Listed apart from the others, like JAX's loop: nobody can look in between.
"""

from __future__ import annotations

import numpy as np

from benchmarks.cells import Job
from benchmarks.contenders.ours_numba import OursNumba

# Steps of a call, as in a run of `fit`.
AT_ONCE = 4096


class OursNumbaLoop(OursNumba):
    """Every step gathers its rows, in an order of its own, from a table of one batch."""

    def __init__(self, job: Job, variant: str) -> None:
        """Compile the loop, and draw an order."""
        super().__init__(job, variant)
        self.rows = len(job.X)
        step, tables = self.step, (self.X, self.Y)
        self.loop = self.net.backend.loop(step.on_rows, step.numbers, tables, self.rows)
        rng = np.random.default_rng(0)
        order = [rng.permutation(self.rows) for _ in range(AT_ONCE)]
        self.loop.begin(np.concatenate(order))

    def run(self, steps: int) -> None:
        """Take the steps; the host computes what differs from one to the next."""
        while steps > 0:
            some = min(steps, AT_ONCE)
            self.loop.take(0, self.rows, some, self.step.next_numbers(self.rows, False, some))
            steps -= some


CONTENDER = OursNumbaLoop
