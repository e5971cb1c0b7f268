"""Holding rows out for a test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from backprop_xp.backends.host_data import host_generator
from backprop_xp.data.labels import NO_CLASS, has_classes, row_classes
from backprop_xp.data.rows import Rows
from backprop_xp.errors import ConfigurationError, DataError, ShapeError, shown
from backprop_xp.maths.network import Network
from backprop_xp.number_checks import require_number


def stratified_split(
    labels: np.ndarray, held_out: float, seed: Any = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Split rows at random so that every class gives the same fraction.

    Parameters
    ----------
    labels : numpy.ndarray, shape (m,)
    held_out : float
        The fraction to hold out, in (0, 1).
    seed : int or numpy.random.Generator

    Returns
    -------
    training, held_out : numpy.ndarray of int
        Row numbers.

    Raises
    ------
    ConfigurationError
        `held_out` is not in (0, 1).
    DataError
        A class has too few rows to be in both parts.

    Examples
    --------
    >>> import numpy as np
    >>> training, test = stratified_split(np.array([0] * 10 + [1] * 5), 0.2)
    >>> len(training), len(test)
    (12, 3)
    """
    if not 0.0 < held_out < 1.0:
        raise ConfigurationError(f"held_out={shown(held_out)}: expected a fraction in (0, 1)")
    rng = host_generator(seed)
    training, test = [], []
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        cut = round(held_out * len(rows))
        if cut == 0 or cut == len(rows):
            raise DataError(
                f"class {label} has {len(rows)} rows, too few to hold out {held_out:g} of them"
            )
        test.append(rows[:cut])
        training.append(rows[cut:])
    return np.concatenate(training), np.concatenate(test)


def validation_split(
    net: Network,
    Y: Rows,
    fraction: float,
    seed: Any = 0,
    all_of: Callable[[np.ndarray], np.ndarray] = lambda values: values,
) -> tuple[np.ndarray, np.ndarray]:
    """Choose rows at random for validation; in equal fractions of the classes, if Y has them.

    The classes count where the network's output has them, every row belongs to one, and each has
    two rows at least; every class then keeps one row for training at least.

    Parameters
    ----------
    net : Network
    Y : Rows
        What `checked_rows` returned.
    fraction : float
        Of the rows, in (0, 1), for validation: rounded, but one row at least in each part.
    seed : int or numpy.random.Generator
    all_of : callable
        Returns the classes of the rows of all processes, of which Y are those of this one.

    Returns
    -------
    training, validation : numpy.ndarray of int
        Row numbers, ascending, for `Rows.subset`.

    Raises
    ------
    ConfigurationError
        `fraction` is not in (0, 1).
    ShapeError
        There is one row only.

    Examples
    --------
    >>> import numpy as np, backprop_xp as bp
    >>> from backprop_xp.data.checks import checked_rows
    >>> net = bp.Network([1, 3], output="softmax", backend="numpy")
    >>> _, Y = checked_rows(net, np.zeros((20, 1)), np.arange(20) % 2)
    >>> training, validation = validation_split(net, Y, 0.2)
    >>> len(training), len(validation), int(sum(validation % 2))
    (16, 4, 2)
    """
    require_number("validation_fraction", fraction, "a number in (0, 1)")
    classes = all_of(row_classes(net, Y) if has_classes(net) else np.zeros(Y.rows, np.int32))
    rows = len(classes)
    if rows < 2:
        raise ShapeError("validation_fraction: X has one row, which cannot be in both parts")
    count = min(max(round(fraction * rows), 1), rows - 1)
    rng = host_generator(seed)
    held_out = np.zeros(rows, bool)
    sizes = np.unique(classes, return_counts=True)[1]
    if NO_CLASS in classes or sizes.min() < 2:
        classes, sizes = np.zeros(rows, np.int32), np.array([rows])
    for label, chosen in zip(np.unique(classes), _shares(sizes, count), strict=True):
        held_out[rng.permutation(np.flatnonzero(classes == label))[:chosen]] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def _shares(sizes: np.ndarray, count: int) -> np.ndarray:
    """Divide `count` in proportion to `sizes`, less than all of each, by the largest remainders."""
    exact = sizes * (count / sizes.sum())
    shares: np.ndarray = np.minimum(exact.astype(int), sizes - 1)
    for i in np.argsort(shares - exact, kind="stable"):
        if shares.sum() < count and shares[i] < sizes[i] - 1:
            shares[i] += 1
    return shares
