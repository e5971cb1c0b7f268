"""The class of every row, where Y says one."""

from __future__ import annotations

import numpy as np

from backprop_xp.data.rows import Rows
from backprop_xp.maths.activations import SIGMOID, SOFTMAX
from backprop_xp.maths.network import Network

# In place of a class, for rows that belong to none: probabilities.
NO_CLASS = -1


def has_classes(net: Network) -> bool:
    """Whether each row of Y has one class: softmax, or one sigmoid output."""
    return net.output == SOFTMAX or (net.output == SIGMOID and net.sizes[-1] == 1)


def row_classes(net: Network, Y: Rows) -> np.ndarray:
    """Return the class of every row, (m,), and NO_CLASS where Y is not 0 or 1, or not one-hot.

    Parameters
    ----------
    net : Network
        One that `has_classes`.
    Y : Rows
        What `checked_rows` returned.
    """
    classes = np.empty(Y.rows, np.int32)
    for start, stop in Y.chunks():
        values = net.backend.to_numpy(Y.part(start, stop))
        hot = values == 1
        pure = hot | (values == 0)
        if net.output == SIGMOID:
            classes[start:stop] = np.where(pure[:, 0], hot[:, 0], NO_CLASS)
        else:
            single = pure.all(axis=1) & (hot.sum(axis=1) == 1)
            classes[start:stop] = np.where(single, hot.argmax(axis=1), NO_CLASS)
    return classes
