"""JAX with the whole loop compiled by lax.scan: no Python between the steps.

Listed apart from the others: a loop compiled as a whole cannot be observed or steered per step.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax

from benchmarks.cells import Job
from benchmarks.contenders import jax_setup as setup
from benchmarks.contenders.base import Contender, Weights


class JaxScan(Contender):
    """All steps of a run in one compiled call."""

    def __init__(self, job: Job, variant: str) -> None:
        """Place the arrays; each new number of steps compiles a loop of its own."""
        self.state, (self.X, self.Y) = setup.initial_state(job), setup.batch(job)
        step = setup.make_step(job)

        @partial(jax.jit, static_argnums=3, donate_argnums=0)
        def loop(state: Any, X: Any, Y: Any, steps: int) -> Any:
            return jax.lax.scan(lambda s, _: step(s, X, Y), state, length=steps)

        self.loop = loop

    def run(self, steps: int) -> None:
        """Run the compiled loop and wait for it."""
        self.state, _ = jax.block_until_ready(self.loop(self.state, self.X, self.Y, steps))

    def weights(self) -> Weights:
        """Return the parameters as host arrays."""
        return setup.state_weights(self.state)


CONTENDER = JaxScan
