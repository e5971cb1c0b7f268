"""Compiled steps: one at a time on given batches, or many on rows that they gather."""

from __future__ import annotations

import logging
import struct
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np

from backprop_xp.backends.base import Array, Numbers
from backprop_xp.backends.numba_cache import compiled
from backprop_xp.backends.numba_code import Code
from backprop_xp.backends.numba_record import NotCompilable, Record
from backprop_xp.backends.recording import recorded_by

_log = logging.getLogger("backprop_xp")
# A batch of so many bytes is read where it lies.
_LARGE = 2**14


class Compiled:
    """A step on batches of one shape, as machine code.

    Parameters
    ----------
    step : callable
        As for `Backend.compile`, or for `Backend.loop`; the first result is kept.
    batch : tuple of array
        Of that shape; small ones are copied there.

    Raises
    ------
    NotCompilable
        The step does what cannot be compiled.
    """

    def __init__(self, step: Callable[..., Any], batch: tuple[Array, ...]) -> None:
        record = Record(batch)
        with recorded_by(record):
            results = step(*batch)
        if len(record.inputs_read) < len(batch):
            raise NotCompilable("a batch is converted by other means than the backend's")
        result = results[0] if isinstance(results, tuple) else results
        self._shape, self._size, self._dtype = result.shape, result.size, result.dtype
        self._run = _run_of(record, batch, result)
        self._memory = record.memory  # which must not be freed
        self._addresses = np.array([_address(array) for array in record.memory])
        self._at = _address(self._addresses)
        self._packed = struct.Struct(f"{len(Code.ARGUMENTS) + len(batch) + 1}q").pack
        self._batch, self._kept = batch, np.empty(result.shape, result.dtype)
        self._copies = sum(x.nbytes for x in batch) < _LARGE
        self._of_copies = self._of_batch(map(_address, batch))

    def once(self, *batch: Array) -> Array:
        """Take a step on a batch and return its result."""
        if self._copies:  # sooner done than asking where it lies
            for own, x in zip(self._batch, batch, strict=True):
                own[...] = x
            self._run(self._of_copies)
        else:
            self._run(self._of_batch(map(_in_place, batch, self._batch)))
        return self._kept.copy()

    def _of_batch(self, addresses: Iterable[int]) -> bytes:
        alone = self._at, 0, 0, 0, 1, 0, 0, 0, 0, 0  # nothing is gathered or written by the host
        return self._packed(*alone, *addresses, _address(self._kept))

    def many(
        self,
        order: np.ndarray | None,
        first: int,
        size: int,
        numbers: np.ndarray,
        places: np.ndarray,
        tables: Sequence[Array],
    ) -> Array:
        """Take steps from batch number `first` on, and return their results (steps, n)."""
        steps, width = numbers.shape
        kept = np.empty((steps, self._size), self._dtype)
        of_order = (0, 0) if order is None else (_address(order), len(order))
        of_numbers = _address(numbers), width, _address(places), len(places)
        arrays = map(_address, (*tables, kept))
        self._run(self._packed(self._at, *of_order, first, steps, size, *of_numbers, *arrays))
        return kept


# By what was recorded: `run`, and the shapes and dtypes of the memory that its loops need.
_known: dict[str, tuple[Callable[[bytes], None], list[tuple[Any, np.dtype]]]] = {}


def _run_of(record: Record, batch: tuple[Array, ...], result: Array) -> Callable[[bytes], None]:
    """Return the compiled record, and add the memory that it needs to that of the record."""
    inputs = [(x.shape, x.dtype) for x in batch]
    described = f"{record.operations} {record.view(result)} {inputs}"
    if described in _known:
        run, added = _known[described]
        for shape, dtype in added:
            record.slot(np.empty(shape, dtype))
    else:
        before = len(record.memory)
        run = compiled(Code(record, inputs, result))
        added = [(array.shape, array.dtype) for array in record.memory[before:]]
        _known[described] = run, added
    return run


class CompiledStep:
    """A step, compiled for every shape of its inputs, or as NumPy's backend runs it."""

    def __init__(self, step: Callable[..., Array], otherwise: Callable[..., Array]) -> None:
        self._step, self._otherwise = step, otherwise
        self._runs: dict[Any, Callable[..., Array]] = {}

    def __call__(self, *batch: Array) -> Array:
        shapes = tuple([x.shape for x in batch])
        if shapes not in self._runs:
            self._runs[shapes] = self._compiled(batch)
        return self._runs[shapes](*batch)

    def _compiled(self, batch: tuple[Array, ...]) -> Callable[..., Array]:
        try:
            return Compiled(self._step, tuple([np.empty(x.shape, x.dtype) for x in batch])).once
        except NotCompilable as problem:
            if self._otherwise not in self._runs.values():
                _log.warning("training steps run as on NumPy, not compiled: %s", problem)
            return self._otherwise


class CompiledLoop:
    """Steps on the batches of an epoch; see `backends.base.Loop`."""

    def __init__(
        self,
        step: Callable[..., tuple[Array, ...]],
        numbers_of: Callable[..., Sequence[Numbers]],
        tables: tuple[Array, ...],
        size: int,
    ) -> None:
        self._step, self._numbers_of, self._size = step, numbers_of, size
        self._tables = [np.require(t, requirements=("C", "A")) for t in tables]
        self._order: np.ndarray | None = None
        self._of_rows: dict[int, tuple[Compiled, list[Numbers], np.ndarray]] = {}
        self._compile(size)

    def begin(self, order: np.ndarray | None) -> None:
        """See `backends.base.Loop`."""
        self._order = None if order is None else np.require(order, np.int64, "C")

    def take(
        self, first: int, rows: int, steps: int, values: Sequence[Sequence[Any]]
    ) -> list[Array]:
        """See `backends.base.Loop`."""
        if rows not in self._of_rows:
            self._compile(rows)
        run, numbers, places = self._of_rows[rows]
        table = _bytes(values, numbers)
        result = run.many(self._order, first, self._size, table, places, self._tables)
        for own, column in zip(numbers, values, strict=True):
            own.were_written(column[-1])
        return [result]

    def _compile(self, rows: int) -> None:
        batch = tuple([np.empty((rows, t.shape[1]), t.dtype) for t in self._tables])
        numbers = list(self._numbers_of(*batch))
        ends = np.cumsum([n.array.nbytes for n in numbers])
        places = [
            (_address(n.array), n.array.nbytes, end - n.array.nbytes)
            for n, end in zip(numbers, ends.tolist(), strict=True)
        ]
        self._of_rows[rows] = Compiled(self._step, batch), numbers, np.array(places)


def _bytes(values: Sequence[Sequence[Any]], numbers: Sequence[Numbers]) -> np.ndarray:
    """What is written before each step, (steps, bytes)."""
    parts = []
    for column, n in zip(values, numbers, strict=True):
        if isinstance(column[0], tuple):  # the short way from Python's numbers to an array
            flat = np.fromiter(chain.from_iterable(column), np.float64).astype(n.array.dtype)
        else:
            flat = np.array(column, n.array.dtype)
        parts.append(flat.reshape(len(column), -1).view(np.uint8))
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def _in_place(x: Array, own: Array) -> int:
    """Return where x lies, or its copy in `own` if compiled code cannot read it there."""
    if x.dtype != own.dtype or not x.flags.c_contiguous:
        own[...] = x
        return _address(own)
    return _address(x)


def _address(array: Array) -> int:
    address: int = array.__array_interface__["data"][0]
    return address
