"""Arrays that live on a device: they say where is computed, and are checked where they are."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import validate_data

from backprop_xp.backends import get_backend
from backprop_xp.backends.base import Backend
from backprop_xp.backends.host_data import require_open, unmasked
from backprop_xp.errors import DataError, ShapeError

# The library of an array → the backend that computes with it.
_BACKENDS = {"cupy": "cupy", "array_api_strict": "strict"}


def _library(array: Any) -> str:
    """Return the top-level module of an array's type."""
    return type(array).__module__.partition(".")[0]


def on_device(array: Any) -> bool:
    """Whether this is an array of a device backend, which scikit-learn need not convert."""
    return _library(array) in _BACKENDS


def backend_of(array: Any) -> Backend:
    """Return the backend of an array that is on a device."""
    return get_backend(_BACKENDS[_library(array)])


def namespace(array: Any) -> Any:
    """Return the namespace that computes with an array where it lives."""
    return backend_of(array).xp if on_device(array) else np


def device_array(array: Any) -> Any:
    """Return another library's array on a GPU as CuPy's, of the same memory; all else as it is."""
    if on_device(array) or not hasattr(array, "__cuda_array_interface__"):
        return array
    return get_backend("cupy").xp.asarray(array)


def readable(array: Any, name: str) -> Any:
    """Return data without a mask: scikit-learn would take what is masked for numbers.

    Raises
    ------
    DataError
        Something is masked, or the file of an HDF5 dataset is closed.
    """
    require_open(array, name)
    return unmasked(array)


def to_host(array: Any) -> Any:
    """Return an array on a device as a NumPy array, and all else as it is."""
    array = device_array(array)
    return backend_of(array).to_numpy(array) if on_device(array) else array


def score_on_host(metric: Any, y: Any, predicted: Any, sample_weight: Any) -> float:
    """Return what a metric of scikit-learn says of arrays that may be on a device."""
    y, predicted, sample_weight = map(to_host, (y, predicted, sample_weight))
    return float(metric(y, predicted, sample_weight=sample_weight))


def checked_inputs(estimator: Any, X: Any, reset: bool) -> Any:
    """Check X, an array on a device, as scikit-learn checks arrays on the host.

    Raises
    ------
    ShapeError, DataError
        X is no matrix, holds no rows, complex numbers, or values that are not finite.
    ValueError
        X has another number of features than in `fit`.
    """
    xp = backend_of(X).xp
    if X.ndim != 2 or 0 in X.shape:
        raise ShapeError(f"X has the shape {tuple(X.shape)}; expected (n_samples, n_features)")
    if xp.isdtype(X.dtype, "complex floating"):
        raise DataError(f"Complex data not supported: X has the dtype {X.dtype}")
    validate_data(estimator, X, reset=reset, skip_check_array=True)
    if not xp.isdtype(X.dtype, "real floating"):
        X = xp.astype(X, xp.float64)
    if not bool(xp.all(xp.isfinite(X))):
        raise DataError("Input X contains NaN or infinity")
    return X


def take(array: Any, rows: np.ndarray) -> Any:
    """Return the rows of these numbers, where the array lives."""
    if not on_device(array):
        return array[rows]
    backend = backend_of(array)
    return backend.xp.take(array, backend.asarray(rows), axis=0)
