"""What a training loop of the fit benchmark must offer."""

from __future__ import annotations

from abc import abstractmethod

from benchmarks.contenders.base import Measured, Weights


class Loop(Measured):
    """Shuffles, batches and trains for whole epochs with Adam, keeping the loss of each epoch."""

    has_steps = False
    """True where ``steps`` can run the loop's bare steps, to tell what the loop itself costs."""

    @abstractmethod
    def fit(self, epochs: int) -> None:
        """Train for so many epochs; return when the device has finished."""

    @abstractmethod
    def weights(self) -> Weights:
        """Return W (n_out, n_in) and b as host arrays."""

    def steps(self, count: int) -> None:
        """Do so many steps on one batch, with nothing around them."""
        raise NotImplementedError
