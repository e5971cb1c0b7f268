"""A search over settings with cross-validation on the breast cancer data, by each contender."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

import backprop_xp as bp

RATES, PENALTIES = (1e-3, 3e-3, 1e-2, 3e-2), (1e-4, 1e-3, 1e-2)
FOLDS, EPOCHS, BATCH, HIDDEN = 5, 50, 32, 16

Scores = dict[tuple[float, float], float]
"""Mean accuracy over the folds, by learning rate and l2."""


def data() -> tuple[np.ndarray, np.ndarray]:
    """Return the standardized features in float32, and the classes."""
    found = bp.datasets.breast_cancer()
    X = (found.X - found.X.mean(axis=0)) / found.X.std(axis=0)
    return X.astype(np.float32), found.Y.astype(int).ravel()


def ours(epochs: int) -> Scores:
    """All folds and settings as one population."""
    X, Y = data()
    table = bp.search(
        [X.shape[1], HIDDEN, 1],
        X,
        Y,
        learning_rate=RATES,
        l2=PENALTIES,
        folds=FOLDS,
        epochs=epochs,
        batch_size=BATCH,
        backend="numpy",
        progress=False,
    )
    return {(row["learning_rate"], row["l2"]): row["accuracy"] for row in table.rows}


def one_by_one(epochs: int) -> Scores:
    """A `fit` for every fold and setting, on the folds of scikit-learn."""
    from sklearn.model_selection import StratifiedKFold

    X, Y = data()
    splits = list(StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(X, Y))
    scores: Scores = {}
    for rate, l2 in product(RATES, PENALTIES):
        right = []
        for rows, held in splits:
            net = bp.Network([X.shape[1], HIDDEN, 1], l2=l2, backend="numpy")
            options: dict[str, Any] = {"epochs": epochs, "batch_size": BATCH, "progress": False}
            bp.fit(net, X[rows], Y[rows], optimizer=bp.Adam(rate), **options)
            right.append(float(np.mean((net.predict(X[held])[:, 0] > 0.5) == Y[held])))
        scores[rate, l2] = float(np.mean(right))
    return scores


def scikit_learn(epochs: int) -> Scores:
    """GridSearchCV on two processes; its alpha is divided by the rows of a batch, our l2 is not."""
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.neural_network import MLPClassifier

    X, Y = data()
    model = MLPClassifier(
        (HIDDEN,),
        activation="tanh",
        batch_size=BATCH,
        max_iter=epochs,
        tol=0.0,
        n_iter_no_change=epochs + 1,
        random_state=0,
    )
    grid = {"learning_rate_init": list(RATES), "alpha": [BATCH * l2 for l2 in PENALTIES]}
    splitter = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    found = GridSearchCV(model, grid, cv=splitter, n_jobs=2, refit=False).fit(X, Y).cv_results_
    pairs = zip(found["params"], found["mean_test_score"], strict=True)
    return {(p["learning_rate_init"], p["alpha"] / BATCH): float(score) for p, score in pairs}


CONTENDERS: dict[str, Callable[[int], Scores]] = {
    "backprop_xp": ours,
    "backprop_xp, one by one": one_by_one,
    "GridSearchCV(n_jobs=2)": scikit_learn,
}


def measure(name: str, quick: bool) -> dict[str, Any]:
    """Return the seconds of a search after one that warms up, and its scores."""
    epochs, seconds, scores = 2 if quick else EPOCHS, 0.0, {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that max_iter was reached, which is meant
        for _ in range(2):
            start = time.perf_counter()
            scores = CONTENDERS[name](epochs)
            seconds = time.perf_counter() - start
    found = list(scores.values())
    return {"seconds": seconds, "best": max(found), "mean": float(np.mean(found)), "n": len(found)}
