"""Whole training loops for the fit benchmark, each as its library's users write it."""

from __future__ import annotations

import time
from importlib import import_module
from statistics import median
from typing import Any

from benchmarks import reference
from benchmarks.cells import Job
from benchmarks.loops.base import Loop

MODULES = {
    "backprop_xp": "ours",
    "ours-numba": "ours_numba",
    "torch": "torch_loop",
    "jax": "jax_loop",
    "scikit-learn": "scikit_learn",
}


def load(name: str) -> type[Loop]:
    """Import a loop's module and return its class."""
    module = import_module(f"benchmarks.loops.{MODULES[name]}")
    loop: type[Loop] = module.LOOP
    return loop


def clock(call: Any, *arguments: Any) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - start


def fastest(kind: type[Loop], job: Job) -> str:
    """Return the variant whose second epoch is the shortest; the first one warms it up."""

    def second_epoch(name: str) -> float:
        loop = kind(job, name)
        loop.fit(1)
        return clock(loop.fit, 1)

    names = kind.variants(job)
    return names[0] if len(names) == 1 else min(names, key=second_epoch)


def measure(name: str, job: Job, epochs: int, repeats: int) -> dict[str, Any]:
    """Time repeated fits, after one that warms up and whose final loss is reported."""
    kind = load(name)
    variant = fastest(kind, job)
    loop = kind(job, variant)
    loop.fit(epochs)
    loss = reference.loss(job.X, job.Y, *loop.weights())
    steps = epochs * -(-len(job.X) // job.cell.batch)
    if loop.has_steps:
        loop.steps(3)
    fits, bare = [], []
    for _ in range(repeats):
        fits.append(clock(loop.fit, epochs))
        if loop.has_steps:
            bare.append(clock(loop.steps, steps))
    rate = len(job.X) * epochs / median(fits)
    outcome: dict[str, Any] = {"variant": variant, "loss": loss, "rate": rate, "blocks": fits}
    if bare:
        outcome["overhead"] = median(f / b for f, b in zip(fits, bare, strict=True))
        outcome["bare"] = bare
    return outcome
