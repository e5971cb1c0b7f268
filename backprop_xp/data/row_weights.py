"""Sample and class weights as users give them.

They stay numbers of double precision, on whatever scale they are: only their ratios count.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

import numpy as np

from backprop_xp.backends.frames import Names, is_frame, read_frame
from backprop_xp.backends.host_data import host_array, is_sparse
from backprop_xp.data.labels import NO_CLASS, has_classes, row_classes
from backprop_xp.data.rows import Rows
from backprop_xp.errors import ConfigurationError, DataError, ShapeError, shown
from backprop_xp.maths.activations import SOFTMAX
from backprop_xp.maths.network import Network

# The largest weight becomes 2 to this power: sums and products with losses do not overflow, and
# weights that are smaller by 10⁻⁴⁷⁰ still count in a batch without larger ones.
_EXPONENT = 500


def checked_weights(net: Network, rows: int, sample_weight: Any) -> np.ndarray | None:
    """Return sample weights as numbers of double precision on the host, shape (rows,).

    Parameters
    ----------
    net : Network
    rows : int
        m of X.
    sample_weight : array_like, shape (m,) or (m, 1), or None
        Also a series or a frame of one column.

    Raises
    ------
    ShapeError
        There is not one weight per row.
    DataError, BackendError
        A weight is negative or not finite; or they are no numbers.
    """
    if sample_weight is None:
        return None
    if is_sparse(sample_weight):
        raise DataError("sample_weight is sparse: hand sample_weight.toarray().ravel()")
    names = Names("sample_weight")
    if is_frame(sample_weight):
        sample_weight, names = read_frame(sample_weight, "sample_weight", "float64")
    weights = _on_host(net, sample_weight)
    if weights.shape not in ((rows,), (rows, 1)):
        raise ShapeError(
            f"sample_weight has the shape {weights.shape}; expected ({rows},): one weight per row "
            "of X"
        )
    weights = weights.reshape(rows)
    good = np.isfinite(weights) & (weights >= 0)
    if not good.all():
        row, count = int(np.argmin(good)), int(np.count_nonzero(~good))
        others = f" ({count} such weights in all)" if count > 1 else ""
        what = "negative" if np.isfinite(weights[row]) else "not finite"
        raise DataError(
            f"{names.place(row)} = {weights[row]:g} is {what}{others}: weights are numbers ≥ 0"
        )
    return weights


def _on_host(net: Network, weights: Any) -> np.ndarray:
    backend = net.backend
    try:
        if backend.origin(weights) in (None, "numpy"):
            return host_array(weights, "float64")
        backend.require_own(weights, "sample_weight")
        return backend.to_numpy(backend.asarray(weights, "float64"))
    except DataError as problem:
        raise DataError(f"sample_weight: {problem}") from problem


def on_one_scale(
    weights: np.ndarray,
    what: str = "sample_weight",
    all_of: Callable[[np.ndarray], np.ndarray] = lambda values: values,
) -> np.ndarray:
    """Return weights (m,) times one factor: of whatever size they were, they are now alike.

    Equal weights become one number, the same for all sizes.

    Parameters
    ----------
    weights : numpy.ndarray, shape (m,)
        Finite, ≥ 0.
    what : str
        What messages call them.
    all_of : callable
        Returns an array of what all processes have, from the one of this process.

    Raises
    ------
    DataError
        None of them is positive.
    """
    largest = float(all_of(weights.max(keepdims=True)).max())
    if not largest > 0:
        raise DataError(f"{what} is 0 for every row to train on: at least one must be > 0")
    mantissa, exponent = np.frexp(largest)
    # In two steps, as the ratio itself may be too small to be a number.
    scaled: np.ndarray = np.ldexp(weights, _EXPONENT - exponent) / mantissa
    return scaled


def class_weights(
    net: Network,
    Y: Rows,
    class_weight: Any,
    all_of: Callable[[np.ndarray], np.ndarray] = lambda values: values,
) -> np.ndarray:
    """Return the weight of every row by its class.

    Parameters
    ----------
    net : Network
        With a softmax output, or one sigmoid output.
    Y : Rows
        What `checked_rows` returned: 0 and 1, or one-hot rows.
    class_weight : "balanced" or mapping
        "balanced" gives each of the K classes that Y has the same sum of weights: m / (K · rows of
        the class). A mapping gives weights by label; classes that it does not name weigh 1.

    Returns
    -------
    numpy.ndarray, shape (m,)

    Raises
    ------
    ConfigurationError
        The output has no classes, a label is none of them, or a weight makes no sense.
    DataError
        A row of Y belongs to no class, or every row would weigh 0.
    """
    if not has_classes(net):
        raise ConfigurationError(
            "class_weight is defined for softmax outputs and for one sigmoid output, but this "
            f"network has {net.sizes[-1]} {net.output.name} outputs: use sample_weight"
        )
    number = net.sizes[-1] if net.output == SOFTMAX else 2
    # Looked at before Y, which may be long.
    named = None if _is_balanced(class_weight) else _by_class(class_weight, number)
    classes = row_classes(net, Y)
    if (classes == NO_CLASS).any():
        row = int(np.argmax(classes == NO_CLASS))
        one = "a one-hot row" if net.output == SOFTMAX else "0 or 1"
        raise DataError(f"class_weight needs a class in every row, but Y[{row}] is not {one}")
    everyone = all_of(classes)
    by_class = _balanced(everyone, number) if named is None else named
    weights: np.ndarray = by_class[classes]
    if not by_class[everyone].any():
        raise DataError("class_weight is 0 for every class that Y has: nothing would be learnt")
    return weights


def _is_balanced(class_weight: Any) -> bool:
    if isinstance(class_weight, Mapping):
        return False
    if isinstance(class_weight, str) and class_weight == "balanced":
        return True
    raise ConfigurationError(
        f"class_weight={shown(class_weight)}: expected 'balanced', or a mapping such as "
        "{0: 1, 1: 5}"
    )


def _balanced(classes: np.ndarray, number: int) -> np.ndarray:
    counts = np.bincount(classes, minlength=number)
    present = int(np.count_nonzero(counts))
    weights: np.ndarray = len(classes) / (present * np.maximum(counts, 1.0))
    return weights


def _by_class(class_weight: Mapping[Any, Any], number: int) -> np.ndarray:
    weights = np.ones(number)
    for label, weight in class_weight.items():
        if label not in range(number):  # which finds 1.0 and NumPy's integers, too
            raise ConfigurationError(_no_such_class(label, number))
        if not 0 <= _number(weight) < math.inf:
            raise ConfigurationError(
                f"class_weight[{shown(label)}] = {shown(weight)}: expected a finite number ≥ 0"
            )
        weights[int(label)] = weight
    return weights


def _number(weight: Any) -> float:
    """Return it as a float; NaN if it is no number, and infinity if it is too large for one."""
    try:
        return float(weight) if isinstance(weight, Real) else math.nan
    except OverflowError:
        return math.inf


def _no_such_class(label: Any, number: int) -> str:
    try:
        near = round(float(label))
    except (TypeError, ValueError, OverflowError):
        near = -1
    hint = f" Did you mean the number {near}?" if 0 <= near < number else ""
    return f"class_weight[{shown(label)}]: no such class.{hint} The classes are 0 … {number - 1}"
