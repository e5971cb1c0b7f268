"""Zarr arrays on disk, read by whole chunks. Zarr is imported when it is asked for."""

from __future__ import annotations

import os
from typing import Any

from backprop_xp.errors import ConfigurationError, DataError, shown
from backprop_xp.sources.base import Source, is_path
from backprop_xp.sources.extras import extra
from backprop_xp.sources.row_arrays import ArraySource
from backprop_xp.storage.problems import unreadable


def zarr(X: Any, Y: Any = None, *, buffer_rows: int | None = None) -> Source:
    """Return Zarr arrays as a source.

    Parameters
    ----------
    X : path or zarr.Array, shape (m, n_0)
        Without Y, the path of a group that has an array X and an array Y (or y).
    Y : path or zarr.Array, shape (m,), (m, 1) or (m, n_L), optional
    buffer_rows : int, optional
        Among so many rows a batch is drawn; by default, as many as have 32 MiB.

    Raises
    ------
    ConfigurationError
        Zarr is not installed.
    DataError, ShapeError
        There is no such array, it holds no numbers, or X and Y do not fit.

    Notes
    -----
    Chunks along the rows are the blocks whose order is shuffled, several of them if they are
    small; 1 to 4 MB a chunk read fast. A chunk that is not there is one of Zarr's fill values by
    Zarr's rules: a deleted one gives no error.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np, backprop_xp as bp
    >>> import zarr
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "data.zarr")
    ...     group = zarr.create_group(path)
    ...     _ = group.create_array("X", data=np.eye(6, dtype="f4"), chunks=(2, 6))
    ...     _ = group.create_array("Y", data=np.arange(6) % 2, chunks=(6,))
    ...     net = bp.Network([6, 1], output="sigmoid", backend="numpy")
    ...     history = bp.fit(net, bp.sources.zarr(path), epochs=3)
    >>> len(history.loss)
    3
    """
    if Y is None:
        X, Y, name = _members(X)
    else:
        name = " and ".join(os.fspath(a) if is_path(a) else "a Zarr array" for a in (X, Y))
        X, Y = _opened(X), _opened(Y)
    return ArraySource(X, Y, name, buffer_rows)


def _members(group: Any) -> tuple[Any, Any, str]:
    if not is_path(group):
        raise ConfigurationError(f"zarr: {shown(group)} alone: expected a group's path, or X and Y")
    path = os.fspath(group)
    opened = _open(path)
    members = dict(opened.arrays()) if hasattr(opened, "arrays") else {}
    lower = {name.lower(): array for name, array in members.items()}
    if not {"x", "y"} <= lower.keys():
        raise DataError(
            f"{path} is no Zarr group with arrays X and Y (it has {sorted(members)}): give their "
            "paths, backprop_xp.sources.zarr(X, Y)"
        )
    return lower["x"], lower["y"], path


def _opened(array: Any) -> Any:
    if not is_path(array):
        return array
    opened = _open(os.fspath(array))
    if not hasattr(opened, "chunks"):
        raise DataError(f"{os.fspath(array)} is a Zarr group, but an array is expected")
    return opened


def _open(path: str) -> Any:
    library = extra("zarr", "zarr", "a Zarr source")
    place = path if "://" in path else os.path.abspath(path)
    try:
        return library.open(place, mode="r")
    except PermissionError as problem:
        raise DataError(unreadable(path, problem)) from problem
    except Exception as problem:  # those of Zarr and of its codecs
        raise DataError(f"{path} cannot be opened as Zarr ({problem!r:.300})") from problem
