"""Conversion: to and from `Network`, and from fitted models of scikit-learn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import numpy as np
from sklearn.utils import check_random_state

from backprop_xp.backends import get_backend
from backprop_xp.errors import ConfigurationError, shown
from backprop_xp.estimators.solvers import Solver, optimizer_for
from backprop_xp.maths.activations import ACTIVATIONS
from backprop_xp.maths.architecture import Architecture
from backprop_xp.maths.model import restore
from backprop_xp.maths.network import Network
from backprop_xp.maths.overriding import overridden

_LOSSES = {"binary_cross_entropy": "log_loss", "cross_entropy": "log_loss"}
_THEIR_OUTPUTS = {"identity": "identity", "sigmoid": "logistic", "softmax": "softmax", "exp": "exp"}
# What a fitted model of theirs keeps for itself, and what is made anew from it.
_LEFT_OUT = {"coefs_", "intercepts_", "_optimizer", "_best_coefs", "_best_intercepts"}


class Conversion:
    """The conversions of both estimators."""

    def to_network(self) -> Network:
        """Return a `Network` with a copy of the weights.

        It has no penalty: `alpha` is shared by the rows of a batch, which `Network(l2=)` is not.

        Returns
        -------
        Network
            Its outputs are the probabilities, or the numbers, that this estimator predicts.
        """
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        net = self._network(None)  # type: ignore[attr-defined]
        theta = net.backend.to_numpy(net.theta).copy()
        copy: Network = restore(Network, net.backend, replace(net.architecture, l2=0.0), theta)
        return copy

    @classmethod
    def from_network(cls, net: Network, classes: Any = None, **parameters: Any) -> Self:
        """Return an estimator that predicts as `net` does, with a copy of its weights.

        Parameters
        ----------
        net : Network
        classes : array_like, optional
            The labels of a classifier in the order of its outputs; by default 0, 1, …
        **parameters
            As for the constructor, but for what the network says itself.

        Raises
        ------
        ConfigurationError
            The estimator has no such output activation or loss, or the network is of a class of
            your own with another `forward`, `cost` or `backward`, which an estimator has not.
        """
        if own := overridden(net, "forward", "propagate", "cost", "backward"):
            raise ConfigurationError(
                f"{cls.__name__} trains and predicts as Network does, but {type(net).__name__} "
                f"has another {' and '.join(own)}: use backprop_xp.fit"
            )
        estimator = cls(**{**_described(net), **parameters})
        estimator._take_classes(net, classes)  # type: ignore[attr-defined]
        sizes = list(net.sizes)
        described: Any = estimator
        described.n_features_in_, described.n_outputs_ = sizes[0], sizes[-1]
        described._random_state = check_random_state(described.random_state)
        if _THEIR_OUTPUTS.get(net.output.name) != described._output():
            raise ConfigurationError(
                f"{cls.__name__} has no {net.output.name} output with {sizes[-1]} outputs and "
                f"the loss {net.loss.name}"
            )
        theta = net.backend.to_numpy(net.theta).copy()
        stays = described.backend is None or get_backend(described.backend) is net.backend
        described._initialize(sizes, net.theta if stays else theta)
        described._net.theta = described._net.backend.asarray(theta)
        described._refresh()
        described._best_theta = described._net.backend.asarray(theta)
        return estimator

    @classmethod
    def from_sklearn(cls, model: Any) -> Self:
        """Return an estimator that goes on where a fitted model of scikit-learn is.

        Parameters
        ----------
        model : sklearn.neural_network.MLPClassifier or MLPRegressor

        Raises
        ------
        ConfigurationError
            The model is none of these, or is not fitted.
        """
        if cls.__name__ not in {base.__name__ for base in type(model).__mro__}:
            raise ConfigurationError(f"{shown(model)} is no {cls.__name__} of scikit-learn")
        if not hasattr(model, "coefs_"):
            raise ConfigurationError(f"{shown(model)} is not fitted")
        estimator: Any = cls(**model.get_params(deep=False))
        parameters = estimator.get_params(deep=False)
        for name, value in vars(model).items():
            if name not in parameters and name not in _LEFT_OUT:
                setattr(estimator, name, list(value) if isinstance(value, list) else value)
        estimator.coefs_ = [coef.copy() for coef in model.coefs_]
        estimator.intercepts_ = [intercept.copy() for intercept in model.intercepts_]
        estimator._best_theta = _flat(model._best_coefs, model._best_intercepts)
        estimator._best_compared = estimator.__dict__.get("best_loss_")
        estimator.validation_loss_curve_ = []
        if hasattr(model, "_optimizer"):
            estimator._optimizer = _solver(estimator, model._optimizer)
        return estimator  # type: ignore[no-any-return]


def _described(net: Network) -> dict[str, Any]:
    """The parameters that a network answers."""
    described: Architecture = net.architecture
    names = [g.name if ACTIVATIONS.get(g.name) is g else g for g in net.hidden]
    parameters: dict[str, Any] = {
        "hidden_layer_sizes": net.sizes[1:-1],
        "activation": names[0] if len(set(names)) == 1 else names or "relu",
        "loss": _LOSSES.get(net.loss.name, net.loss.name),
        "dropout": list(described.dropout) if described.dropout else 0.0,
    }
    if net.backend.name != "numpy":
        parameters["backend"] = net.backend.name
    return parameters


def _flat(coefs: list[np.ndarray], intercepts: list[np.ndarray]) -> np.ndarray:
    """θ, or a vector like it, from matrices and vectors of scikit-learn's shapes."""
    pairs = zip(coefs, intercepts, strict=True)
    return np.concatenate([part for W, b in pairs for part in (W.T.ravel(), b)])


def _solver(estimator: Any, theirs: Any) -> Solver:
    """Let a solver of ours remember what theirs does."""
    solver = Solver(optimizer_for(estimator))
    solver.learning_rate = float(theirs.learning_rate)
    layers = len(estimator.coefs_)
    if estimator.solver == "adam":
        solver.learning_rate = float(theirs.learning_rate_init)
        moments = [_flat(m[:layers], m[layers:]) for m in (theirs.ms, theirs.vs)]
        solver.remember(theirs.t, moments)
    elif estimator.momentum > 0:
        velocities = theirs.velocities
        solver.remember(0, [_flat(velocities[:layers], velocities[layers:])])
    return solver
