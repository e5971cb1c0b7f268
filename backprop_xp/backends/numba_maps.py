"""A loop over elements as instructions: loads, formulas, stores."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from itertools import groupby
from typing import Any

import numpy as np
from llvmlite import ir

from backprop_xp.backends.numba_functions import FUNCTIONS
from backprop_xp.backends.numba_ir import Number, Pointer, Total, loop, place, type_of
from backprop_xp.backends.numba_loops import Loop
from backprop_xp.backends.numba_record import (
    Constant,
    Map,
    Reduce,
    Shape,
    Temporary,
    Value,
    View,
)


def views_of(group: Loop, kept: dict[Temporary, View]) -> list[View]:
    """Return what a loop loads from and stores to, each view once."""
    values = [v for _, o in group.operations for v in (*o.inputs, o.out)]
    views = [v if isinstance(v, View) else kept.get(v) for v in values]  # type: ignore[arg-type]
    return list(dict.fromkeys(v for v in views if v is not None))


class LoopWriter:
    """Writes a loop into a function whose arguments are pointers to its views."""

    def __init__(
        self, builder: Any, group: Loop, kept: dict[Temporary, View], pointers: Sequence[Pointer]
    ) -> None:
        self._builder, self._group, self._kept = builder, group, kept
        views = views_of(group, kept)
        self._pointer = dict(zip(views, pointers, strict=True))
        self._shape, strides = merged(group.shape, views, keep_last=group.reduces)
        self._strides = dict(zip(views, strides, strict=True))
        # Numbers that are known: along a row, and in the pass under way.
        self._of_row: dict[Value, Number] = {}
        self._of_pass: dict[Value, Number] = {}

    def write(self) -> None:
        """Write all of it."""
        rows = self._shape[:-1] if self._group.reduces else self._shape
        with ExitStack() as loops:
            self._variables = [loops.enter_context(loop(self._builder, n)) for n in rows]
            by_part = sorted(self._group.operations, key=lambda pair: pair[0])
            for part, pairs in groupby(by_part, key=lambda pair: pair[0]):
                operations = [operation for _, operation in pairs]
                if self._group.reduces and part % 2 == 0:
                    self._pass(operations)
                else:
                    self._part(operations, self._variables, self._of_row)

    def _pass(self, operations: Sequence[Map | Reduce]) -> None:
        """A loop over the elements of the row."""
        row = self._variables
        totals = {
            o.out: Total(self._builder, o.function, o.out.dtype)
            for o in operations
            if isinstance(o, Reduce)
        }
        self._of_pass = {}
        with loop(self._builder, self._shape[-1]) as j:
            self._part(operations, [*row, j], self._of_pass, totals)
        self._of_pass = {}
        for out, total in totals.items():
            self._of_row[out] = total.value
            if out in self._kept:
                self._store(self._kept[out], self._of_row[out], row)

    def _part(
        self,
        operations: Sequence[Map | Reduce],
        variables: Sequence[Any],
        known: dict[Value, Number],
        totals: dict[Temporary, Total] | None = None,
    ) -> None:
        """Operations with these indices, which add to what is known."""
        written: dict[View, Number] = {}
        for o in operations:
            inputs = [self._number(value, variables, known) for value in o.inputs]
            if isinstance(o, Reduce):
                assert totals is not None
                totals[o.out].add(inputs[0])
                continue
            known[o.out] = result = _apply(o, inputs).to(o.out.dtype)
            if isinstance(o.out, View):
                written[o.out] = result
            elif o.out in self._kept:
                self._store(self._kept[o.out], result, variables)
        for view, number in written.items():
            self._store(view, number, variables)

    def _number(self, value: Value, variables: Sequence[Any], known: dict[Value, Number]) -> Number:
        """Return a value, loaded if need be."""
        if isinstance(value, Constant):
            dtype = np.asarray(value.value).dtype
            plain = float(value.value) if dtype.kind == "f" else int(value.value)
            return Number(self._builder, ir.Constant(type_of(dtype), plain), dtype)
        for names in (known, self._of_row):
            if value in names:
                return names[value]
        view = value if isinstance(value, View) else self._kept[value]
        known[value] = self._pointer[view].load(self._place(view, variables))
        return known[value]

    def _store(self, view: View, number: Number, variables: Sequence[Any]) -> None:
        self._pointer[view].store(self._place(view, variables), number)

    def _place(self, view: View, variables: Sequence[Any]) -> Any:
        strides = self._strides[view][: len(variables)]
        return place(self._builder, variables, strides)


def _apply(o: Map, inputs: list[Number]) -> Number:
    """Write one operation."""
    if o.function is np.power and isinstance(o.inputs[1], Constant):
        exponent = float(o.inputs[1].value)
        if exponent in range(9):
            return _whole_power(inputs[0].to(o.common), int(exponent))
    if o.function is np.where:
        condition, *inputs = inputs
        return FUNCTIONS[np.where](condition, *(x.to(o.common) for x in inputs))
    if o.function in FUNCTIONS:
        return FUNCTIONS[o.function](*(x.to(o.common) for x in inputs))
    return inputs[0].to(o.common)  # a conversion


def _whole_power(x: Number, exponent: int) -> Number:
    result = x.like(1.0)
    for _ in range(exponent):
        result = result * x
    return result


def merged(shape: Shape, views: Sequence[View], keep_last: bool) -> tuple[Shape, list[Shape]]:
    """Return a shape with as few axes as possible, and the strides of these views along them.

    Axes of length 1 go, and neighbours that every view steps through as through one are joined.
    """
    stop = len(shape) - keep_last
    columns = [[_stride(view, shape, axis) for view in views] for axis in range(len(shape))]
    lengths: list[int] = []
    steps: list[list[int]] = []
    for n, column in zip(shape[:stop], columns[:stop], strict=True):
        if n == 1:
            continue
        if lengths and steps[-1] == [s * n for s in column]:
            lengths[-1], steps[-1] = lengths[-1] * n, column
        else:
            lengths.append(n)
            steps.append(column)
    lengths += shape[stop:]
    steps += columns[stop:]
    return tuple(lengths), [tuple([column[i] for column in steps]) for i in range(len(views))]


def _stride(view: View, shape: Shape, axis: int) -> int:
    """The stride of a view along an axis of a shape that it is broadcast to."""
    own = axis - len(shape) + len(view.shape)
    return view.strides[own] if own >= 0 and view.shape[own] > 1 else 0
