"""backprop_xp's own ``fit``."""

from __future__ import annotations

import backprop_xp as bp
from benchmarks.cells import Job
from benchmarks.contenders.base import Weights
from benchmarks.contenders.ours import build, host_weights
from benchmarks.loops.base import Loop


class OurFit(Loop):
    """bp.fit with shuffling, history and its progress bar left at the silent default."""

    has_steps = True
    backend: str | None = None

    def __init__(self, job: Job, variant: str) -> None:
        """Build the network, and beside it one that takes the bare steps."""
        self.job = job
        self.net, self.optimizer = build(job, self.backend)
        asarray = self.net.backend.asarray
        self.X, self.Y = asarray(job.X), asarray(job.Y)
        bare, optimizer = build(job, self.backend)
        self.step = bp.train_step(bare, optimizer)

    def fit(self, epochs: int) -> None:
        """Fit the network further."""
        bp.fit(
            self.net,
            self.X,
            self.Y,
            epochs=epochs,
            batch_size=self.job.cell.batch,
            optimizer=self.optimizer,
            seed=0,
            progress=None,
        )
        self.net.backend.synchronize()

    def weights(self) -> Weights:
        """Return the fitted weights."""
        return host_weights(self.net, len(self.job.W))

    def steps(self, count: int) -> None:
        """Repeat the step on the first batch."""
        X, Y = self.X[: self.job.cell.batch], self.Y[: self.job.cell.batch]
        for _ in range(count):
            self.step(X, Y)
        self.net.backend.synchronize()


LOOP = OurFit
