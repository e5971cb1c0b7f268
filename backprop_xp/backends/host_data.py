"""Data of the host, of whatever kind users have it, as NumPy arrays of numbers."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np

from backprop_xp.errors import ConfigurationError, DataError, shown

# Half and extended precision are not in every array library, nor in pandas.
_PORTABLE: dict[str, np.dtype] = {
    "e": np.dtype("float32"),
    "g": np.dtype("float64"),
    "G": np.dtype("complex128"),
}


def host_array(x: Any, dtype: str | None = None) -> np.ndarray:
    """Return host data as a real numeric NumPy array, or say what is wrong with it.

    Without `dtype` it is kept, but for what not every array library has: foreign byte orders, half
    and extended precision. Values that do not fit into `dtype` become infinite without a warning;
    the checks of values before training name them.
    """
    require_open(x)
    x = unmasked(x.toarray() if is_sparse(x) else x)
    try:
        host = np.asarray(x)
    except Exception as problem:  # of whatever kind those of the library are that x belongs to
        raise DataError(f"not an array of numbers ({problem})") from problem
    if host.dtype.kind not in "fiub":
        raise DataError(f"not real numbers but {_kind(host)} (dtype {host.dtype})")
    wanted: Any = dtype or portable(host.dtype)
    if host.dtype == wanted:
        return host
    with np.errstate(over="ignore"):
        return host.astype(wanted)


def portable(dtype: np.dtype) -> np.dtype:
    """Return the dtype that every array library has in the place of this one, in native order."""
    return _PORTABLE.get(dtype.char, dtype.newbyteorder("="))


def is_sparse(x: Any) -> bool:
    """Whether `x` is one of SciPy's sparse matrices or arrays."""
    return type(x).__module__.startswith("scipy.sparse") and hasattr(x, "tocsr")


def unmasked(x: Any) -> Any:
    """Return a masked array in which nothing is masked as a plain one, and other things as is.

    Raises
    ------
    DataError
        Something is masked.
    """
    if not isinstance(x, np.ma.MaskedArray):
        return x
    if np.ma.is_masked(x):
        raise DataError("a masked array has missing values: fill them first, x.filled(value)")
    return np.ma.getdata(x)


def require_open(x: Any, name: str = "") -> None:
    """Raise DataError if this, or one of a tuple, is an object of h5py whose file was closed."""
    parts = x if isinstance(x, tuple) else (x,)
    if any(type(part).__module__.partition(".")[0] == "h5py" and not part for part in parts):
        raise DataError(
            f"{name and f'{name}: '}a dataset of an HDF5 file that is closed: open it again, for "
            "as long as it is read"
        )


def host_generator(seed: Any) -> np.random.Generator:
    """Return the host generator that `seed` stands for: random numbers never come from a device."""
    numbers = seed if isinstance(seed, list | tuple) else ()
    if not isinstance(seed, bool) and all(isinstance(n, Integral) for n in numbers):
        try:
            return np.random.default_rng(seed)
        except (TypeError, ValueError):
            pass
    raise ConfigurationError(
        f"seed={shown(seed)}: expected an integer ≥ 0 or a numpy.random.Generator"
    )


def _kind(host: np.ndarray) -> str:
    names = {"U": "text", "S": "bytes", "c": "complex numbers", "M": "dates", "m": "durations"}
    return names.get(host.dtype.kind, "Python objects")
