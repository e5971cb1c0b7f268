"""Source: rows of X and Y that are read in blocks, and what is known of them without reading."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backprop_xp.backends.host_data import portable
from backprop_xp.errors import DataError, ShapeError
from backprop_xp.number_checks import require_count
from backprop_xp.wording import plural

# About so much is read in one go, where files do not say what belongs together ...
BLOCK_BYTES = 2**19
# ... and by default, so much is shuffled at a time.
_BUFFER_BYTES = 2**25
# So much is decoded in one go, and more where chunks are larger: each call has its price.
DECODED_BYTES = 2**22


@dataclass(frozen=True)
class RowFormat:
    """What every row of X, or of Y, is.

    Attributes
    ----------
    tail : tuple of int
        The shape of one row: (n,), or () for a plain vector of targets.
    dtype : numpy.dtype
        Of the rows that are handed out: native, and of a precision that every library has.
    """

    tail: tuple[int, ...]
    dtype: np.dtype[Any]

    @classmethod
    def of(cls, shape: Sequence[int], dtype: Any, name: str) -> RowFormat:
        """Say what rows an array has, or raise DataError if they are no numbers."""
        given = np.dtype(dtype)
        if given.kind not in "fiub":
            raise DataError(f"{name} does not hold real numbers (dtype {given})")
        return cls(tuple(shape[1:]), portable(given))

    @property
    def nbytes(self) -> int:
        """Bytes of a row."""
        return self.dtype.itemsize * int(np.prod(self.tail, dtype=np.int64))

    def empty(self, rows: int) -> np.ndarray:
        """An array for so many rows."""
        return np.empty((rows, *self.tail), self.dtype)


class Blocks:
    """Where the blocks of a source are: a part (a file, a row group) and rows of it.

    Attributes
    ----------
    part, start, rows : numpy.ndarray of int64
        For every block its part, the number of its first row there, and how many it has.
    """

    def __init__(self, parts: Sequence[int], at_most: int) -> None:
        sizes = np.asarray(parts, np.int64)
        counts = -(-sizes // at_most)
        self.part = np.repeat(np.arange(len(sizes)), counts)
        number_in_part = np.arange(len(self.part)) - np.repeat(np.cumsum(counts) - counts, counts)
        self.start = number_in_part * at_most
        self.rows = np.minimum(at_most, sizes[self.part] - self.start)

    def __len__(self) -> int:
        return len(self.rows)


class Reader(ABC):
    """One pass over a source, with what it keeps open: used by one thread at a time."""

    @abstractmethod
    def read(self, part: int, start: int, X: np.ndarray, Y: np.ndarray) -> None:
        """Fill X and Y, which lie in one piece, with the rows of a part from `start` on.

        Raises
        ------
        DataError
            There are not so many, or they cannot be read; the message names the file.
        """

    def close(self) -> None:  # noqa: B027 - most keep nothing open
        """Let go of what is open."""


class Source(ABC):
    """Rows (X, Y) that `fit` reads while it trains.

    Attributes
    ----------
    name : str
        What messages call it.
    x, y : RowFormat
    rows : int
        m.
    blocks : Blocks
    buffer_rows : int
        Among so many rows a batch is drawn.

    Examples
    --------
    >>> import numpy as np, backprop_xp as bp
    >>> X, Y = np.arange(12.0).reshape(6, 2), np.array([0, 1, 0, 1, 0, 1])
    >>> source = bp.sources.arrays(X, Y, buffer_rows=4)
    >>> source.rows, source.x.tail, source.y.tail, source.buffer_rows
    (6, (2,), (), 4)
    """

    # What is decoded at once beside the buffers, in bytes.
    decoded = 0
    #: The names of X's columns, where each number of a row has one.
    columns: tuple[str, ...] | None = None

    def __init__(
        self,
        name: str,
        x: RowFormat,
        y: RowFormat,
        parts: Sequence[int],
        block_rows: int,
        buffer_rows: int | None,
    ) -> None:
        if buffer_rows is not None:
            require_count("buffer_rows", buffer_rows)
        if len(x.tail) != 1 or len(y.tail) > 1:
            raise ShapeError(
                f"{name}: a row of X has the shape {x.tail} and one of Y {y.tail}; expected X "
                "(m, n_0) and Y (m,) or (m, n_L)"
            )
        self.name, self.x, self.y = name, x, y
        self.rows, self.blocks = int(np.sum(parts)), Blocks(parts, block_rows)
        by_default = rows_of(_BUFFER_BYTES, x.nbytes + y.nbytes)
        self.buffer_rows = by_default if buffer_rows is None else int(buffer_rows)

    def in_order(self, columns: Sequence[Any] | None, name: str = "X") -> Source:
        """Return this source with its named columns in that order; None leaves them as they are.

        Raises
        ------
        DataError
            It has other columns.
        """
        return self

    def __repr__(self) -> str:
        return (
            f"<source {self.name}: {plural(self.rows, 'row')}, {plural(len(self.blocks), 'block')}>"
        )

    @abstractmethod
    def reader(self) -> Reader:
        """Begin a pass."""

    @abstractmethod
    def place(self, part: int) -> tuple[str, str, int]:
        """What messages call X and Y of a part, and the number that its first row has there."""

    def memory(self, batch_size: int = 32) -> int:
        """Return the bytes that `fit` holds of this source at most.

        With r the bytes of a row (X and Y), B the `buffer_rows` (or m, or a batch, if that is
        less, or more), k the number of blocks, and c the numbers in a row of X, or of Y::

            2·B·r       the buffer that is trained on and the one that is filled
            + p·r       a piece of up to 512 KiB, on its way from the file to its places there
            + 24·B      the order of their rows
            + 48·k      where the blocks are, and their order
            + decoded   of Parquet eight times the largest row group and 48 MiB; of Zarr and its
                        like six times a chunk of X and of Y, of 4 MiB at least, and 32 MiB
            + 32·g·c    batches, for X and for Y: of g rows, a batch or up to 2¹⁷ numbers, are
                        four copies at most, of 8 bytes a number

        Examples
        --------
        >>> import numpy as np, backprop_xp as bp
        >>> X, Y = np.zeros((100_000, 8), "f4"), np.zeros(100_000, "f4")
        >>> bp.sources.arrays(X, Y, buffer_rows=1000).memory() < X.nbytes / 2
        True
        """
        require_count("batch_size", batch_size)
        row = self.x.nbytes + self.y.nbytes
        buffered = min(max(self.buffer_rows, batch_size), max(self.rows, 1))
        batches = 0
        for rows in (self.x, self.y):
            numbers = max(1, rows.nbytes // rows.dtype.itemsize)
            batches += 32 * min(max(batch_size, 2**17 // numbers), buffered) * numbers
        rows_held = 2 * buffered + min(buffered, block_rows(row))
        ordered = 24 * buffered + 48 * len(self.blocks)
        return rows_held * row + ordered + self.decoded + batches


def block_rows(row_bytes: int) -> int:
    """So many rows make a block where files do not say what belongs together."""
    return rows_of(BLOCK_BYTES, row_bytes)


def rows_of(nbytes: int, row_bytes: int) -> int:
    """Return how many rows have so many bytes, at least one."""
    return max(1, nbytes // max(1, row_bytes))


def is_path(x: Any) -> bool:
    """Whether `x` is the name of a file or directory."""
    return isinstance(x, str | os.PathLike)


def require_rows(rows_X: int, rows_Y: int, name_X: str, name_Y: str) -> None:
    """Raise unless X and Y have as many rows, and some."""
    if rows_X != rows_Y:
        raise ShapeError(f"{name_X} has {plural(rows_X, 'row')}, but {name_Y} has {rows_Y:,}")
    if rows_X == 0:
        raise DataError(f"{name_X} has no rows: leave empty files out")


def require_alike(given: RowFormat, first: RowFormat, name: str, first_name: str) -> None:
    """Raise unless the rows of one file are like those of the first."""
    if given.tail != first.tail:
        raise ShapeError(
            f"{name} has rows of the shape {given.tail}, but those of {first_name} have "
            f"{first.tail}: all files of a source have the same columns"
        )
    if given.dtype != first.dtype:
        raise DataError(
            f"{name} has the dtype {given.dtype}, but {first_name} has {first.dtype}: all files of "
            "a source have the same dtype"
        )
