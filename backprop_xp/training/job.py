"""Job: what `fit` does in another way when several processes train one network."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from backprop_xp.backends.base import Array
from backprop_xp.data.batches import Batches
from backprop_xp.data.rows import Rows
from backprop_xp.maths.network import Network
from backprop_xp.maths.optimizer import Optimizer
from backprop_xp.training.evaluation import Evaluation
from backprop_xp.training.populations.member_batches import MemberBatches
from backprop_xp.training.populations.members import batches
from backprop_xp.training.run import RunPlan, TrainingRun
from backprop_xp.training.step import TrainStep, train_step


class Job:
    """One process alone: `fit` asks it what ranks of an MPI job do in another way.

    Where it says that ranks alone need a hook, here it does nothing; `distributed.SharedJob`
    overrides all of them.
    """

    def checks(self) -> AbstractContextManager[Any]:
        """What surrounds all that is looked at before training.

        Ranks alone need it: what one of them refuses, all refuse.
        """
        return nullcontext()

    def agree(self, net: Network, **options: Any) -> None:
        """Make sure that all processes were given the same network and options.

        Ranks alone need it.
        """

    def step(self, net: Network, optimizer: Optimizer, clip_norm: float | None) -> TrainStep:
        """One training step: a single process compiles all of it, ranks sum gradients within."""
        return train_step(net, optimizer, clip_norm=clip_norm)

    def all_of(self, values: np.ndarray) -> np.ndarray:
        """What belongs to the rows of all processes, from what belongs to the rows of this one.

        Ranks with sharded data alone need it: all others have all rows.
        """
        return values

    def rows_here(self, rows: np.ndarray, count: int) -> np.ndarray:
        """Which of these rows of all processes are here, by their numbers here.

        `rows` are ascending, and `count` is the number of all rows that are here. Ranks with
        sharded data alone need it: for all others the numbers are the same.
        """
        return rows

    def batches(
        self,
        net: Network,
        X: Rows,
        Y: Rows,
        batch_size: int | None,
        rngs: list[Any],
        weights: Array | None,
    ) -> Batches | MemberBatches:
        """The training batches: all rows of each in a single process, a part of them on a rank."""
        return batches(net.backend, X, Y, batch_size, rngs, weights)

    def evaluation(self, net: Network, X: Rows, Y: Rows) -> Evaluation:
        """What measures held-out rows after every epoch: all of them, or a rank's part."""
        return Evaluation(X, Y)

    def require_one_process(self, what: str) -> None:
        """Raise ConfigurationError if this is a job of several processes, which cannot do that.

        A single process can.
        """

    def run(self, plan: RunPlan, step: TrainStep) -> TrainingRun:
        """The run, before its first epoch.

        A single process may read its data while it trains, and undoes an epoch that it cannot read
        to its end; ranks have theirs in memory, and stop together.
        """
        if not plan.streamed:
            return TrainingRun(plan, step)
        from backprop_xp.training.streaming.streams import StreamedRun

        return StreamedRun(plan, step)

    def read(self, path: Any) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays and document of a checkpoint: a single process reads it, of ranks the first."""
        from backprop_xp.storage import read

        return read(path)

    def agree_on(self, run: TrainingRun) -> None:
        """Make sure that all processes begin from the same state.

        Ranks alone need it.
        """

    def close(self) -> None:
        """Give back what was taken for the job.

        Ranks alone need it: they took a communicator.
        """
