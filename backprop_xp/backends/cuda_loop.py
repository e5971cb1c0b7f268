"""Steps on batch after batch without the host in between: a graph that gathers its rows.

A launch reads the number of its batch from the device, gathers the rows, takes the step, keeps
what came out, and counts on. The order of the rows is moved once per epoch, and the numbers that
differ from step to step (learning rates …) once for many steps: a step costs the host one launch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cupy
import numpy as np

from backprop_xp.backends.base import Array, Numbers
from backprop_xp.backends.cuda_graph import Graph, NotCapturedError, say_eager

# `place` holds the number of the batch in the epoch, and that of the step since `take` was called.
_gather = cupy.ElementwiseKernel(
    "raw T table, raw int64 order, raw int64 place, int64 size, int64 columns",
    "T out",
    "out = table[order[place[0] * size + i / columns] * columns + i % columns]",
    "gather_rows",
)
_read = cupy.ElementwiseKernel(
    "raw T values, raw int64 place", "T out", "out = values[place[1] * _ind.size() + i]", "read_row"
)
_keep = cupy.ElementwiseKernel(
    "T given, raw int64 place", "raw T kept", "kept[place[1] * _ind.size() + i] = given", "keep_row"
)
_advance = cupy.ElementwiseKernel(
    "", "raw int64 place", "place[0] += 1; place[1] += 1", "advance_place"
)
_go_to = cupy.ElementwiseKernel(
    "int64 batch", "raw int64 place", "place[0] = batch; place[1] = 0", "go_to_batch"
)


class GraphedLoop:
    """A graph for every number of rows that a batch has: in most cases two, for the last one."""

    #: So many steps are taken at most before the host is asked again.
    steps_at_once = 1024

    def __init__(
        self,
        step: Callable[..., tuple[Array, ...]],
        numbers_of: Callable[..., Sequence[Numbers]],
        tables: tuple[Array, ...],
        size: int,
    ) -> None:
        self.step, self.numbers_of, self.size = step, numbers_of, size
        self.tables = tuple([cupy.ascontiguousarray(table) for table in tables])
        self.order = cupy.arange(len(tables[0]), dtype=np.int64)
        self.place = cupy.zeros(2, np.int64)
        self.stream = cupy.cuda.Stream(non_blocking=True)
        self.eager = False
        self._of_rows: dict[int, _OfRows] = {}

    def begin(self, order: np.ndarray | None) -> None:
        """See `backends.base.Loop`."""
        if order is not None:
            self.order.set(order)

    def take(
        self, first: int, rows: int, steps: int, values: Sequence[Sequence[Any]]
    ) -> list[Array]:
        """See `backends.base.Loop`."""
        if rows not in self._of_rows:
            self._of_rows[rows] = _OfRows(self, rows)
        _go_to(first, self.place, size=1)
        return self._of_rows[rows].take(steps, values)


class _OfRows:
    """The graph for batches of so many rows, with the memory that it works on."""

    def __init__(self, loop: GraphedLoop, rows: int) -> None:
        self._loop = loop
        self._graph = Graph(self._work, loop.stream)
        self._kept: list[Array] = []
        with self._graph.memory():
            self._batch = [cupy.empty((rows, t.shape[1]), t.dtype) for t in loop.tables]
            self._numbers = loop.numbers_of(*self._batch)
            self._values = [
                cupy.empty((loop.steps_at_once, *n.array.shape), n.array.dtype)
                for n in self._numbers
            ]

    def take(self, steps: int, values: Sequence[Sequence[Any]]) -> list[Array]:
        """Take so many steps with these values, from where `place` is."""
        for numbers, moved, column in zip(self._numbers, self._values, values, strict=True):
            shape = (steps, *moved.shape[1:])
            moved[:steps].set(np.array(column, moved.dtype).reshape(shape))
            numbers.were_written(column[-1])
        for _ in range(steps):
            self._run()
        return [kept[:steps] for kept in self._kept]

    def _run(self) -> None:
        if not self._loop.eager:
            try:
                self._graph.run()
                return
            except NotCapturedError as problem:
                self._loop.eager = True
                say_eager(problem)
        self._work()

    def _work(self) -> Array:
        loop, place = self._loop, self._loop.place
        for table, out in zip(loop.tables, self._batch, strict=True):
            _gather(table, loop.order, place, loop.size, out.shape[1], out)
        for moved, numbers in zip(self._values, self._numbers, strict=True):
            _read(moved, place, numbers.array)
        results = loop.step(*self._batch)
        if not self._kept:
            self._kept = [
                cupy.empty((loop.steps_at_once, result.size), result.dtype) for result in results
            ]
        for result, kept in zip(results, self._kept, strict=True):
            _keep(result, place, kept)
        _advance(place, size=1)
        return place
