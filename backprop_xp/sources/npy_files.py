"""`.npy` files, read piece by piece: nothing is mapped, so their size is of no account."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np

from backprop_xp.errors import DataError
from backprop_xp.sources.base import (
    Reader,
    RowFormat,
    Source,
    block_rows,
    require_alike,
    require_rows,
)
from backprop_xp.storage.problems import file_name, unreadable

PathLike: TypeAlias = "str | os.PathLike[str]"

# A process may often have no more than 256 files open, of which some are Python's.
_OPEN_FILES = 64

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
    (3, 0): np.lib.format.read_array_header_2_0,  # differs in the names of fields alone
}


def npy(X: PathLike, Y: PathLike, *, buffer_rows: int | None = None) -> Source:
    """Return a pair of `.npy` files as a source.

    Parameters
    ----------
    X, Y : path
        What `numpy.save` wrote: (m, n_0), and (m,), (m, 1) or (m, n_L).
    buffer_rows : int, optional
        Among so many rows a batch is drawn; by default, as many as have 32 MiB.

    Raises
    ------
    DataError, ShapeError
        A file is no `.npy` file, is empty or cut off, or X and Y do not fit.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np, backprop_xp as bp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     X, Y = os.path.join(folder, "X.npy"), os.path.join(folder, "Y.npy")
    ...     np.save(X, np.eye(4, dtype="f4"))
    ...     np.save(Y, np.arange(4) % 2)
    ...     net = bp.Network([4, 1], output="sigmoid", backend="numpy")
    ...     history = bp.fit(net, bp.sources.npy(X, Y), epochs=3)
    >>> len(history.loss)
    3
    """
    names = file_name(X), file_name(Y)
    pair = Path(names[0]).absolute(), Path(names[1]).absolute()  # wherever the process goes
    return _NpySource(" and ".join(names), [pair], buffer_rows)


def npy_shards(directory: PathLike, *, buffer_rows: int | None = None) -> Source:
    """Return a directory of `.npy` shards as a source.

    Parameters
    ----------
    directory : path
        A shard is two files: one whose name begins with X, such as `X-0000.npy`, and the one whose
        name has a Y (or y) there instead, `Y-0000.npy`. Shards are counted in the order of
        their names. Other files are left alone.
    buffer_rows : int, optional
        Among so many rows a batch is drawn; by default, as many as have 32 MiB.

    Raises
    ------
    DataError, ShapeError
        There are no shards, an X has no Y or the other way round, a shard is empty or cut off, or
        two of them differ in columns or dtype.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np, backprop_xp as bp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for i in range(3):
    ...         np.save(os.path.join(folder, f"X-{i:04}.npy"), np.eye(4, dtype="f4"))
    ...         np.save(os.path.join(folder, f"Y-{i:04}.npy"), np.arange(4) % 2)
    ...     net = bp.Network([4, 1], output="sigmoid", backend="numpy")
    ...     history = bp.fit(net, folder, epochs=3)  # or bp.sources.npy_shards(folder)
    ...     print(bp.sources.npy_shards(folder).rows)
    12
    """
    folder = Path(file_name(directory, "a directory")).absolute()
    return _NpySource(str(folder), _pairs(folder), buffer_rows)


def _pairs(folder: Path) -> list[tuple[Path, Path]]:
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".npy"))
    except (FileNotFoundError, NotADirectoryError) as problem:
        raise DataError(
            f"{folder} is no directory: npy_shards takes one with X-….npy and Y-….npy"
        ) from problem
    except OSError as problem:
        raise DataError(unreadable(str(folder), problem)) from problem
    inputs = [name for name in names if name[0] in "Xx"]
    targets = {name[1:]: name for name in names if name[0] in "Yy"}
    for name in inputs:
        if name[1:] not in targets:
            raise DataError(f"{folder / name} has no targets: there is no {folder}/Y{name[1:]}")
    pairs = [(folder / name, folder / targets.pop(name[1:])) for name in inputs]
    if targets:
        rest, name = next(iter(targets.items()))
        raise DataError(f"{folder / name} has no inputs: there is no {folder}/X{rest}")
    if not pairs:
        raise DataError(f"{folder} has no shards: expected files such as X-0000.npy, Y-0000.npy")
    return pairs


class _NpySource(Source):
    def __init__(self, name: str, pairs: list[tuple[Path, Path]], buffer_rows: int | None) -> None:
        self.shards = [(_open(X), _open(Y)) for X, Y in pairs]
        (x, y) = self.shards[0]
        for X, Y in self.shards:
            require_rows(X.length, Y.length, str(X.path), str(Y.path))
            require_alike(X.rows, x.rows, str(X.path), str(x.path))
            require_alike(Y.rows, y.rows, str(Y.path), str(y.path))
        parts = [X.length for X, _ in self.shards]
        at_most = block_rows(x.rows.nbytes + y.rows.nbytes)
        super().__init__(name, x.rows, y.rows, parts, at_most, buffer_rows)

    def reader(self) -> Reader:
        return _NpyReader(self.shards)

    def place(self, part: int) -> tuple[str, str, int]:
        X, Y = self.shards[part]
        return str(X.path), str(Y.path), 0


class _NpyReader(Reader):
    """Keeps the files open that it read last: to open one costs as much as to read a block."""

    def __init__(self, shards: list[tuple[_NpyFile, _NpyFile]]) -> None:
        self._shards = shards
        self._open: dict[Path, BinaryIO] = {}

    def read(self, part: int, start: int, X: np.ndarray, Y: np.ndarray) -> None:
        for file, out in zip(self._shards[part], (X, Y), strict=True):
            try:
                file.read(self._opened(file.path), start, out)
            except (OSError, EOFError) as problem:
                raise DataError(
                    f"{file.path}: rows {start} … {start + len(out) - 1} cannot be read "
                    f"({problem}). It has changed since fit began"
                ) from problem

    def _opened(self, path: Path) -> BinaryIO:
        file = self._open.pop(path, None)
        if file is None:
            if len(self._open) == _OPEN_FILES:
                self._open.pop(next(iter(self._open))).close()
            file = path.open("rb", buffering=0)
        self._open[path] = file
        return file

    def close(self) -> None:
        while self._open:
            self._open.popitem()[1].close()


@dataclass(frozen=True)
class _NpyFile:
    """Where the rows of a file are."""

    path: Path
    offset: int
    length: int
    rows: RowFormat
    dtype: np.dtype[Any]

    def read(self, file: BinaryIO, start: int, out: np.ndarray) -> None:
        """Read the rows from `start` on out of the open file."""
        same = self.dtype == out.dtype
        raw = out if same else np.empty(out.shape, self.dtype)
        file.seek(self.offset + start * raw[:1].nbytes)
        _fill(file, raw)
        if not same:
            out[...] = raw


def _fill(file: BinaryIO, out: np.ndarray) -> None:
    # As bytes: a memoryview knows no foreign byte order.
    space: Any = memoryview(out.view(np.uint8).reshape(-1))  # type: ignore[arg-type]
    done = 0
    while done < len(space):
        count = file.readinto(space[done:])  # type: ignore[attr-defined]
        if not count:
            raise EOFError(f"the file ends {len(space) - done} bytes early")
        done += count


def _open(path: Path) -> _NpyFile:
    """Read the header, and compare what it promises with the file's size."""
    try:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            shape, by_columns, dtype = _HEADERS[version](file)
            offset, size = file.tell(), os.fstat(file.fileno()).st_size
    except OSError as problem:
        raise DataError(unreadable(str(path), problem)) from problem
    except (ValueError, KeyError, EOFError) as problem:
        raise DataError(f"{path} cannot be read as a .npy file ({problem})") from problem
    if not shape:
        raise DataError(f"{path} holds one number: expected an array of rows")
    if by_columns and len(shape) > 1 and min(shape) > 1:
        raise DataError(
            f"{path} is stored by columns (Fortran order), so a row cannot be read alone: save "
            "numpy.ascontiguousarray of the array"
        )
    rows = RowFormat.of(shape, dtype, str(path))
    promised = offset + dtype.itemsize * int(np.prod(shape, dtype=np.int64))
    if size < promised:
        raise DataError(
            f"{path} is cut off: its header promises {shape[0]} rows, {promised} bytes in all, "
            f"but it has {size}. Write it again"
        )
    return _NpyFile(path, offset, shape[0], rows, dtype)
