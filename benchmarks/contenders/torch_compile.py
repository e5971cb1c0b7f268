"""torch.compile over the whole step: forward, loss, backward and update in one graph."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch.nn import functional as F

from benchmarks.cells import BETA1, BETA2, EPS, Job
from benchmarks.contenders import torch_setup as setup
from benchmarks.contenders.base import Contender, Weights

Tensors = list[torch.Tensor]


def make_loss(binary: bool) -> Callable[[Tensors, torch.Tensor, torch.Tensor], torch.Tensor]:
    """Return the loss as a function of the parameters W1, b1, W2, b2, ..."""

    def loss(parameters: Tensors, X: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        A = X
        for k in range(0, len(parameters), 2):
            A = F.linear(A if k == 0 else F.relu(A), parameters[k], parameters[k + 1])
        return setup.loss_of(A, target, binary)

    return loss


def make_step(job: Job) -> Callable[..., torch.Tensor]:
    """Return one step that changes parameters and moments in place and returns the loss."""
    gradient = torch.func.grad_and_value(make_loss(job.cell.binary))
    rate = job.rate

    def sgd(parameters: Tensors, X: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        grads, J = gradient(parameters, X, target)
        for p, g in zip(parameters, grads, strict=True):
            p.sub_(g, alpha=rate)
        return J

    def adam(
        parameters: Tensors,
        X: torch.Tensor,
        target: torch.Tensor,
        t: torch.Tensor,
        moments: tuple[Tensors, Tensors],
    ) -> torch.Tensor:
        grads, J = gradient(parameters, X, target)
        t.add_(1)
        # expm1 keeps the digits of 1 - β^t that float32 would lose for small t.
        correct1 = -torch.expm1(t * math.log(BETA1))
        correct2 = -torch.expm1(t * math.log(BETA2))
        for p, g, m, v in zip(parameters, grads, *moments, strict=True):
            m.mul_(BETA1).add_(g, alpha=1 - BETA1)
            v.mul_(BETA2).addcmul_(g, g, value=1 - BETA2)
            p.sub_(rate * (m / correct1) / ((v / correct2).sqrt() + EPS))
        return J

    return adam if job.optimizer == "adam" else sgd


class TorchCompile(Contender):
    """The compiled step; on a GPU replayed as a CUDA graph (mode "reduce-overhead")."""

    @classmethod
    def variants(cls, job: Job) -> tuple[str, ...]:
        """Try the thread counts."""
        return setup.thread_variants(job)

    def __init__(self, job: Job, variant: str) -> None:
        """Place the arrays and wrap the step; the first call compiles it."""
        self.job, self.variant = job, variant
        where = setup.device(job)
        pairs = zip(job.W, job.b, strict=True)
        self.parameters = [torch.tensor(p, device=where) for pair in pairs for p in pair]
        self.arguments: list[object] = [self.parameters, *setup.batch(job)]
        state: Tensors = []
        if job.optimizer == "adam":
            moments = tuple([torch.zeros_like(p) for p in self.parameters] for _ in range(2))
            t = torch.zeros((), device=where)
            self.arguments += [t, moments]
            state = [t, *moments[0], *moments[1]]
        if job.gpu:
            # A CUDA graph copies every input that may move, and refuses to change one of those.
            for tensor in (*self.parameters, *self.arguments[1:3], *state):
                torch._dynamo.mark_static_address(tensor)
        mode = "reduce-overhead" if job.gpu else "default"
        self.step = torch.compile(make_step(job), fullgraph=True, dynamic=False, mode=mode)

    def run(self, steps: int) -> None:
        """Call the compiled step so many times."""
        setup.set_threads(self.variant)
        step, arguments = self.step, self.arguments
        with torch.no_grad():
            for _ in range(steps):
                step(*arguments)
        setup.synchronize(self.job)

    def weights(self) -> Weights:
        """Return the parameters as host arrays."""
        host = [p.cpu().numpy() for p in self.parameters]
        return host[::2], host[1::2]


CONTENDER = TorchCompile
