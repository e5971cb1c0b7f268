"""Convergence: scikit-learn's record of a run, and its decision when to end it."""

from __future__ import annotations

from typing import Any

import numpy as np

from backprop_xp.training.callbacks import Callback, Run

# Below this, an adaptive learning rate is not divided any more.
_SMALLEST_RATE = 1e-6


class Convergence(Callback):
    """After every epoch: loss_curve_, verbose output, learning rate, and whether to stop.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
    rows : int
        Of the training data.
    validation : tuple, optional
        X, y and weights that `early_stopping` scores.
    constant : float
        What the reported loss has beyond J: a term that no weight changes.
    """

    def __init__(
        self, estimator: Any, rows: int, validation: tuple[Any, ...] | None, constant: float
    ) -> None:
        self._estimator, self._rows = estimator, rows
        self._validation, self._constant = validation, constant

    def on_train_begin(self, run: Run) -> None:
        run.state.learning_rate = self._estimator._optimizer.learning_rate

    def on_epoch_end(self, run: Run) -> None:
        estimator, loss = self._estimator, run.history.loss[-1] + self._constant
        estimator.n_iter_, estimator.loss_ = run.epoch, loss
        estimator.t_ += self._rows
        estimator.loss_curve_.append(loss)
        estimator._refresh()  # callbacks may look at coefs_
        if estimator.verbose:
            print(f"Iteration {run.epoch}, loss = {loss:.8f}")
        if self._validation:
            self._look_at_score(run, *self._validation)
        else:
            self._look_at_loss(loss)
        if estimator.solver == "sgd" and estimator.learning_rate == "invscaling":
            rate = estimator.learning_rate_init / (estimator.t_ + 1) ** estimator.power_t
            self._set_rate(run, rate)
        if estimator._no_improvement_count > estimator.n_iter_no_change:
            self._end_or_slow_down(run)

    def diverged(self, run: Run) -> None:
        """Note an epoch that has left the finite numbers."""
        self._estimator.n_iter_, self._estimator.loss_ = run.epoch, np.nan
        self._estimator.loss_curve_.append(np.nan)
        self._estimator.validation_scores_.append(np.nan)

    def _look_at_loss(self, loss: float) -> None:
        estimator, compared = self._estimator, self._compared(loss)
        worse = compared > estimator._best_compared - estimator.tol
        estimator._no_improvement_count = estimator._no_improvement_count + 1 if worse else 0
        estimator._best_compared = min(estimator._best_compared, compared)
        estimator.best_loss_ = min(estimator.best_loss_, loss)

    def _compared(self, loss: float) -> float:
        """What `tol` is compared with."""
        return loss

    def _look_at_score(self, run: Run, *validation: Any) -> None:
        estimator = self._estimator
        score = estimator._score(*validation)  # it can be NaN
        estimator.validation_scores_.append(score)
        if estimator.verbose:
            print(f"Validation score: {score:f}")
        worse = score < estimator.best_validation_score_ + estimator.tol
        estimator._no_improvement_count = estimator._no_improvement_count + 1 if worse else 0
        if score > estimator.best_validation_score_:
            estimator.best_validation_score_ = score
            estimator._best_theta = run.net.backend.xp.asarray(run.net.theta, copy=True)

    def _end_or_slow_down(self, run: Run) -> None:
        estimator = self._estimator
        what = "Validation score" if self._validation else "Training loss"
        message = (
            f"{what} did not improve more than tol={estimator.tol:f} for "
            f"{estimator.n_iter_no_change:.0f} consecutive epochs."
        )
        if estimator.solver != "sgd" or estimator.learning_rate != "adaptive":
            run.stop(f"{message} Stopping.")
        elif run.state.learning_rate <= _SMALLEST_RATE:
            run.stop(f"{message} Learning rate too small. Stopping.")
        else:
            self._set_rate(run, run.state.learning_rate / 5.0)
            message += f" Setting learning rate to {run.state.learning_rate:f}"
            estimator._no_improvement_count = 0
        if estimator.verbose:
            print(run.history.stopped or message)

    def _set_rate(self, run: Run, rate: float) -> None:
        run.state.learning_rate = self._estimator._optimizer.learning_rate = rate


class AveragedOutputs(Convergence):
    """Stops where scikit-learn does, which compares the squared error averaged over outputs.

    The gradient is that of the sum over outputs, and the sum is what is reported. For the average,
    the penalty, which is whole in both, is counted apart.
    """

    def on_epoch_begin(self, run: Run) -> None:
        self._penalties: list[float] = []

    def on_batch_begin(self, run: Run) -> None:
        self._penalties.append(0.5 * self._estimator.alpha * sum_of_squares(run.net))

    def _compared(self, loss: float) -> float:
        # Of a batch the penalty is divided by its rows, and an epoch weighs batches by their rows.
        penalty = sum(self._penalties) / self._rows
        return average_over_outputs(loss, penalty, self._estimator.n_outputs_)


def sum_of_squares(net: Any) -> float:
    """Σ W² over all layers."""
    xp = net.backend.xp
    return sum([float(xp.sum(W * W)) for W in net.W])


def average_over_outputs(loss: float, penalty: float, outputs: int) -> float:
    """The loss with its mean over the outputs in place of their sum."""
    return (loss - penalty) / outputs + penalty


def poisson_constant(y: np.ndarray, weights: np.ndarray | None) -> float:
    """The mean of y log y − y: with it, J becomes half the Poisson deviance."""
    from scipy.special import xlogy

    return float(np.average(xlogy(y, y) - y, weights=weights, axis=0).sum())
