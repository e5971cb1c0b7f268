"""Folds: rows in parts of the same size, each of which is held out once."""

from __future__ import annotations

from typing import Any

import numpy as np

from backprop_xp.backends.host_data import host_generator
from backprop_xp.data.labels import NO_CLASS, has_classes, row_classes
from backprop_xp.data.rows import Rows
from backprop_xp.errors import ConfigurationError, shown
from backprop_xp.maths.network import Network
from backprop_xp.number_checks import is_count


def folds_of(net: Network, Y: Rows, folds: Any, seed: Any = 0) -> list[np.ndarray]:
    """Deal the rows out to folds at random; rows of one class evenly, if Y has classes.

    The folds differ by one row at most, and so do the rows of each class in them.

    Parameters
    ----------
    net : Network
    Y : Rows
        What `checked_rows` returned.
    folds : int
        Two or more.
    seed : int or numpy.random.Generator

    Returns
    -------
    list of numpy.ndarray of int
        The row numbers of each fold, ascending; together all rows, each once.

    Raises
    ------
    ConfigurationError
        `folds` is not an integer from 2 to the number of rows.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> from backprop_xp.data.checks import checked_rows
    >>> net = bp.Network([1, 1], backend="numpy")
    >>> X, Y = checked_rows(net, [[0.0]] * 6, [0, 0, 0, 1, 1, 1])
    >>> [[int(row >= 3) for row in rows] for rows in folds_of(net, Y, 3)]
    [[0, 1], [0, 1], [0, 1]]
    """
    if not is_count(folds, least=2) or folds > Y.rows:
        raise ConfigurationError(
            f"folds={shown(folds)}: expected an integer from 2 to the number of rows, {Y.rows}"
        )
    order = host_generator(seed).permutation(Y.rows)
    if has_classes(net):
        classes = row_classes(net, Y)
        if (classes != NO_CLASS).all():
            order = order[np.argsort(classes[order], kind="stable")]
    return [np.sort(order[fold::folds]) for fold in range(folds)]
