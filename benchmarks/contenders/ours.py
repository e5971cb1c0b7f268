"""backprop_xp itself, through its public ``train_step``."""

from __future__ import annotations

import backprop_xp as bp
from benchmarks.cells import Job
from benchmarks.contenders.base import Contender, Weights


def build(job: Job, backend: str | None = None) -> tuple[bp.Network, bp.SGD | bp.Adam]:
    """Return the job's network, with its initial weights, and optimizer."""
    net = bp.Network(
        list(job.cell.sizes),
        hidden="relu",
        output=job.cell.output,
        seed=0,
        dtype="float32",
        backend=backend or ("cupy" if job.gpu else "numpy"),
    )
    for layer, (w, b) in enumerate(zip(job.W, job.b, strict=True), start=1):
        net.W[layer][...] = net.backend.asarray(w)
        net.b[layer][...] = net.backend.asarray(b)
    # Adam's defaults are the grid's β1, β2 and ε; the comparison of losses would tell if not.
    return net, bp.Adam(job.rate) if job.optimizer == "adam" else bp.SGD(job.rate)


def host_weights(net: bp.Network, depth: int) -> Weights:
    """Return the weights and biases of a network with so many layers as host arrays."""
    layers = range(1, depth + 1)
    to_numpy = net.backend.to_numpy
    return [to_numpy(net.W[k]) for k in layers], [to_numpy(net.b[k]) for k in layers]


class Ours(Contender):
    """One compiled training step of backprop_xp."""

    backend: str | None = None

    def __init__(self, job: Job, variant: str) -> None:
        """Build the network, give it the job's weights, and move the batch to the device."""
        self.net, optimizer = build(job, self.backend)
        self.depth = len(job.W)
        self.X = self.net.backend.asarray(job.X)
        self.Y = self.net.backend.asarray(job.Y)
        self.step = bp.train_step(self.net, optimizer)

    def run(self, steps: int) -> None:
        """Call the step, and wait for the device once at the end."""
        step, X, Y = self.step, self.X, self.Y
        for _ in range(steps):
            step(X, Y)
        self.net.backend.synchronize()

    def weights(self) -> Weights:
        """Return the network's weights."""
        return host_weights(self.net, self.depth)


CONTENDER = Ours
