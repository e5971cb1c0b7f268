"""Linear models, trained to their least cost: ridge and logistic regression.

Both are scikit-learn's with their default penalty. Importing that takes longer than to train here,
and SciPy's minimizer alone half as long.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from backprop_xp.maths.network import Network

# From θ to J and its gradient.
Cost: TypeAlias = Callable[[np.ndarray], tuple[float, np.ndarray]]

# Of L-BFGS: steps at most, the largest slope at the end, and the steps that are remembered.
_STEPS, _SLOPE, _MEMORY = 300, 1e-4, 10


def ridge(X: np.ndarray, Y: np.ndarray, tested: np.ndarray) -> np.ndarray:
    """Minimize Σ (y − w·x − b)² + ‖w‖², and answer for other rows.

    Parameters
    ----------
    X : numpy.ndarray, shape (m, features)
    Y : numpy.ndarray, shape (m,)
    tested : numpy.ndarray, shape (rows, features)

    Returns
    -------
    numpy.ndarray of float64, shape (rows,)

    Examples
    --------
    >>> ridge(np.array([[0.0], [2.0]]), np.array([0.0, 3.0]), np.array([[1.0], [4.0]])).tolist()
    [1.5, 4.5]
    """
    means, mean = X.mean(axis=0, dtype=np.float64), Y.mean(dtype=np.float64)
    A, y = X - means, Y - mean
    if len(A) < A.shape[1]:  # the smaller of two systems with the same solution
        w = A.T @ np.linalg.solve(A @ A.T + np.eye(len(A)), y)
    else:
        w = np.linalg.solve(A.T @ A + np.eye(A.shape[1]), A.T @ y)
    return np.asarray((tested - means) @ w + mean)


def logistic(
    X: np.ndarray, labels: np.ndarray, tested: np.ndarray, balanced: bool = False
) -> np.ndarray:
    """Minimize Σ −log p(label) + ‖W‖²/2, and answer for other rows.

    Parameters
    ----------
    X : numpy.ndarray, shape (m, features)
    labels : numpy.ndarray of int, shape (m,)
        0 … classes − 1, two classes at least, each of which some row has.
    tested : numpy.ndarray, shape (rows, features)
    balanced : bool
        Let every class weigh the same.

    Returns
    -------
    numpy.ndarray of float64, shape (rows, classes)
        Probabilities.

    Examples
    --------
    >>> answers = logistic(np.array([[-1.0], [1.0]]), np.array([0, 1]), np.array([[0.0], [9.0]]))
    >>> answers.round(2).tolist()
    [[0.5, 0.5], [0.0, 1.0]]
    """
    counts = np.bincount(labels)
    binary = len(counts) == 2
    net = Network(
        [X.shape[1], 1 if binary else len(counts)],
        output="sigmoid" if binary else "softmax",
        l2=1.0 / len(X),  # J is a mean, and the penalty is one of a sum
        dtype="float64",
        backend="numpy",
    )
    X, weights = X.astype(np.float64), (1.0 / counts)[labels] if balanced else None

    def cost(theta: np.ndarray) -> tuple[float, np.ndarray]:
        net.theta = theta
        trace = net.forward(X)
        J = float(net.cost(trace, labels, weights))
        return J, np.array(net.backward(trace, labels, weights).theta)

    net.theta = minimum(cost, np.zeros(net.theta.shape))
    A: Any = net.predict(tested.astype(np.float64))
    return np.hstack([1.0 - A, A]) if binary else np.asarray(A)


def minimum(cost: Cost, theta: np.ndarray) -> np.ndarray:
    """Return θ where a convex cost is least, by L-BFGS (Nocedal and Wright, algorithm 7.5).

    Examples
    --------
    >>> minimum(lambda x: (float((x - 3.0) @ (x - 3.0)), 2.0 * (x - 3.0)), np.zeros(2)).tolist()
    [3.0, 3.0]
    """
    J, gradient = cost(theta)
    steps: deque[tuple[np.ndarray, np.ndarray]] = deque(maxlen=_MEMORY)
    for _ in range(_STEPS):
        if np.abs(gradient).max() <= _SLOPE:
            break
        direction = -_times_inverse_hessian(steps, gradient)
        slope, rate = gradient @ direction, 1.0
        while True:
            step = rate * direction
            reached, there = cost(theta + step)
            if reached <= J + 1e-4 * rate * slope:
                break
            rate /= 2.0
            if rate < 1e-9:  # no less can be told from rounding
                return theta
        change = there - gradient
        if step @ change > 0.0:
            steps.append((step, change))
        theta, J, gradient = theta + step, reached, there
    return theta


def _times_inverse_hessian(
    steps: deque[tuple[np.ndarray, np.ndarray]], gradient: np.ndarray
) -> np.ndarray:
    """The inverse Hessian, as far as the last steps tell it, times the gradient."""
    if not steps:
        return gradient / max(1.0, float(np.abs(gradient).sum()))
    q, parts = gradient.copy(), []
    for step, change in reversed(steps):
        parts.append(step @ q / (step @ change))
        q -= parts[-1] * change
    step, change = steps[-1]
    q *= step @ change / (change @ change)
    for (step, change), part in zip(steps, reversed(parts), strict=True):
        q += step * (part - change @ q / (step @ change))
    return q
