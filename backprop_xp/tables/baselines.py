"""Baselines: what is reached without a network, to compare it with."""

from __future__ import annotations

import numpy as np

from backprop_xp.backends.host_data import host_generator
from backprop_xp.tables.linear import logistic, ridge
from backprop_xp.tables.task import Task

# More rows change a linear model little.
_ROWS = 20_000


def linear_answers(
    task: Task,
    X: np.ndarray,
    Y: np.ndarray,
    tested: np.ndarray,
    class_weight: str | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Train a logistic or ridge regression, and answer for other rows.

    Parameters
    ----------
    task : Task
    X, Y : numpy.ndarray, shape (m, features) and (m,)
        The training rows as the network sees them; of more than 20,000 a random part is used.
    tested : numpy.ndarray, shape (rows, features)
    class_weight : str, optional
        As for the network.
    seed : int
        Draws the part.

    Returns
    -------
    numpy.ndarray
        Probabilities (rows, classes), or for a regression values (rows,) in the target's units.
    """
    if len(X) > _ROWS:
        some = host_generator(seed).choice(len(X), _ROWS, replace=False)
        X, Y = X[some], Y[some]
    if not task.classes:
        return ridge(X, Y, tested) * task.deviation + task.mean
    probabilities = np.zeros((len(tested), len(task.classes)))
    classes, labels = np.unique(Y, return_inverse=True)  # not all may be in a part
    probabilities[:, classes] = 1.0
    if len(classes) > 1:
        probabilities[:, classes] = logistic(X, labels, tested, class_weight is not None)
    return probabilities


def constant_answers(task: Task, actual: np.ndarray) -> np.ndarray:
    """The best answers that are the same for all rows: the classes' frequencies, or the mean.

    Parameters
    ----------
    task : Task
    actual : numpy.ndarray, shape (m,)
        Numbers of classes, or values.

    Returns
    -------
    numpy.ndarray, shape (m, classes) or (m,)
    """
    if not task.classes:
        return np.full(len(actual), actual.mean())
    frequencies = np.bincount(actual, minlength=len(task.classes)) / len(actual)
    return np.tile(frequencies, (len(actual), 1))
