"""Arrays that live on a device: they choose the backend, and are checked where they are."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import _check_n_features

from backprop_xp.backends import get_backend
from backprop_xp.backends.base import Backend
from backprop_xp.errors import DataError, ShapeError

# The library of an array → the backend that computes with it.
_BACKENDS = {"cupy": "cupy", "array_api_strict": "strict"}


def library(array: Any) -> str:
    """Return the top-level module of an array's type."""
    return type(array).__module__.partition(".")[0]


def on_device(array: Any) -> bool:
    """Whether this is an array of a device backend, which scikit-learn need not convert."""
    return library(array) in _BACKENDS


def backend_for(given: Any, X: Any) -> Backend:
    """Return the backend that was asked for; by default that of X, or else the usual one."""
    if given is None and on_device(X):
        return get_backend(_BACKENDS[library(X)])
    return get_backend(given)


def namespace(array: Any) -> Any:
    """Return the namespace that computes with an array where it lives."""
    return backend_for(None, array).xp if on_device(array) else np


def to_host(array: Any) -> Any:
    """Return a device array as a NumPy array, and all else as it is."""
    return backend_for(None, array).to_numpy(array) if on_device(array) else array


def checked_inputs(estimator: Any, X: Any, reset: bool) -> Any:
    """Check X, an array on a device, as scikit-learn checks arrays on the host.

    Raises
    ------
    ShapeError, DataError
        X is no matrix, holds no rows, or values that are not finite.
    ValueError
        X has another number of features than in `fit`.
    """
    xp = backend_for(None, X).xp
    if X.ndim != 2 or 0 in X.shape:
        raise ShapeError(f"X has the shape {tuple(X.shape)}; expected (n_samples, n_features)")
    _check_n_features(estimator, np.broadcast_to(np.float32(0), X.shape), reset=reset)
    if not xp.isdtype(X.dtype, "real floating"):
        X = xp.astype(X, xp.float64)
    if not bool(xp.all(xp.isfinite(X))):
        raise DataError("Input X contains NaN or infinity")
    return X


def take(array: Any, rows: np.ndarray) -> Any:
    """Return the rows of these numbers, where the array lives."""
    if not on_device(array):
        return array[rows]
    backend = backend_for(None, array)
    return backend.xp.take(array, backend.asarray(rows), axis=0)
