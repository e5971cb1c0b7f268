"""An NPZ as a frame: a column for each feature of X, and for each other array."""

from __future__ import annotations

import zipfile
import zlib
from typing import IO, Any

import numpy as np

from backprop_xp.backends.host_data import portable
from backprop_xp.errors import DataError
from backprop_xp.sources import extras
from backprop_xp.tables.columns import Frame
from backprop_xp.wording import plural

# A single array (.npy) under the name of an .npz is a TypeError.
_PROBLEMS = (
    *(ValueError, TypeError, KeyError, EOFError, RuntimeError, AttributeError),
    *(zipfile.BadZipFile, zlib.error),
)


def read_npz(file: IO[bytes], name: str) -> Frame:
    """Read arrays X (m, n) and y or Y (m,), or an array (m,) per column, of any byte order.

    Raises
    ------
    DataError
        It is no such file; nothing in it is ever unpickled.
    """
    try:
        with np.load(file, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except _PROBLEMS as problem:
        why = " ".join(str(problem).split())
        raise DataError(f"{name} is not a readable NPZ file of plain arrays: {why}") from problem
    columns: dict[str, Any] = {}
    for key, array in arrays.items():
        columns |= _columns(key, _native(array, f"{name}: the array {key}"), name)
    lengths = {key: len(column) for key, column in columns.items()}
    if len(set(lengths.values())) > 1:
        short, long = min(lengths, key=lengths.__getitem__), max(lengths, key=lengths.__getitem__)
        raise DataError(
            f"{name}: {short} has {plural(lengths[short], 'row')}, but {long} has {lengths[long]:,}"
        )
    try:
        return extras.pandas().DataFrame(columns)
    except UnicodeEncodeError as problem:
        raise DataError(f"{name} holds text that is no Unicode: {problem.reason}") from problem


def _native(array: np.ndarray, what: str) -> np.ndarray:
    """The array in this machine's byte order, and of a type that pandas has."""
    if array.dtype.kind not in "biufcUSMm":
        raise DataError(f"{what} has the dtype {array.dtype}, not a column's")
    if array.dtype.kind == "S":
        return np.char.decode(array, "utf-8", "replace")
    with np.errstate(over="ignore"):
        native: np.ndarray = array.astype(portable(array.dtype), copy=False)
    return native


def _columns(key: str, array: np.ndarray, name: str) -> dict[str, np.ndarray]:
    """One array's columns: x0, x1, … for X."""
    if key == "X" and array.ndim >= 2:
        flat = array.reshape(len(array), -1)
        return {f"x{i}": flat[:, i] for i in range(flat.shape[1])}
    if array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 1):
        return {"x0" if key == "X" else key: array.reshape(-1)}
    raise DataError(
        f"{name}: the array {key} has the shape {array.shape}; expected X (m, n) and y (m,), or an "
        "array (m,) per column"
    )
