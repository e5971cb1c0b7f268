"""SharedJob: `fit` on several ranks, from the agreement before the first step to its end.

Data parallelism: every rank has the whole network and a part of every batch, and the gradients are
summed over the ranks (Goyal et al., 2017, has the method and its history). Since J is a mean over
the whole batch, the result is that of one process, but for the rounding of sums.
"""

from __future__ import annotations

import sys
import zlib
from contextlib import AbstractContextManager
from dataclasses import is_dataclass
from numbers import Number
from typing import Any

import numpy as np

from backprop_xp.backends.base import Array
from backprop_xp.data.batches import Batches
from backprop_xp.data.checks import require_single
from backprop_xp.data.rows import Rows
from backprop_xp.errors import ConfigurationError, DataError, shown
from backprop_xp.maths.network import Network
from backprop_xp.maths.optimizer import Optimizer
from backprop_xp.maths.overriding import overridden
from backprop_xp.maths.saved import describe
from backprop_xp.storage import read
from backprop_xp.training.checkpoint import Checkpoint, digest, identity
from backprop_xp.training.distributed.batches import Layout, PartLayout, SharedBatches
from backprop_xp.training.distributed.ranks import Ranks
from backprop_xp.training.distributed.run import SharedEvaluation, SharedRun
from backprop_xp.training.distributed.step import SharedStep
from backprop_xp.training.evaluation import Evaluation
from backprop_xp.training.job import Job
from backprop_xp.training.progress import ProgressBar
from backprop_xp.training.run import RunPlan, TrainingRun
from backprop_xp.training.step import TrainStep

# So many rows, evenly spaced, are compared between ranks that say to have the same data.
_COMPARED_ROWS = 64


class SharedJob(Job):
    """A call of `fit` on all ranks of a communicator.

    Parameters
    ----------
    comm : mpi4py.MPI.Intracomm
    sharded : bool
        Whether each rank hands in another part of the data.
    """

    def __init__(self, comm: Any, sharded: bool) -> None:
        self._ranks, self._sharded = Ranks(comm), sharded

    def checks(self) -> AbstractContextManager[Any]:
        return self._ranks.together()

    def agree(self, net: Network, **options: Any) -> None:
        require_single(net, "fit with comm=")
        if not isinstance(self._sharded, bool):
            raise ConfigurationError(f"sharded={shown(self._sharded)}: expected True or False")
        version = sys.modules[__name__.partition(".")[0]].__version__  # above this package
        self._ranks.require_alike(
            {
                "versions": f"backprop_xp {version}, NumPy {np.__version__}",
                "backend": net.backend.name,
                "dtype": net.dtype,
                "architecture": describe(net.architecture),
                "sharded": self._sharded,
                **{name: _text(value) for name, value in options.items()},
            }
        )

    def step(self, net: Network, optimizer: Optimizer, clip_norm: float | None) -> TrainStep:
        super().step(net, optimizer, clip_norm)  # which looks at its arguments
        if others := overridden(net, "forward", "cost", "backward"):
            raise ConfigurationError(
                f"fit with comm= takes the library's own steps, but {type(net).__name__} has "
                f"another {' and '.join(others)}: train it in one process"
            )
        self._ranks.gather(None)  # all are here: none has failed before they wait for each other
        return SharedStep(net, optimizer, clip_norm, self._ranks.comm)

    def all_of(self, values: np.ndarray) -> np.ndarray:
        return np.concatenate(self._ranks.gather(values)) if self._sharded else values

    def rows_here(self, rows: np.ndarray, count: int) -> np.ndarray:
        if not self._sharded:
            return rows
        first = sum(self._ranks.gather(count)[: self._ranks.rank])
        here: np.ndarray = rows[(rows >= first) & (rows < first + count)] - first
        return here

    def batches(
        self,
        net: Network,
        X: Rows,
        Y: Rows,
        batch_size: int | None,
        rngs: list[Any],
        weights: Array | None,
    ) -> Batches:
        if X.rows == 0:
            raise DataError("no rows are left to train on, as all are held out for validation")
        if not self._sharded:
            self._require_same_data(net, "X", X, Y, weights)
        counts = self._ranks.gather(X.rows)
        rank, size = self._ranks.rank, self._ranks.size
        if self._sharded:
            layout: Layout = PartLayout(counts, rank, batch_size)
        else:
            layout = Layout(X.rows, rank, size)
        everyone = None
        if weights is not None:
            everyone = self.all_of(net.backend.to_numpy(weights)[:, 0].astype(np.float64))
        places = bool(net.architecture.dropout)
        return SharedBatches(
            net.backend, X, Y, batch_size, rngs[0], everyone, layout, net.dtype, places
        )

    def evaluation(self, net: Network, X: Rows, Y: Rows) -> Evaluation:
        if not self._sharded:
            self._require_same_data(net, "validation X", X, Y)
        return SharedEvaluation(X, Y, self._ranks, whole=not self._sharded)

    def require_one_process(self, what: str) -> None:
        raise ConfigurationError(
            f"comm= does not go with {what}: hand arrays or memory maps to every rank, with "
            "sharded=True its own part"
        )

    def run(self, plan: RunPlan, step: TrainStep) -> TrainingRun:
        plan.loss_by_rows = True  # the batches know what they weigh
        if self._ranks.rank:
            plan.callbacks = [
                c for c in plan.callbacks if not isinstance(c, Checkpoint | ProgressBar)
            ]
        return SharedRun(plan, step, self._ranks)

    def read(self, path: Any) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        arrays, document = self._ranks.from_first(lambda: read(path))
        return arrays, document

    def agree_on(self, run: TrainingRun) -> None:
        (rng,) = run.plan.batches.rngs
        drawn = repr(rng.bit_generator.state).encode()
        self._ranks.require_alike(
            {
                **identity(run),
                "state of the generator that shuffles (its digest)": f"{zlib.crc32(drawn):08x}",
                "weights θ (their digest)": digest(run.net, run.net.theta),
                "steps that the optimizer has taken": run.state.steps,
                "optimizer's memory (its digest)": digest(run.net, *run.state.slots),
            },
            advice="Give every rank the same arguments, and integers as seeds",
        )

    def close(self) -> None:
        self._ranks.close()

    def _require_same_data(
        self, net: Network, name: str, X: Rows, Y: Rows, weights: Array | None = None
    ) -> None:
        some = np.linspace(0, X.rows - 1, min(X.rows, _COMPARED_ROWS)).astype(np.int64)
        arrays = [X.take(some), Y.take(some)]
        if weights is not None:
            arrays.append(net.backend.xp.take(weights, net.backend.asarray(some), axis=0))
        self._ranks.require_alike(
            {
                f"number of rows of {name}": X.rows,
                f"content of {name} and what belongs to it (its digest)": digest(net, *arrays),
            },
            DataError,
            "Hand the same data to all ranks or, with sharded=True, its own part to each",
        )


def _text(value: Any) -> str:
    """An option as text that is the same on every rank: an object of the user's is its class."""
    plain = isinstance(value, Number | str | dict | None) or is_dataclass(value)
    return str(value) if plain else type(value).__qualname__
