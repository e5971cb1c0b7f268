"""What the constructors accept, in scikit-learn's own terms, so that its messages are the same."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

import numpy as np

from backprop_xp.estimators.sklearn_private import Interval, Options, StrOptions
from backprop_xp.maths.activations import ACTIVATIONS, SIGMOID, Activation
from backprop_xp.training.callbacks import Callback

# scikit-learn's name → ours, where they differ.
_THEIR_NAMES = {"logistic": "sigmoid"}
_NAMES = {"logistic", *ACTIVATIONS} - {"softmax"}

CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions(_NAMES), Activation, list, tuple],
    "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [
        Interval(Integral, 1, None, closed="left"),
        Options(Real, {np.inf}),
    ],
    "max_fun": [Interval(Integral, 1, None, closed="left")],
    # What scikit-learn's classes do not have.
    "backend": [str, object, None],
    "dropout": [Interval(Real, 0, 1, closed="left"), list, tuple],
    "callbacks": [list, tuple, Callback, None],
    "progress": ["boolean"],
    "keep_optimizer": ["boolean"],
}


def hidden_sizes(given: Any) -> list[int]:
    """Return the widths of the hidden layers, or raise scikit-learn's error."""
    sizes = list(given) if isinstance(given, Iterable) else [given]
    if np.any(np.array(sizes) <= 0):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    return sizes


def hidden_activations(given: Any) -> Any:
    """Return `activation` in our names: one for all hidden layers, or one for each."""
    if isinstance(given, list | tuple):
        return [hidden_activations(each) for each in given]
    return _THEIR_NAMES.get(given, given) if isinstance(given, str) else given


def is_logistic(given: Any) -> bool:
    """Whether this activation is the logistic one, whose first weights are drawn smaller."""
    return bool(given == "logistic" or given == "sigmoid" or given is SIGMOID)
