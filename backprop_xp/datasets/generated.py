"""Small problems to learn from, made by NumPy: the same seed makes the same data.

All but the curve have two features, so that a picture shows what a network makes of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backprop_xp.backends.host_data import host_generator
from backprop_xp.datasets.base import Dataset
from backprop_xp.number_checks import require_count, require_number


def moons(rows: int = 200, noise: float = 0.15, seed: Any = 0) -> Dataset:
    """Two half circles that interlock: no straight line parts them.

    Parameters
    ----------
    rows : int
        How many examples; the classes are of equal size, or differ by one.
    noise : float
        The standard deviation of what is added to every coordinate.
    seed : int or numpy.random.Generator

    Returns
    -------
    Dataset
        X is (rows, 2), in random order; Y is 0 for the upper moon, 1 for the lower.

    Raises
    ------
    ConfigurationError
        An option makes no sense.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> data = bp.datasets.moons(100, noise=0.1, seed=1)
    >>> data.X.shape, data.Y.sum()
    ((100, 2), np.int64(50))
    """
    rng = _checked(rows, noise, seed)
    Y = _labels(rng, rows, 2)
    angle = rng.uniform(0.0, np.pi, rows)
    upper = _directions(angle)
    X = np.where(Y[:, None] == 0, upper, np.array([1.0, 0.5]) - upper)
    return _plane("Moons", X, Y, noise, rng, ("upper", "lower"))


def circles(rows: int = 200, noise: float = 0.1, seed: Any = 0) -> Dataset:
    """A ring around a smaller one: the distance from the origin decides, neither feature does.

    Parameters
    ----------
    rows, noise, seed
        As for `moons`.

    Returns
    -------
    Dataset
        X is (rows, 2); Y is 0 for the outer circle of radius 1, 1 for the inner one of radius 0.5.

    Raises
    ------
    ConfigurationError
        An option makes no sense.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> data = bp.datasets.circles(noise=0.0)
    >>> sorted(set((data.X**2).sum(axis=1).round(6).tolist()))
    [0.25, 1.0]
    """
    rng = _checked(rows, noise, seed)
    Y = _labels(rng, rows, 2)
    angle = rng.uniform(0.0, 2.0 * np.pi, rows)
    radius = np.where(Y == 0, 1.0, 0.5)
    X = radius[:, None] * _directions(angle)
    return _plane("Circles", X, Y, noise, rng, ("outer", "inner"))


def spirals(
    rows: int = 300, noise: float = 0.05, seed: Any = 0, *, classes: int = 2, turns: float = 1.25
) -> Dataset:
    """Arms that wind around each other: hard for a small network.

    Parameters
    ----------
    rows, noise, seed
        As for `moons`.
    classes : int
        How many arms.
    turns : float
        How often an arm winds around the origin; more are harder.

    Returns
    -------
    Dataset
        X is (rows, 2), within a radius of 1 but for the noise; Y is the number of the arm.

    Raises
    ------
    ConfigurationError
        An option makes no sense.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> data = bp.datasets.spirals(300, classes=3)
    >>> data.X.shape, data.class_names
    ((300, 2), ('arm 0', 'arm 1', 'arm 2'))
    """
    rng = _checked(rows, noise, seed)
    require_count("classes", classes)
    require_number("turns", turns, "a finite number ≥ 0")
    Y = _labels(rng, rows, classes)
    radius = np.sqrt(rng.uniform(0.01, 1.0, rows))
    angle = 2.0 * np.pi * (turns * radius + Y / classes)
    X = radius[:, None] * _directions(angle)
    return _plane("Spirals", X, Y, noise, rng, tuple(f"arm {k}" for k in range(classes)))


def xor(rows: int = 200, noise: float = 0.2, seed: Any = 0) -> Dataset:
    """Exclusive or with noise: the corners of a square, where opposite ones are of one class.

    Parameters
    ----------
    rows, noise, seed
        As for `moons`. With `rows=4` and `noise=0` these are the four corners, once each.

    Returns
    -------
    Dataset
        X is (rows, 2), around (0, 0), (0, 1), (1, 0) and (1, 1); Y is 1 where one coordinate is
        large and the other is not.

    Raises
    ------
    ConfigurationError
        An option makes no sense.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> data = bp.datasets.xor(4, noise=0.0)
    >>> for x, y in sorted(zip(data.X.tolist(), data.Y.tolist())):
    ...     print(x, y)
    [0.0, 0.0] 0
    [0.0, 1.0] 1
    [1.0, 0.0] 1
    [1.0, 1.0] 0
    """
    rng = _checked(rows, noise, seed)
    corner = _labels(rng, rows, 4)
    X = np.column_stack([corner // 2, corner % 2]).astype(np.float64)
    Y = (corner // 2) ^ (corner % 2)
    return _plane("Exclusive or", X, Y, noise, rng, ("same", "different"))


def blobs(rows: int = 300, noise: float = 0.5, seed: Any = 0, *, classes: int = 3) -> Dataset:
    """Round clouds on a circle of radius 2: easy, until the noise makes them overlap.

    Parameters
    ----------
    rows, noise, seed
        As for `moons`; the noise is the standard deviation of a cloud.
    classes : int
        How many clouds.

    Returns
    -------
    Dataset
        X is (rows, 2), Y the number of the cloud.

    Raises
    ------
    ConfigurationError
        An option makes no sense.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> data = bp.datasets.blobs(noise=0.0, classes=4)
    >>> len(set(map(tuple, data.X.round(6).tolist()))), data.class_names[3]
    (4, 'blob 3')
    """
    rng = _checked(rows, noise, seed)
    require_count("classes", classes)
    Y = _labels(rng, rows, classes)
    angle = 2.0 * np.pi * Y / classes
    X = 2.0 * _directions(angle)
    return _plane("Blobs", X, Y, noise, rng, tuple(f"blob {k}" for k in range(classes)))


def curve(rows: int = 200, noise: float = 0.1, seed: Any = 0) -> Dataset:
    """A regression with one feature: y = sin 2x + x/2 and noise, for x from −3 to 3.

    Parameters
    ----------
    rows, seed
        As for `moons`.
    noise : float
        The standard deviation of what is added to y.

    Returns
    -------
    Dataset
        X is (rows, 1), Y is (rows,), float64.

    Raises
    ------
    ConfigurationError
        An option makes no sense.

    Examples
    --------
    >>> import numpy as np
    >>> import backprop_xp as bp
    >>> data = bp.datasets.curve(noise=0.0)
    >>> x = data.X[:, 0]
    >>> bool(np.allclose(data.Y, np.sin(2 * x) + x / 2))
    True
    """
    rng = _checked(rows, noise, seed)
    x = rng.uniform(-3.0, 3.0, rows)
    Y = np.sin(2.0 * x) + 0.5 * x + rng.normal(0.0, noise, rows)
    return Dataset("Curve", x[:, None], Y, ("x",), ())


def _checked(rows: int, noise: float, seed: Any) -> np.random.Generator:
    """Check what all of them take, and return the generator."""
    require_count("rows", rows)
    require_number("noise", noise, "a finite number ≥ 0")
    return host_generator(seed)


def _labels(rng: np.random.Generator, rows: int, classes: int) -> np.ndarray:
    """0 … classes − 1, equally often, or differing by one, in random order."""
    return rng.permutation(np.arange(rows) % classes)


def _directions(angle: np.ndarray) -> np.ndarray:
    """Points at these angles on the circle of radius 1, (rows, 2)."""
    return np.column_stack([np.cos(angle), np.sin(angle)])


def _plane(
    name: str,
    X: np.ndarray,
    Y: np.ndarray,
    noise: float,
    rng: np.random.Generator,
    class_names: tuple[str, ...],
) -> Dataset:
    """Points of the plane as a Dataset, with noise on both coordinates."""
    return Dataset(name, X + rng.normal(0.0, noise, X.shape), Y, ("x1", "x2"), class_names)
