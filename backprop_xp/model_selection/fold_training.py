"""All folds × settings × seeds, trained as one population."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from numbers import Real
from typing import Any

import numpy as np

from backprop_xp.data.checks import checked_rows
from backprop_xp.data.row_weights import checked_weights, on_one_scale
from backprop_xp.data.rows import Rows
from backprop_xp.errors import ConfigurationError, shown
from backprop_xp.maths.members import checked_members
from backprop_xp.maths.network import Network
from backprop_xp.maths.optimizer import Optimizer
from backprop_xp.maths.optimizers import Adam
from backprop_xp.model_selection.folds import folds_of
from backprop_xp.number_checks import require_count
from backprop_xp.training.evaluation import Evaluation
from backprop_xp.training.job import Job
from backprop_xp.training.options import checked_callbacks, require_options
from backprop_xp.training.populations.history import PopulationHistory
from backprop_xp.training.populations.member_batches import MemberBatches
from backprop_xp.training.populations.members import require_schedule_of_time
from backprop_xp.training.run import RunPlan
from backprop_xp.training.set_up import set_up_run

# The arguments that describe a network, but for its sizes and penalties.
_OF_NETWORK = ("hidden", "output", "loss", "dropout", "initializer", "dtype", "backend")


@dataclass(frozen=True)
class Setting:
    """What may differ from member to member; None leaves the rate to the optimizer."""

    learning_rate: float | None = None
    l2: float = 0.0
    l1: float = 0.0


@dataclass(frozen=True)
class FoldScores:
    """What came out, in arrays (folds, settings, members).

    Attributes
    ----------
    metric : str
        "accuracy" or "r2".
    score, validation_loss : numpy.ndarray
        On the rows held out; NaN where training diverged. The loss is without penalties.
    loss : numpy.ndarray
        Mean of J over the training rows in the last epoch, penalties included.
    rows : list of int
        How many rows each fold held out.
    """

    metric: str
    score: np.ndarray
    validation_loss: np.ndarray
    loss: np.ndarray
    rows: list[int]


@dataclass(frozen=True)
class FoldTraining:
    """How to train on folds: what `cross_validate` and `search` were asked for."""

    folds: int
    members: int
    seed: int
    epochs: int
    batch_size: int | None
    optimizer: Any
    schedule: Any
    sample_weight: Any
    clip_norm: float | None
    progress: bool | None
    network: dict[str, Any]

    @classmethod
    def of(cls, given: dict[str, Any]) -> FoldTraining:
        """Take what belongs here from the arguments of `cross_validate` or `search`."""
        options = {field.name: given[field.name] for field in fields(cls) if field.name in given}
        if given["optimizer"] is None:
            options["optimizer"] = Adam()
        return cls(**options, network={name: given[name] for name in _OF_NETWORK})

    def run(self, sizes: Any, X: Any, Y: Any, settings: Sequence[Setting]) -> FoldScores:
        """Train every setting on every fold with every seed in one pass, and score them."""
        self._check(settings)
        bare = Network(sizes, **self.network)  # without penalties: for the data, and for scores
        tables = checked_rows(bare, X, Y)
        held_out = folds_of(bare, tables[1], self.folds, self.seed)
        net, history = self._trained(sizes, tables, held_out, settings)
        losses, scores, metric = [], [], ""
        for number, rows in enumerate(held_out):
            each = len(settings) * self.members
            part = net.members_from(number * each, (number + 1) * each)
            evaluation = Evaluation(*(table.subset(rows) for table in tables))
            with np.errstate(over="ignore", invalid="ignore"):  # of members that diverged
                loss, metrics = evaluation.run(bare.with_theta(part.theta))
            metric, score = next(iter(metrics.items()))
            losses.append(loss)
            scores.append(score)
        shape = self.folds, len(settings), self.members
        diverged = np.array([reason is not None for reason in history.reasons]).reshape(shape)
        return FoldScores(
            metric=metric.removeprefix("validation_"),
            score=np.where(diverged, np.nan, np.reshape(scores, shape)),
            validation_loss=np.where(diverged, np.nan, np.reshape(losses, shape)),
            loss=np.reshape(history.loss[-1:] or np.full(shape, np.nan), shape),
            rows=[len(rows) for rows in held_out],
        )

    def _trained(
        self,
        sizes: Any,
        tables: tuple[Rows, Rows],
        held_out: list[np.ndarray],
        settings: Sequence[Setting],
    ) -> tuple[Network, PopulationHistory]:
        """Train the population: fold by fold, in it setting by setting, in it seed by seed."""
        seeds = [self.seed + k for k in range(self.members)] * (self.folds * len(settings))
        options = [setting for setting in settings for _ in range(self.members)] * self.folds
        net = Network(
            sizes,
            members=len(seeds),
            seed=seeds,
            l2=_one_or_each([option.l2 for option in options]),
            l1=_one_or_each([option.l1 for option in options]),
            **self.network,
        )
        optimizer = self.optimizer
        if options[0].learning_rate is not None:
            rates = tuple(option.learning_rate for option in options)
            optimizer = replace(optimizer, learning_rate=rates)
        rngs = [np.random.default_rng(seed) for seed in seeds]
        weights = checked_weights(net, tables[0].rows, self.sample_weight)
        column = None if weights is None else net.backend.asarray(on_one_scale(weights)[:, None])
        everyone = np.arange(tables[0].rows)
        kept = [np.setdiff1d(everyone, rows, assume_unique=True) for rows in held_out]
        subsets = [rows for rows in kept for _ in range(len(seeds) // self.folds)]
        run = set_up_run(
            RunPlan(
                job=Job(),
                net=net,
                optimizer=optimizer,
                clip_norm=self.clip_norm,
                batches=MemberBatches(net.backend, *tables, self.batch_size, rngs, column, subsets),
                epochs=self.epochs,
                schedule=self.schedule,
                callbacks=checked_callbacks(None, self.progress),
                lets_members_diverge=True,
            )
        )
        run.train()
        if run.history.stopped == "interrupted":  # scores of half a training would mislead
            raise KeyboardInterrupt
        assert isinstance(run.history, PopulationHistory)
        return net, run.history

    def _check(self, settings: Sequence[Setting]) -> None:
        for setting in settings:
            for name, value in asdict(setting).items():
                if value is not None and not isinstance(value, Real):
                    raise ConfigurationError(f"{name}={shown(value)}: expected a number")
        require_options(self.epochs, self.batch_size, self.schedule)
        require_schedule_of_time(self.schedule)
        checked_members(self.members)
        require_count("seed", self.seed, least=0)
        if not isinstance(self.optimizer, Optimizer):
            raise ConfigurationError(
                f"optimizer={shown(self.optimizer)}: expected an optimizer such as "
                "backprop_xp.Adam()"
            )


def _one_or_each(values: list[float]) -> Any:
    return values[0] if len(set(values)) == 1 else values
