"""Clocks: how many calls make a block, and what one of them costs."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

Run = Callable[[int], None]
"""Does n steps and returns when the device has finished them."""


@dataclass(frozen=True)
class Budget:
    """Length of a block in seconds, and the number of blocks."""

    block: float = 0.06
    blocks: int = 5
    probe: float = 0.05

    @classmethod
    def quick(cls) -> Budget:
        """Return short blocks for smoke tests."""
        return cls(block=0.01, blocks=3, probe=0.01)


def seconds(run: Run, n: int) -> float:
    """Return the time of one call ``run(n)``."""
    start = time.perf_counter()
    run(n)
    return time.perf_counter() - start


def steps_per_block(run: Run, target: float) -> int:
    """Find an n with ``run(n)`` near the target time, and leave ``run(n)`` warm.

    Each n is run twice, since a contender may compile for a number of steps that it meets first.
    """
    n = 1
    while True:
        run(n)
        took = seconds(run, n)
        if took >= 0.7 * target or n >= 1_000_000:
            return n
        wanted = math.ceil(n * target / max(took, 1e-7))
        n = min(wanted, n * 100)


def time_blocks(run: Run, budget: Budget) -> tuple[list[float], int]:
    """Return the seconds per step of each block, and the steps in a block."""
    n = steps_per_block(run, budget.block)
    first = seconds(run, n) / n
    # A step of many tenths of a second is measured well by three of them.
    rest = min(budget.blocks, 3 if first > 0.2 else budget.blocks) - 1
    return [first, *(seconds(run, n) / n for _ in range(rest))], n


def probe(run: Run, budget: Budget) -> float:
    """Return a short estimate of the seconds per step, to choose between variants."""
    n = steps_per_block(run, budget.probe)
    return median(seconds(run, n) / n for _ in range(3))
