"""Peak memory of one of our training steps, as NumPy reports its allocations to tracemalloc."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np

from benchmarks.cells import Cell, draw_data

FLOAT = 4
"""Bytes of a float32."""


def accounted(cell: Cell, optimizer: str) -> int:
    """Return the bytes of data, θ, gradient, optimizer state and one set of activations."""
    data = cell.batch * (cell.sizes[0] + cell.sizes[-1])
    activations = cell.batch * sum(cell.sizes[1:])
    copies_of_theta = 4 if optimizer == "adam" else 2
    return FLOAT * (data + copies_of_theta * cell.parameters + activations)


def measure(cell: Cell, optimizer: str, steps: int = 3) -> dict[str, Any]:
    """Return the peak of a few steps in bytes, and what of it is not accounted for."""
    import backprop_xp as bp

    # Modules that load at the first use are no part of a step.
    np.random.default_rng()
    bp.get_backend("numpy")
    tracemalloc.start()
    X, Y, _ = draw_data(cell, cell.batch)
    net = bp.Network(
        list(cell.sizes), hidden="relu", output=cell.output, dtype="float32", backend="numpy"
    )
    step = bp.train_step(net, bp.Adam(1e-3) if optimizer == "adam" else bp.SGD(1e-3))
    # Drawing the weights has its own peak; what is still held from it counts, its peak does not.
    tracemalloc.reset_peak()
    for _ in range(steps):
        step(X, Y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    known = accounted(cell, optimizer)
    return {"peak": peak, "accounted": known, "extra": peak - known}
