"""PyTorch's usual loop without a DataLoader: randperm once per epoch, one index per batch.

A DataLoader collates its batches row by row; for rows in memory this is the faster usual form.
"""

from __future__ import annotations

import torch

from benchmarks.cells import Job
from benchmarks.contenders import torch_setup as setup
from benchmarks.contenders.base import Weights
from benchmarks.loops.base import Loop


class TorchLoop(Loop):
    """Eager, with fused Adam."""

    @classmethod
    def variants(cls, job: Job) -> tuple[str, ...]:
        """Try the thread counts."""
        return setup.thread_variants(job)

    def __init__(self, job: Job, variant: str) -> None:
        """Build model and optimizer."""
        self.job, self.variant = job, variant
        self.X, self.target = setup.batch(job)
        self.model = setup.build_model(job)
        self.optimizer = setup.build_optimizer(job, self.model)
        self.history: list[float] = []

    def fit(self, epochs: int) -> None:
        """Train for so many epochs; the loss is read once in each."""
        setup.set_threads(self.variant)
        for _ in range(epochs):
            self.history.append(self._epoch())

    def weights(self) -> Weights:
        """Return the model's weights."""
        return setup.model_weights(self.model)

    def _epoch(self) -> float:
        order = torch.randperm(len(self.X), device=self.X.device)
        total = torch.zeros((), device=self.X.device)
        for rows in order.split(self.job.cell.batch):
            self.optimizer.zero_grad(set_to_none=True)
            logits = self.model(self.X[rows])
            loss = setup.loss_of(logits, self.target[rows], self.job.cell.binary)
            loss.backward()
            self.optimizer.step()
            total += loss.detach() * len(rows)
        return total.item() / len(self.X)


LOOP = TorchLoop
