"""lbfgs: SciPy's L-BFGS-B over θ, with J and its gradient from the core."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.optimize
from sklearn.base import is_classifier

from backprop_xp.estimators.convergence import (
    average_over_outputs,
    poisson_constant,
    sum_of_squares,
)
from backprop_xp.estimators.sklearn_private import additional_lbfgs_options, check_optimize_result
from backprop_xp.estimators.stochastic import (
    Data,
    NotFiniteError,
    as_rows,
    as_targets,
)
from backprop_xp.maths.network import Network


class Objective:
    """J and its gradient as functions of θ on the host, in double precision.

    Attributes
    ----------
    loss : float
        What is reported of the last θ: the loss that the gradient belongs to.
    """

    def __init__(self, estimator: Any, net: Network, data: Data) -> None:
        # L-BFGS compares losses that differ by little: float32 would end its line searches early.
        xp = net.backend.xp
        self.net = net = net.with_theta(xp.astype(net.theta, xp.float64, copy=True))
        rows = as_rows(net, data.X)
        self._X, self._Y = rows.part(0, rows.rows), as_targets(net, data.y)
        self._weights = net.as_weights(data.weights, data.rows, move=True)
        self._trace = net.trace(self._X.shape[-2], in_place=True, penalty_per_row=True)
        self._trace.read(self._X)
        self._grads = net.gradient()
        regression = not is_classifier(estimator)
        poisson = regression and net.loss.name == "poisson"
        self._constant = poisson_constant(data.y, data.weights) if poisson else 0.0
        self._averaged = regression and estimator.loss == "squared_error" and net.sizes[-1] > 1
        total = data.rows if data.weights is None else float(np.sum(data.weights))
        self._penalty = 0.5 * estimator.alpha / total

    def __call__(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return what SciPy minimizes, and its gradient."""
        net, trace = self.net, self._trace
        net.theta = net.backend.asarray(theta)
        trace.weigh(self._weights)
        net.propagate(trace)
        self.loss = float(net.mean_loss(trace, self._Y)[0, 0]) + self._constant
        net.backpropagate(trace, self._Y, self._grads)
        gradient = net.backend.to_numpy(self._grads.theta).copy()
        if not self._averaged:
            return self.loss, gradient
        # As scikit-learn does, so that the same θ is found.
        penalty = self._penalty * sum_of_squares(net)
        return average_over_outputs(self.loss, penalty, net.sizes[-1]), gradient


def fit_lbfgs(estimator: Any, net: Network, data: Data) -> None:
    """Minimize J over all rows at once, and set n_iter_ and loss_."""
    objective = Objective(estimator, net, data)
    with np.errstate(over="ignore", invalid="ignore"):
        result = scipy.optimize.minimize(
            objective,
            net.backend.to_numpy(net.theta).astype(np.float64),
            method="L-BFGS-B",
            jac=True,
            options={
                "maxfun": estimator.max_fun,
                "maxiter": estimator.max_iter,
                "gtol": estimator.tol,
                **additional_lbfgs_options("iprint", 1 if estimator.verbose else -1),
            },
        )
    estimator.n_iter_ = check_optimize_result("lbfgs", result, estimator.max_iter)
    if not np.isfinite(result.x).all():
        raise NotFiniteError
    objective(result.x)
    estimator.loss_ = objective.loss
    net.theta = net.backend.asarray(result.x)
