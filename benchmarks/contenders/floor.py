"""The floor: the matrix products of a step alone, into arrays that exist already.

Forward A Wᵀ, then dZᵀ A for every layer and dZ W for every layer but the first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.cells import Job
from benchmarks.contenders.base import Contender

Product = tuple[Any, Any, Any]
"""Left factor, right factor, result."""


def products(job: Job, asarray: Callable[[Any], Any], empty: Callable[..., Any]) -> list[Product]:
    """List the products of one step, in order; their values do not matter, their shapes do."""
    m, sizes = job.cell.batch, job.cell.sizes
    W = [asarray(w) for w in job.W]
    A = [asarray(job.X), *(empty((m, n)) for n in sizes[1:])]
    # Real numbers in dZ[L], not zeros: a GPU draws less power on zeros and so runs faster.
    dZ = [*(empty((m, n)) for n in sizes[:-1]), asarray(np.resize(job.X, (m, sizes[-1])))]
    steps: list[Product] = [(A[k], W[k].T, A[k + 1]) for k in range(len(W))]
    for k in reversed(range(len(W))):
        steps.append((dZ[k + 1].T, A[k], empty(job.W[k].shape)))
        if k:
            steps.append((dZ[k + 1], W[k], dZ[k]))
    return steps


class Floor(Contender):
    """Products by one BLAS; subclasses say which and fill ``products``."""

    products: list[Product]

    def weights(self) -> None:
        """Return nothing: a floor trains nothing."""
        return
