"""sgd and adam: one call of the core's training run."""

from __future__ import annotations

import inspect
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from backprop_xp.backends.base import Array
from backprop_xp.backends.host_data import is_sparse
from backprop_xp.data.rows import DeviceRows, HostRows, Rows
from backprop_xp.errors import ConfigurationError, DivergenceError
from backprop_xp.estimators.convergence import AveragedOutputs, Convergence, poisson_constant
from backprop_xp.estimators.device import take
from backprop_xp.estimators.initial import ShuffledBatches
from backprop_xp.estimators.solvers import Solver, optimizer_for
from backprop_xp.maths.network import Network
from backprop_xp.sources.host_tables import SparseTable
from backprop_xp.training.early_stopping import EarlyStopping
from backprop_xp.training.evaluation import Evaluation
from backprop_xp.training.job import Job
from backprop_xp.training.options import checked_callbacks
from backprop_xp.training.run import RunPlan
from backprop_xp.training.set_up import set_up_run

# Whose lines no warning names.
_INSIDE = ("backprop_xp", "sklearn")


class NotFiniteError(DivergenceError, ValueError):
    """The weights left the finite numbers, which scikit-learn reports as a ValueError."""

    def __init__(self, problem: DivergenceError | None = None) -> None:
        message = (
            "Solver produced non-finite parameter weights. The input data may contain large "
            "values and need to be preprocessed."
        )
        if problem is None:
            super().__init__(message)
        else:
            where = problem.epoch, problem.batch, problem.layer, problem.history
            super().__init__(f"{message} In detail: {problem}", *where)


@dataclass
class Data:
    """Checked data: X as it came, y (m, n_L) on the host, weights (m,) or None."""

    X: Any
    y: Any
    weights: Any = None

    @property
    def rows(self) -> int:
        return int(self.X.shape[0])

    def subset(self, rows: np.ndarray) -> Data:
        """Only the rows of these numbers."""
        weights = None if self.weights is None else self.weights[rows]
        return Data(take(self.X, rows), self.y[rows], weights)


def as_rows(net: Network, X: Any) -> Rows:
    """Return X for `Batches`; a sparse matrix becomes dense batch by batch."""
    if is_sparse(X):
        return HostRows(SparseTable(X), net.sizes[0], lambda host: net.as_inputs(host, move=True))
    return DeviceRows(net.backend, net.as_inputs(compact(X), move=True))


def compact(X: Any) -> Any:
    """Bring rows that do not lie in one piece together, once instead of in every batch."""
    return np.ascontiguousarray(X) if isinstance(X, np.ndarray) else X


def as_targets(net: Network, y: Any) -> Array:
    """Return y (m, n_L) as the network takes it."""
    return net.backend.asarray(y, net.dtype)


def fit_stochastic(
    estimator: Any, net: Network, data: Data, incremental: bool, held_out: Data | None
) -> None:
    """Train for max_iter epochs at most or, if incremental, for one.

    `held_out` are validation data of the user's; `early_stopping` scores them, or a part of the
    training data.
    """
    if estimator.early_stopping and incremental:
        raise ValueError("partial_fit does not support early_stopping=True")
    if estimator.early_stopping and held_out is None:
        data, held_out = _split(estimator, data)
    size = _batch_size(estimator, data.rows)
    if not _goes_on(estimator, incremental):
        # A pattern of dropout is drawn only if there is dropout, as theirs have none.
        seed = estimator._random_state.randint(2**31 - 1) if net.architecture.dropout else 0
        estimator._optimizer = Solver(optimizer_for(estimator), int(seed))
    own = checked_callbacks(estimator.callbacks, estimator.progress)
    if incremental and any(isinstance(callback, EarlyStopping) for callback in own):
        raise ConfigurationError(
            "EarlyStopping compares epochs, but every call of partial_fit trains one: use fit"
        )
    convergence = _convergence(estimator, net, data, held_out)
    tables = as_rows(net, data.X), DeviceRows(net.backend, as_targets(net, data.y))
    batches = ShuffledBatches(
        net.backend,
        *tables,
        size,
        estimator._random_state,
        None if data.weights is None else net.backend.asarray(data.weights[:, None]),
        shuffle=estimator.shuffle,
    )
    run = set_up_run(
        RunPlan(
            job=Job(),
            net=net,
            optimizer=estimator._optimizer.optimizer,
            step=estimator._optimizer.step(net),
            batches=batches,
            epochs=1 if incremental else estimator.max_iter,
            evaluation=None if held_out is None else _evaluation(net, held_out),
            callbacks=[convergence, *own],
            loss_by_rows=True,
        )
    )
    estimator.n_iter_ = 0
    try:
        run.train()
    except DivergenceError as problem:
        if not estimator.early_stopping:
            raise NotFiniteError(problem) from None
        convergence.diverged(run)
        _warn(f"{problem} The weights are those of the best validation score.")
    except KeyboardInterrupt:
        run.stop("interrupted")
    finally:
        if estimator.early_stopping:
            net.theta = net.backend.asarray(estimator._best_theta, net.dtype)
        estimator._record(run.history)
    run.conclude()
    if run.history.stopped == "interrupted":
        _warn("Training interrupted by user.", UserWarning)
    elif len(run.history.loss) == run.epochs and not (run.history.stopped or incremental):
        _warn(
            f"Stochastic Optimizer: Maximum iterations ({estimator.max_iter}) reached and the "
            "optimization hasn't converged yet."
        )


def _warn(message: str, category: type[Warning] = ConvergenceWarning) -> None:
    """Warn at the user's line that called: the first outside of this package and scikit-learn."""
    frame, level = inspect.currentframe(), 1
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _INSIDE:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _goes_on(estimator: Any, incremental: bool) -> bool:
    """Whether the optimizer keeps what it remembers of the calls before."""
    kept = incremental or (estimator.warm_start and estimator.keep_optimizer)
    return kept and hasattr(estimator, "_optimizer")


def _batch_size(estimator: Any, rows: int) -> int:
    if estimator.batch_size == "auto":
        return min(200, rows)
    if estimator.batch_size > rows:
        _warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
            UserWarning,
        )
    return int(min(estimator.batch_size, rows))


def _split(estimator: Any, data: Data) -> tuple[Data, Data]:
    """Hold rows out as scikit-learn does: by classes, but for multilabel targets."""
    by_class = is_classifier(estimator) and estimator.n_outputs_ == 1
    kept, chosen = train_test_split(
        np.arange(data.rows),
        random_state=estimator._random_state,
        test_size=estimator.validation_fraction,
        stratify=data.y if by_class else None,
    )
    if len(chosen) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your "
            "dataset."
        )
    return data.subset(kept), data.subset(chosen)


def _evaluation(net: Network, held_out: Data) -> Evaluation:
    return Evaluation(
        as_rows(net, held_out.X), DeviceRows(net.backend, as_targets(net, held_out.y))
    )


def _convergence(estimator: Any, net: Network, data: Data, held_out: Data | None) -> Convergence:
    scored = None
    if estimator.early_stopping and held_out is not None:
        scored = compact(held_out.X), estimator._labels(held_out.y), held_out.weights
    constant = 0.0
    if net.loss.name == "poisson" and not is_classifier(estimator):
        constant = poisson_constant(data.y, data.weights)
    averaged = estimator.loss == "squared_error" and net.sizes[-1] > 1 and scored is None
    kind = AveragedOutputs if averaged and not is_classifier(estimator) else Convergence
    return kind(estimator, data.rows, scored, constant)
