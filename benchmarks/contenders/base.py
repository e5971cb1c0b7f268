"""What a contender of the step benchmark must offer."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from benchmarks.cells import Job

Weights = tuple[list[np.ndarray], list[np.ndarray]]


class Measured(ABC):
    """What the harness builds for a job and measures.

    Where a library leaves a choice that decides its speed (threads, fused or not), it lists the
    choices as variants; the harness tries each and times the fastest.
    """

    @classmethod
    def variants(cls, job: Job) -> tuple[str, ...]:
        """Return the names of the choices to try; one unnamed choice by default."""
        return ("",)

    @abstractmethod
    def __init__(self, job: Job, variant: str) -> None:
        """Put data and weights in place."""


class Contender(Measured):
    """Trains one network on one batch, again and again."""

    @abstractmethod
    def run(self, steps: int) -> None:
        """Do so many steps; return when the device has finished."""

    @abstractmethod
    def weights(self) -> Weights | None:
        """Return W (n_out, n_in) and b as host arrays; None for a floor, which trains nothing."""
