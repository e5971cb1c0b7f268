"""cross_validate: how well a network does on rows that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backprop_xp.maths.optimizer import Optimizer
from backprop_xp.model_selection.fold_training import FoldTraining, Setting
from backprop_xp.model_selection.score_table import ScoreTable
from backprop_xp.training.schedules import Schedule


def cross_validate(
    sizes: Sequence[int],
    X: Any,
    Y: Any,
    *,
    folds: int = 5,
    members: int = 1,
    learning_rate: float | None = None,
    l2: float = 0.0,
    l1: float = 0.0,
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
    """Train a network on all rows but those of one fold, for each fold in turn, in one pass.

    Every network becomes what `fit(Network(sizes, seed=s, …), X[rows], Y[rows], seed=s)` makes of
    it, up to the rounding. Where that would leave one row alone in a last batch, since folds differ
    by a row, the batch before takes it.

    Parameters
    ----------
    sizes : sequence of int
        As for `Network`.
    X, Y : array_like
        As for `fit`.
    folds : int
        In so many parts the rows are dealt out, at random and by classes if there are any; each is
        held out once.
    members : int
        So many networks with different seeds are trained on each fold.
    hidden, output, loss, dropout, initializer, dtype, backend
        As for `Network`.
    epochs, batch_size, schedule, sample_weight, clip_norm, progress
        As for `fit`.
    optimizer : Optimizer, optional
        By default Adam(1e-3).
    seed : int
        Deals out the rows. Member k has the seed `seed` + k, for its weights and its shuffles.
    learning_rate, l2, l1 : float
        The first is by default that of the optimizer.

    Returns
    -------
    ScoreTable
        A row per fold and member: the score ("accuracy" or "r2") and the loss, without penalties,
        on the rows that were held out; NaN where training diverged.

    Raises
    ------
    ShapeError, DataError, BackendError, ConfigurationError
        Before anything was trained.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> data = bp.datasets.breast_cancer()
    >>> X = (data.X - data.X.mean(axis=0)) / data.X.std(axis=0)
    >>> table = bp.cross_validate([30, 8, 1], X, data.Y, members=2, optimizer=bp.Adam(1e-2))
    >>> len(table), min(table.columns["accuracy"]) > 0.9
    (10, True)
    """
    training = FoldTraining.of(locals())  # every argument, by its name
    found = training.run(sizes, X, Y, [Setting(learning_rate, l2, l1)])
    pairs = [(fold, member) for fold in range(folds) for member in range(members)]
    columns = {
        "fold": [fold for fold, _ in pairs],
        "seed": [seed + member for _, member in pairs],
        "rows": [found.rows[fold] for fold, _ in pairs],
        "loss": found.loss.ravel().tolist(),
        "validation_loss": found.validation_loss.ravel().tolist(),
        found.metric: found.score.ravel().tolist(),
    }
    summary = (
        f"{found.metric} {found.score.mean():.4f} ± {found.score.std():.4f} over {folds} folds "
        f"and {members} {'members' if members > 1 else 'member'}"
    )
    return ScoreTable(columns, found.metric, summary)
