"""X and Y as a network takes them: what it accepts, and what it says of the rest.

Only shapes and dtypes are looked at here, so nothing waits for the device; values are checked once
before training (`data.checks`).
"""

from __future__ import annotations

from os import PathLike, fspath
from typing import Any

from backprop_xp.backends.base import Array, Backend
from backprop_xp.backends.frames import is_frame, read_frame
from backprop_xp.backends.host_data import is_sparse, require_open
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
    columns: tuple[Any, ...] | None = None,
) -> Array:
    """Return X as an array (…, m, features) of `dtype` on the backend.

    `name` is what messages call it; with `move`, NumPy arrays are moved to the backend. The columns
    of a frame are put in the order of `columns`, if that is given; sparse matrices become dense.

    Raises
    ------
    BackendError
        X is an array of another backend.
    ShapeError
        X has the wrong rank, no rows, or another number of features.
    DataError
        X is not numeric, or a frame with other columns.
    """
    if is_sparse(X):
        require_inputs(tuple(X.shape), features, stack, name)
    require_open(X, name)
    if what := _source_of_rows(X):
        raise DataError(f"{name} is {what}, which fit reads while it trains: hand an array of rows")
    X = _on_backend(backend, X, name, dtype, move, columns)
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
    require_dense(Y, name, "targets")
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
    stack: tuple[int, ...],
    name: str = "sample_weight",
    move: bool = False,
) -> Array:
    """Return the weights of examples as a row (…, 1, m) of float64 on the backend.

    They are (m,) or (m, 1), or in a stack also (…, m, 1): weights of its own for each network. Only
    their ratios count, so they may be of any size: float32 would not hold 1e-60.

    Raises
    ------
    BackendError
        They are an array of another backend.
    ShapeError
        There is not one weight per row of X.
    DataError
        They are not numeric.
    """
    require_dense(weights, name, "weights")
    weights = _on_backend(backend, weights, name, "float64", move)
    if stack and tuple(weights.shape) == (*stack, rows, 1):
        return backend.xp.reshape(weights, (*stack, 1, rows))
    if tuple(weights.shape) not in ((rows,), (rows, 1)):
        raise ShapeError(
            f"{name} has the shape {tuple(weights.shape)}; expected ({rows},), a weight per row"
        )
    return backend.xp.reshape(weights, (*(1 for _ in stack), 1, rows))


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
    shared = (1,) * len(stack)  # what `as_targets` has returned
    if len(full) < 2 or full[-1] != outputs or full[:-2] not in ((), shared, stack):
        raise ShapeError(_misshapen(name, shape, rows, outputs, labels))
    if full[-2] != rows:
        raise ShapeError(
            f"{name} has {plural(full[-2], 'row')} (shape {shape}), but {name.removesuffix('Y')}X "
            f"has {rows}"
        )


def _source_of_rows(X: Any) -> str | None:
    """Say what X is where it is no array, but one of the other things that `fit` trains on."""
    if isinstance(X, str | PathLike):
        return f"a path ({fspath(X)!r:.80})"
    if isinstance(X, tuple) and len(X) == 2 and all(hasattr(x, "shape") for x in X):
        return "a pair (X, Y)"
    array_like = hasattr(X, "shape") or hasattr(X, "__array__") or isinstance(X, list | tuple)
    if hasattr(X, "__iter__") and not array_like:
        return f"an iterable of the type {type(X).__name__}"
    return f"a source ({X!r:.80})" if hasattr(X, "buffer_rows") else None


def require_dense(x: Any, name: str, what: str) -> None:
    """Raise DataError if these are a sparse matrix."""
    if is_sparse(x):
        raise DataError(f"{name} is sparse, but {what} must be dense: hand {name}.toarray()")


def _on_backend(
    backend: Backend,
    x: Any,
    name: str,
    dtype: str | None,
    move: bool,
    columns: tuple[Any, ...] | None = None,
) -> Array:
    if is_frame(x):
        return backend.asarray(read_frame(x, name, dtype, columns)[0], dtype)
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
