"""X and Y at the door: what a network accepts, and what it says of the rest.

Only shapes and dtypes are looked at here, so nothing waits for the device; values are checked once
before training (`training.validation`).
"""

from __future__ import annotations

from typing import Any

from backprop_xp.backends.base import Array, Backend
from backprop_xp.errors import DataError, ShapeError
from backprop_xp.wording import plural


def as_inputs(
    backend: Backend,
    X: Any,
    features: int,
    dtype: str,
    stack: tuple[int, ...],
    name: str = "X",
    move: bool = False,
) -> Array:
    """Return X as an array (…, m, features) of `dtype` on the backend.

    `name` is what messages call it; with `move`, NumPy arrays are moved to the backend.

    Raises
    ------
    BackendError
        X is an array of another backend.
    ShapeError
        X has the wrong rank, no rows, or another number of features.
    DataError
        X is not numeric.
    """
    X = _on_backend(backend, X, name, dtype, move)
    require_inputs(tuple(X.shape), features, stack, name)
    return X


def as_targets(
    backend: Backend,
    Y: Any,
    rows: int,
    outputs: int,
    dtype: str,
    stack: tuple[int, ...],
    classes: Array | None,
    name: str = "Y",
    move: bool = False,
) -> Array:
    """Return Y as an array (…, m, outputs) of `dtype` on the backend.

    `classes` are the integers 0 … outputs−1 if Y may be integer labels, (m,) or (m, 1), which
    become one-hot rows (of zeros where a label is out of range); else None.

    Raises
    ------
    BackendError
        Y is an array of another backend.
    ShapeError
        Y does not fit X or the outputs.
    DataError
        Y is not numeric, or class labels are not integers.
    """
    Y = _on_backend(backend, Y, name, None, move)
    require_targets(tuple(Y.shape), rows, outputs, stack, classes is not None, name)
    if classes is not None and (Y.ndim == 1 or tuple(Y.shape[1:]) == (1,)):
        Y = _one_hot(backend, Y, classes, name)
    elif Y.ndim == 1:
        Y = Y[:, None]
    Y = _on_backend(backend, Y, name, dtype, move)
    if Y.ndim < 2 + len(stack):  # shared by the whole stack
        Y = backend.xp.reshape(Y, (1,) * len(stack) + tuple(Y.shape))
    return Y


def as_weights(
    backend: Backend,
    weights: Any,
    rows: int,
    dtype: str,
    stack: tuple[int, ...],
    name: str = "sample_weight",
    move: bool = False,
) -> Array:
    """Return the weights of examples as a column (…, m, 1) on the backend.

    They are (m,) or (m, 1), or in a stack also (…, m, 1): weights of its own for each network.

    Raises
    ------
    BackendError
        They are an array of another backend.
    ShapeError
        There is not one weight per row of X.
    DataError
        They are not numeric.
    """
    weights = _on_backend(backend, weights, name, dtype, move)
    if stack and tuple(weights.shape) == (*stack, rows, 1):
        return weights
    if tuple(weights.shape) not in ((rows,), (rows, 1)):
        raise ShapeError(
            f"{name} has the shape {tuple(weights.shape)}; expected ({rows},), a weight per row"
        )
    return backend.xp.reshape(weights, (*(1 for _ in stack), rows, 1))


def require_inputs(
    shape: tuple[int, ...], features: int, stack: tuple[int, ...], name: str = "X"
) -> None:
    """Raise ShapeError unless X may have this shape: (…, m, features), m > 0."""
    if len(shape) not in (2, 2 + len(stack)) or shape[:-2] not in ((), stack):
        hint = " (one example is a row: X[None, :])" if shape == (features,) else ""
        raise ShapeError(
            f"{name} has the shape {shape}; expected (m, {features}), examples as rows{hint}"
        )
    if shape[-1] != features:
        raise ShapeError(
            f"{name} has {plural(shape[-1], 'feature')} (shape {shape}), but the network takes "
            f"{features}"
        )
    if shape[-2] == 0:
        raise ShapeError(f"{name} has no rows (shape {shape})")


def require_targets(
    shape: tuple[int, ...],
    rows: int,
    outputs: int,
    stack: tuple[int, ...],
    labels: bool,
    name: str = "Y",
) -> None:
    """Raise ShapeError unless Y may have this shape: (…, rows, outputs), or one label per row.

    `labels` says whether Y may be integer labels, (rows,) or (rows, 1).
    """
    is_column = len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)
    full = (*shape[:1], outputs) if is_column and (labels or outputs == 1) else shape
    if len(full) < 2 or full[-1] != outputs or full[:-2] not in ((), stack):
        raise ShapeError(_misshapen(name, shape, rows, outputs, labels))
    if full[-2] != rows:
        raise ShapeError(
            f"{name} has {plural(full[-2], 'row')} (shape {shape}), but {name.removesuffix('Y')}X "
            f"has {rows}"
        )


def _on_backend(backend: Backend, x: Any, name: str, dtype: str | None, move: bool) -> Array:
    if not (move and backend.origin(x) == "numpy"):
        backend.require_own(x, name)
    try:
        return backend.asarray(x, dtype)
    except DataError as problem:
        hint = "; number classes 0, 1, 2 … first, as numpy.unique(Y, return_inverse=True) does"
        is_text = name.endswith("Y") and "text" in str(problem)
        raise DataError(f"{name}: {problem}{hint if is_text else ''}") from problem


def _one_hot(backend: Backend, labels: Array, classes: Array, name: str) -> Array:
    xp = backend.xp
    if not xp.isdtype(labels.dtype, ("integral", "bool")):
        raise DataError(
            f"{name}: class labels must be integers 0 … {classes.shape[0] - 1}, but they are "
            f"{labels.dtype}; convert them with Y.astype(int), or hand one-hot rows "
            f"of shape (m, {classes.shape[0]})"
        )
    column = xp.reshape(xp.astype(labels, classes.dtype), (-1, 1))
    return column == classes


def _misshapen(name: str, shape: tuple[int, ...], rows: int, outputs: int, labels: bool) -> str:
    choices = [f"({rows}, {outputs})"]
    if labels:
        choices.append(f"({rows},) with integer class labels")
    elif outputs == 1:
        choices.append(f"({rows},)")
    return f"{name} has the shape {shape}; expected {' or '.join(choices)}"
