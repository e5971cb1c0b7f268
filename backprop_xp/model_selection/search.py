"""search: which learning rate, l2 and l1 do best in cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from backprop_xp.errors import ConfigurationError, shown
from backprop_xp.maths.members import is_one_each, one_each
from backprop_xp.maths.optimizer import Optimizer
from backprop_xp.model_selection.fold_training import FoldScores, FoldTraining, Setting
from backprop_xp.model_selection.score_table import ScoreTable
from backprop_xp.training.schedules import Schedule
from backprop_xp.wording import plural


def search(
    sizes: Sequence[int],
    X: Any,
    Y: Any,
    *,
    learning_rate: float | Sequence[float] | None = None,
    l2: float | Sequence[float] = 0.0,
    l1: float | Sequence[float] = 0.0,
    folds: int = 5,
    members: int = 1,
    hidden: Any = "tanh",
    output: Any = "sigmoid",
    loss: str | None = None,
    dropout: float | Sequence[float] = 0.0,
    initializer: str | None = None,
    dtype: Any = "float32",
    backend: Any = None,
    epochs: int = 20,
    batch_size: int | None = 32,
    optimizer: Optimizer | None = None,
    schedule: Schedule | None = None,
    sample_weight: Any = None,
    clip_norm: float | None = None,
    progress: bool | None = None,
    seed: int = 0,
) -> ScoreTable:
    """Cross-validate every combination of learning rates and penalties, all in one pass.

    All folds × settings × members are one population: see `cross_validate` for what each of them
    learns. Networks of other sizes are another population: search once for each.

    Parameters
    ----------
    sizes : sequence of int
        As for `Network`.
    X, Y : array_like
        As for `fit`.
    learning_rate, l2, l1 : float or sequence of float
        What to try. By default the optimizer's learning rate and no penalty.
    folds : int
        In so many parts the rows are dealt out, at random and by classes if there are any; each is
        held out once.
    members : int
        So many networks with different seeds are trained on each fold and setting.
    hidden, output, loss, dropout, initializer, dtype, backend
        As for `Network`.
    epochs, batch_size, schedule, sample_weight, clip_norm, progress
        As for `fit`.
    optimizer : Optimizer, optional
        By default Adam(1e-3).
    seed : int
        Deals out the rows. Member k has the seed `seed` + k, for its weights and its shuffles.

    Returns
    -------
    ScoreTable
        A row per setting, the best first: its rank, the mean score ("accuracy" or "r2") over folds
        and members, the score's standard deviation, and the mean loss, without penalties, on the
        rows that were held out. Where a member has diverged, its setting has the score NaN.

    Raises
    ------
    ShapeError, DataError, BackendError, ConfigurationError
        Before anything was trained.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> data = bp.datasets.breast_cancer()
    >>> X = (data.X - data.X.mean(axis=0)) / data.X.std(axis=0)
    >>> table = bp.search([30, 8, 1], X, data.Y, learning_rate=[1e-4, 1e-2], l2=[0.0, 1e-2])
    >>> len(table), table.best["learning_rate"]
    (4, 0.01)
    """
    training = FoldTraining.of(locals())  # every argument, by its name
    rates = [None] if learning_rate is None else _values("learning_rate", learning_rate)
    grid = product(rates, _values("l2", l2), _values("l1", l1))
    settings = [Setting(*options) for options in grid]
    found = training.run(sizes, X, Y, settings)
    networks = len(settings) * folds * members
    summary = (
        f"{plural(networks, 'network')} in one pass: {plural(len(settings), 'setting')}, "
        f"{folds} folds"
    )
    if members > 1:
        summary += f", {plural(members, 'member')}"
    return ScoreTable(_columns(settings, found), found.metric, summary)


def _values(name: str, given: Any) -> tuple[Any, ...]:
    if isinstance(given, str | bool):
        raise ConfigurationError(f"{name}={shown(given)}: expected a number or a list of numbers")
    return one_each(name, given) if is_one_each(given) else (given,)


def _columns(settings: list[Setting], found: FoldScores) -> dict[str, list[Any]]:
    """The table, the best setting first, with the options that differ."""
    score = found.score.mean(axis=(0, 2))
    order = np.argsort(np.where(np.isnan(score), np.inf, -score), kind="stable")
    best_first = [settings[i] for i in order]
    options = {
        name: [getattr(setting, name) for setting in best_first]
        for name in ("learning_rate", "l2", "l1")
    }
    return {
        "rank": list(range(1, len(settings) + 1)),
        **{name: values for name, values in options.items() if len(set(values)) > 1},
        found.metric: score[order].tolist(),
        "std": found.score.std(axis=(0, 2))[order].tolist(),
        "validation_loss": found.validation_loss.mean(axis=(0, 2))[order].tolist(),
    }
