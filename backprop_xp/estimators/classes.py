"""Classes: which there may be, what a row weighs by its own, and which a network's outputs are."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.class_weight import compute_sample_weight

from backprop_xp.errors import ConfigurationError, shown
from backprop_xp.estimators.row_weights import within_reach
from backprop_xp.maths.network import Network


def require_classes(known: np.ndarray, classes: np.ndarray, warm_start: bool) -> None:
    """Raise ValueError unless a model of the known classes can go on with data of these."""
    if warm_start:
        if set(classes) != set(known):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {known}, `y` has {classes}"
            )
    elif len(np.setdiff1d(classes, known, assume_unique=True)):
        raise ValueError(
            "`y` has classes not in `self.classes_`. "
            f"`self.classes_` has {known}. 'y' has {classes}."
        )


def class_weighted(class_weight: Any, y: Any, sample_weight: Any, incremental: bool) -> Any:
    """Return what every row weighs by its class, times its weight if it has one.

    Raises
    ------
    ValueError
        The weights of classes do not fit y, or "balanced" is asked of one part of the data.
    """
    if class_weight is None:
        return sample_weight
    if incremental and class_weight == "balanced":
        raise ValueError(
            "class_weight='balanced' is not supported for partial_fit, which does not see all "
            "of y. Give the weights of the classes as a dict."
        )
    by_class = compute_sample_weight(class_weight, y)
    if sample_weight is None:
        return by_class
    # The product of two very large numbers is none.
    return within_reach(by_class) * within_reach(sample_weight)


def binarizer_of(net: Network, classes: Any) -> LabelBinarizer:
    """Return what turns labels into the targets of a network, whose outputs stand for `classes`.

    Raises
    ------
    ConfigurationError
        They are not as many as the outputs, or not sorted.
    """
    outputs = net.sizes[-1]
    exclusive = net.output.name == "softmax" or outputs == 1
    number = max(outputs, 2)
    classes = np.arange(number) if classes is None else np.asarray(classes)
    if classes.shape != (number,) or (classes[:-1] >= classes[1:]).any():
        raise ConfigurationError(
            f"classes={shown(classes)}: expected {number} labels, sorted, one per output of net"
        )
    # With several sigmoid outputs, every class is a label of its own.
    return LabelBinarizer().fit(classes if exclusive else np.eye(outputs, dtype=int))
