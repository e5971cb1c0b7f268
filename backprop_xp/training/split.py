"""Holding rows out for a test."""

from __future__ import annotations

from typing import Any

import numpy as np

from backprop_xp.backends.base import host_generator
from backprop_xp.errors import ConfigurationError, DataError


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
        raise ConfigurationError(f"held_out={held_out!r}: expected a fraction in (0, 1)")
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
