"""PyTorch as most scripts use it: eager, with its fused optimizers."""

from __future__ import annotations

from benchmarks.cells import Job
from benchmarks.contenders import torch_setup as setup
from benchmarks.contenders.base import Contender, Weights


class TorchEager(Contender):
    """Sequential model, autograd, torch.optim."""

    @classmethod
    def variants(cls, job: Job) -> tuple[str, ...]:
        """Try the thread counts and, for SGD, fused against foreach; Adam is always fused."""
        kinds = ("fused",) if job.optimizer == "adam" else ("fused", "foreach")
        return tuple(f"{k}, {t}" for k in kinds for t in setup.thread_variants(job))

    def __init__(self, job: Job, variant: str) -> None:
        """Build model and optimizer."""
        self.job, self.variant = job, variant
        self.X, self.target = setup.batch(job)
        self.model = setup.build_model(job)
        self.optimizer = setup.build_optimizer(job, self.model, fused="fused" in variant)

    def run(self, steps: int) -> None:
        """Run zero_grad, forward, backward and step, so many times."""
        setup.set_threads(self.variant)
        model, optimizer, binary = self.model, self.optimizer, self.job.cell.binary
        for _ in range(steps):
            optimizer.zero_grad(set_to_none=True)
            setup.loss_of(model(self.X), self.target, binary).backward()
            optimizer.step()
        setup.synchronize(self.job)

    def weights(self) -> Weights:
        """Return the model's weights."""
        return setup.model_weights(self.model)


CONTENDER = TorchEager
