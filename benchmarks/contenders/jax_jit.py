"""JAX with one jitted step, called from Python; the state's buffers are donated."""

from __future__ import annotations

import jax

from benchmarks.cells import Job
from benchmarks.contenders import jax_setup as setup
from benchmarks.contenders.base import Contender, Weights


class JaxJit(Contender):
    """One compiled call per step."""

    def __init__(self, job: Job, variant: str) -> None:
        """Place the arrays and wrap the step; the first call compiles it."""
        self.state, (self.X, self.Y) = setup.initial_state(job), setup.batch(job)
        self.step = jax.jit(setup.make_step(job), donate_argnums=0)

    def run(self, steps: int) -> None:
        """Call the step so many times and wait for the last."""
        step, X, Y, state = self.step, self.X, self.Y, self.state
        for _ in range(steps):
            state, _ = step(state, X, Y)
        self.state = jax.block_until_ready(state)

    def weights(self) -> Weights:
        """Return the parameters as host arrays."""
        return setup.state_weights(self.state)


CONTENDER = JaxJit
