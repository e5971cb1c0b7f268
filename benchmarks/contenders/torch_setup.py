"""What the PyTorch contenders share: device, threads, network and weights."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from benchmarks.cells import BETA1, BETA2, EPS, Job
from benchmarks.contenders.base import Weights

DEFAULT_THREADS = torch.get_num_threads()


def thread_variants(job: Job) -> tuple[str, ...]:
    """Return the thread counts worth a try: one thread too where the network is small."""
    if job.gpu or not job.cell.small or DEFAULT_THREADS == 1:
        return ("default threads",)
    return ("default threads", "1 thread")


def set_threads(variant: str) -> None:
    """Apply the thread count that a variant's name holds."""
    torch.set_num_threads(1 if "1 thread" in variant else DEFAULT_THREADS)


def device(job: Job) -> torch.device:
    """Return the job's device, with float32 products in full precision."""
    torch.set_float32_matmul_precision("highest")
    return torch.device("cuda" if job.gpu else "cpu")


def synchronize(job: Job) -> None:
    """Wait for the GPU, if the job runs on one."""
    if job.gpu:
        torch.cuda.synchronize()


def batch(job: Job) -> tuple[torch.Tensor, torch.Tensor]:
    """Return inputs and targets: floats for one output, class indices for several."""
    target = torch.from_numpy(job.Y if job.cell.binary else job.labels)
    return torch.from_numpy(job.X).to(device(job)), target.to(device(job))


def loss_of(logits: torch.Tensor, target: torch.Tensor, binary: bool) -> torch.Tensor:
    """Return the mean cross-entropy of logits."""
    if binary:
        return F.binary_cross_entropy_with_logits(logits, target)
    return F.cross_entropy(logits, target)


def build_model(job: Job) -> torch.nn.Sequential:
    """Return the usual stack of Linear and ReLU with the job's weights."""
    layers: list[torch.nn.Module] = []
    for w, b in zip(job.W, job.b, strict=True):
        linear = torch.nn.Linear(w.shape[1], w.shape[0])
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(w))
            linear.bias.copy_(torch.from_numpy(b))
        layers += [linear, torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1]).to(device(job))


def build_optimizer(job: Job, model: torch.nn.Module, fused: bool = True) -> torch.optim.Optimizer:
    """Return PyTorch's own optimizer, fused or over lists of tensors."""
    kind: dict[str, bool] = {"fused": True} if fused else {"foreach": True}
    if job.optimizer == "adam":
        return torch.optim.Adam(model.parameters(), job.rate, (BETA1, BETA2), EPS, **kind)
    return torch.optim.SGD(model.parameters(), job.rate, **kind)


def model_weights(model: torch.nn.Module) -> Weights:
    """Return a model's weights and biases as host arrays."""
    parameters = [p.detach().cpu().numpy() for p in model.parameters()]
    return parameters[::2], parameters[1::2]
