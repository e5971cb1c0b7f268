"""JAX's compiled loop, which gathers the rows of every step, in an order of its own."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.cells import Job
from benchmarks.contenders import jax_setup as setup
from benchmarks.contenders.jax_scan import JaxScan

ORDERS = 1024
"""So many orders are drawn beforehand."""


class JaxScanGather(JaxScan):
    """All steps of a run in one compiled call, on rows in a random order."""

    def __init__(self, job: Job, variant: str) -> None:
        """Place the arrays; each new number of steps compiles a loop of its own."""
        super().__init__(job, variant)
        step, rng = setup.make_step(job), np.random.default_rng(0)
        drawn = np.stack([rng.permutation(len(job.X)) for _ in range(ORDERS)])
        orders = jax.device_put(drawn, setup.device(job))

        @partial(jax.jit, static_argnums=3, donate_argnums=0)
        def loop(state: Any, X: Any, Y: Any, steps: int) -> Any:
            def gather(state: Any, number: Any) -> Any:
                chosen = orders[number % ORDERS]
                return step(state, jnp.take(X, chosen, axis=0), jnp.take(Y, chosen, axis=0))

            return jax.lax.scan(gather, state, jnp.arange(steps))

        self.loop = loop


CONTENDER = JaxScanGather
