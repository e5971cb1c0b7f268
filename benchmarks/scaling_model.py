"""What a step of N ranks takes: compute by local batch, and an all-reduce of the flat gradient.

Two terms, as in Hockney's model of a message (1994), α + β·bytes:

- compute, fitted to steps of one rank on local batches b while the other cores are as busy:
  t(b) = fixed + per_row · b;
- the all-reduce of n bytes among N ranks as Rabenseifner (2004) arranges it, a reduce-scatter by
  halves and an all-gather by doubles: 2⌈log₂N⌉ α + 2 (N−1)/N · n β. Adding up what arrives is part
  of β. For small n a tree is better: ⌈log₂N⌉ (α + n β). The smaller of the two counts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

FLOAT = 4
"""Bytes of an element of the gradient."""


@dataclass(frozen=True)
class Network:
    """An interconnect: latency in seconds, and seconds per byte."""

    name: str
    alpha: float
    beta: float

    def allreduce(self, size: float, ranks: int) -> float:
        """Return the seconds of an all-reduce of so many bytes."""
        if ranks == 1:
            return 0.0
        rounds = math.ceil(math.log2(ranks))
        tree = rounds * (self.alpha + size * self.beta)
        halves = 2 * rounds * self.alpha + 2 * (ranks - 1) / ranks * size * self.beta
        return min(tree, halves)


@dataclass(frozen=True)
class Compute:
    """Seconds of a step of one rank on b rows: fixed + per_row · b."""

    fixed: float
    per_row: float

    def __call__(self, rows: float) -> float:
        """Return the seconds on so many rows."""
        return self.fixed + self.per_row * rows


INTERCONNECTS = (
    Network("InfiniBand HDR, 200 Gbit/s", 2e-6, 1 / 22e9),
    Network("InfiniBand EDR, 100 Gbit/s", 2e-6, 1 / 11e9),
    Network("Ethernet, 25 Gbit/s", 15e-6, 1 / 2.8e9),
    Network("Ethernet, 10 Gbit/s", 30e-6, 1 / 1.1e9),
)
"""Assumed, not measured: usual latencies of MPI, and nine tenths of the line rates."""


def relative_fit(columns: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return x ≥ 0 that makes columns · x near the values, by relative least squares.

    Where a plain solution has a negative entry, that entry is 0 and the others are fitted anew.
    """
    scaled = columns / values[:, None]
    used = list(range(columns.shape[1]))
    while True:
        found = np.linalg.lstsq(scaled[:, used], np.ones(len(values)), rcond=None)[0]
        if (found >= 0).all() or len(used) == 1:
            break
        used.pop(int(np.argmin(found)))
    result = np.zeros(columns.shape[1])
    result[used] = found
    return result


def fit_compute(seconds: Mapping[int, float]) -> Compute:
    """Fit the compute term to seconds by local batch."""
    rows = np.array(list(seconds), float)
    columns = np.column_stack([np.ones_like(rows), rows])
    return Compute(*map(float, relative_fit(columns, np.array(list(seconds.values())))))


def fit_network(name: str, seconds: Mapping[int, float]) -> Network:
    """Fit α and β to seconds of an all-reduce among two ranks, by number of elements.

    Among two ranks the tree is the better way for every size: one exchange of all, α + nβ.
    """
    sizes = FLOAT * np.array(list(seconds), float)
    columns = np.column_stack([np.ones_like(sizes), sizes])
    return Network(name, *map(float, relative_fit(columns, np.array(list(seconds.values())))))


def step_time(compute: Compute, network: Network, parameters: int, rows: int, ranks: int) -> float:
    """Return the seconds of a step on a batch of so many rows, evenly on so many ranks.

    The slowest rank counts: the one that has the rows which do not divide evenly.
    """
    size = FLOAT * (parameters + 1)  # J travels along
    return compute(math.ceil(rows / ranks)) + network.allreduce(size, ranks)


def efficiency(compute: Compute, network: Network, parameters: int, rows: int, ranks: int) -> float:
    """Return the time of one rank over that of so many, times their number: 1 is ideal."""
    alone = step_time(compute, network, parameters, rows, 1)
    return alone / (ranks * step_time(compute, network, parameters, rows, ranks))
