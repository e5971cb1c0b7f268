"""JAX's usual loop: a jitted step that gathers its batch, called once per batch."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from benchmarks.cells import Job
from benchmarks.contenders import jax_setup as setup
from benchmarks.contenders.base import Weights
from benchmarks.loops.base import Loop


class JaxLoop(Loop):
    """Per-step jit with donated state; the short last batch compiles a second step."""

    def __init__(self, job: Job, variant: str) -> None:
        """Place the data and wrap the step."""
        self.job = job
        self.state, (self.X, self.Y) = setup.initial_state(job), setup.batch(job)
        self.rng = np.random.default_rng(0)
        self.history: list[float] = []
        step = setup.make_step(job)

        def gathered(state: Any, total: Any, X: Any, Y: Any, rows: Any) -> Any:
            state, J = step(state, X[rows], Y[rows])
            return state, total + J * len(rows)

        self.step = jax.jit(gathered, donate_argnums=(0, 1))

    def fit(self, epochs: int) -> None:
        """Train for so many epochs; the loss is read once in each."""
        for _ in range(epochs):
            self.history.append(self._epoch())

    def weights(self) -> Weights:
        """Return the parameters as host arrays."""
        return setup.state_weights(self.state)

    def _epoch(self) -> float:
        count, batch = len(self.X), self.job.cell.batch
        order = self.rng.permutation(count).astype(np.int32)
        total = jax.device_put(np.float32(0), setup.device(self.job))
        for start in range(0, count, batch):
            rows = order[start : start + batch]
            self.state, total = self.step(self.state, total, self.X, self.Y, rows)
        return float(total) / count


LOOP = JaxLoop
