"""One measurement on every rank of an MPI job: rank 0 prints the outcome as one line of JSON.

Started by the scaling benchmark as ``mpiexec -n N python -m benchmarks.ranks JSON``.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import numpy as np
from mpi4py import MPI

import backprop_xp as bp
from backprop_xp.maths.parameters import Parameters
from backprop_xp.maths.trace import Trace
from backprop_xp.training.distributed.step import SharedStep
from benchmarks import cells
from benchmarks.contenders.ours import build

COMM = MPI.COMM_WORLD
UNDISTURBED = 0.97
"""The part of its core that a rank must have had for a block to count."""

TRIES = 6
"""How many blocks are measured, at most, for one that counts."""

WARM_UP = 25
"""Steps before the clock runs: the first twenty are not recorded yet."""


def timed(run: Callable[[], Any], block: float, blocks: int) -> list[float]:
    """Return the seconds per call of each block; all ranks begin and end blocks together.

    A block in which another program took a rank's core away is measured again, within limits: a
    rank that waits in MPI keeps its core busy, so its CPU time is the time that passed.
    """
    run()
    start = time.perf_counter()
    run()
    took = COMM.allreduce(time.perf_counter() - start, MPI.MAX)
    calls = max(1, round(block / max(took, 1e-7)))
    found: list[tuple[float, float]] = []
    for _ in range(TRIES * blocks):
        COMM.Barrier()
        start, used = time.perf_counter(), time.process_time()
        for _ in range(calls):
            run()
        COMM.Barrier()
        took = time.perf_counter() - start
        share = COMM.allreduce((time.process_time() - used) / took, MPI.MIN)
        found.append((share, took / calls))
        undisturbed = [seconds for share, seconds in found if share > UNDISTURBED]
        if len(undisturbed) == blocks:
            return undisturbed
    # The least disturbed ones, on every rank the same.
    order = sorted(range(len(found)), key=lambda i: -found[i][0])
    return [found[i][1] for i in order[:blocks]]


def batch(cell: cells.Cell, rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return so many rows of a cell's data, and their shares of a batch of ``cell.batch``."""
    X, Y, _ = cells.draw_data(cell, rows)
    return X, Y, np.full((rows, 1), 1.0 / cell.batch, np.float32)


def step(spec: dict[str, Any]) -> dict[str, Any]:
    """Time the step of all ranks on one batch, of which each has an even part."""
    cell = cells.parse(spec["cell"])
    net, optimizer = build(cells.make_job(cell, spec["optimizer"], rows=1))
    kind = BucketStep if spec.get("buckets") else SharedStep
    X, Y, shares = batch(cell, cell.batch // COMM.size)
    shared = kind(net, optimizer, None, COMM)
    plain = bp.train_step(net, optimizer)

    def run() -> None:
        shared(X, Y, shares)

    def run_alone() -> None:
        plain(X, Y)

    chosen = run_alone if COMM.size == 1 else run
    for _ in range(warm_up(cell)):
        chosen()
    return {"blocks": timed(chosen, spec["block"], spec["count"])}


def busy(spec: dict[str, Any]) -> dict[str, Any]:
    """Time plain steps on so many rows, on all ranks at once but each for itself."""
    cell = cells.parse(spec["cell"])
    net, optimizer = build(cells.make_job(cell, spec["optimizer"], rows=1))
    plain, (X, Y, _) = bp.train_step(net, optimizer), batch(cell, cell.batch)
    for _ in range(warm_up(cell)):
        plain(X, Y)
    return {"blocks": timed(lambda: plain(X, Y), spec["block"], spec["count"])}


def allreduce(spec: dict[str, Any]) -> dict[str, Any]:
    """Time the sum over ranks of vectors of so many float32."""
    found = {}
    for elements in spec["elements"]:
        array = np.zeros(elements, np.float32)
        run = partial(COMM.Allreduce, MPI.IN_PLACE, array)
        blocks = timed(run, spec["block"], spec["count"])
        found[str(elements)] = median(blocks)
    return {"seconds": found}


def warm_up(cell: cells.Cell) -> int:
    """Return how many steps to take before the clock runs; large ones need no recording."""
    return WARM_UP if cell.small else 2


class BucketStep(SharedStep):
    """A step that sums each layer's gradient while the layers before it are on their way back."""

    def _differentiate(self, X: Any, Y: Any, shares: Any, *places: Any) -> Any:
        net, trace = self.net, self._trace(X, True)
        trace.take_shares(shares)
        net.propagate(trace)
        self._assign(self._J, net.mean_loss(trace, Y))
        self._requests = [COMM.Iallreduce(MPI.IN_PLACE, self._J)]
        self._backpropagate(trace, Y)
        MPI.Request.Waitall(self._requests)
        return self._J

    def _backpropagate(self, trace: Trace, Y: Any) -> None:
        """Take `Network.backpropagate` line by line, for networks without penalties."""
        trace.make_gradients()
        net, grads, matmul = self.net, self._grads, self.net.backend.matmul
        Z, A, dZ = trace.Z, trace.A, trace.dZ
        net._kernels.output_gradient(dZ[-1], Z[-1], A[-1], Y, trace.scale)
        for l in reversed(net._layers):
            matmul(trace.dZ_T[l], A[l - 1], grads.W_at[l])
            matmul(trace.ones, dZ[l], grads.b_row[l])
            self._requests.append(COMM.Iallreduce(MPI.IN_PLACE, bucket(grads, l)))
            if l > 1:
                matmul(dZ[l], net.W[l], dZ[l - 1])
                net._kernels.times_slope[l - 1](dZ[l - 1], Z[l - 1], A[l - 1])
            MPI.Request.Testall(self._requests)  # MPI moves on only while it is called

    def __init__(self, net: Any, optimizer: Any, clip_norm: float | None, comm: Any) -> None:
        """Compile nothing of the gradient, and sum nothing after it."""
        super().__init__(net, optimizer, clip_norm, comm)
        self._half, self._sum = self._differentiate, lambda buffer: None


def bucket(grads: Parameters, l: int) -> np.ndarray:
    """Return the part of the flat gradient that holds W[l] and b[l], which lie side by side."""
    start = sum(grads.W[k].size + grads.b[k].size for k in range(1, l))
    return grads.theta[start : start + grads.W[l].size + grads.b[l].size]


TASKS = {"step": step, "busy": busy, "allreduce": allreduce}

if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    outcome = TASKS[asked["task"]](asked)
    if COMM.rank == 0:
        print(json.dumps(outcome), flush=True)
