"""A step as code: its loops and products as LLVM functions, and the loop over batches around them.

All of it is one function, which LLVM compiles.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from llvmlite import ir

from backprop_xp.backends.numba_blas import write_gemm
from backprop_xp.backends.numba_ir import INDEX, function_of_pointers, integer, loop, pointer
from backprop_xp.backends.numba_loops import Loop, loops_of
from backprop_xp.backends.numba_maps import LoopWriter, views_of
from backprop_xp.backends.numba_products import ProductWriter, by_blas, of_stack
from backprop_xp.backends.numba_record import Product, Record, Reduce, Shape, Temporary, View


class Code:
    """The code of a step.

    Attributes
    ----------
    groups : list of Loop or Product
        In the order in which they run.
    kept : dict
        Memory for temporaries that outlive their loop.
    inputs : list of (int, int)
        The rows and the bytes of a row of every input.
    """

    #: Addresses and lengths: of the addresses of the arrays that stay; of the order of the rows, if
    #: they are to be gathered; the number of the first batch, how many there are, and how many rows
    #: lie from one to the next; of what the host writes before each step, so many bytes wide, and
    #: of where that goes, (address, bytes, offset) each.
    ARGUMENTS = (
        *("at", "order", "ordered", "first", "steps", "size"),
        *("numbers", "width", "places", "count"),
    )

    def __init__(
        self, record: Record, inputs: Sequence[tuple[Shape, np.dtype]], result: np.ndarray
    ) -> None:
        self.groups = loops_of(record.operations)
        self.kept = _kept(self.groups, record)
        # Where the rows of a batch are gathered.
        batch = [np.empty(shape, dtype) for shape, dtype in inputs]
        self._batch = [record.slot(x) for x in batch]
        self.inputs = [(len(x), x[0].nbytes) for x in batch]
        self._result = record.view(result).name, result.nbytes
        self._slots = len(record.memory)

    @property
    def text(self) -> str:
        """All that the instructions depend on, for people and as the name of the code."""
        lines = [f"inputs {self.inputs} in {self._batch}, result {self._result}"]
        for group in self.groups:
            if isinstance(group, Product):
                lines.append(f"product {group}" + (" by BLAS" if by_blas(group) else ""))
            else:
                lines += [
                    f"loop {group.shape}",
                    *(f"    {part}: {o}" for part, o in group.operations),
                ]
        lines += [f"{temporary} is {view}" for temporary, view in self.kept.items()]
        return "\n".join(lines)

    @property
    def argument_count(self) -> int:
        """How many `write` takes."""
        return len(self.ARGUMENTS) + len(self.inputs) + 1

    def write(self, builder: Any, arguments: Sequence[Any]) -> None:
        """Write a loop over steps, for `ARGUMENTS`, then addresses of tables and of results.

        The tables are those whose rows are taken; the results of all steps are kept one after the
        other.
        """
        at, order, ordered, first, steps, size, numbers, width, places, count = arguments[:10]
        tables = arguments[10 : 10 + len(self.inputs)]
        kept = arguments[-1]
        known = pointer(builder, at, np.dtype("int64"))
        addresses = {f"a{i}": known.load(integer(i)).value for i in range(self._slots)}
        with loop(builder, steps) as step:
            begin = builder.mul(builder.add(first, step), size)
            values = builder.add(numbers, builder.mul(step, width))
            _write_numbers(builder, values, places, count)
            for i, (rows, row) in enumerate(self.inputs):
                batch = addresses[f"a{self._batch[i]}"]
                addresses[f"x{i}"] = _gathered(
                    builder, (tables[i], batch), (order, ordered, begin), rows, row
                )
            functions: dict[str, Any] = {}
            for group in self.groups:
                self._call(builder, group, addresses, functions)
            name, length = self._result
            place = builder.add(kept, builder.mul(step, integer(length)))
            _copy(builder, place, addresses[name], integer(length))

    def _call(
        self,
        builder: Any,
        group: Loop | Product,
        addresses: dict[str, Any],
        functions: dict[str, Any],
    ) -> None:
        if isinstance(group, Product) and (how := by_blas(group)) is not None:
            _write_gemms(builder, group, how, addresses)
            return
        views = (
            views_of(group, self.kept) if isinstance(group, Loop) else [group.a, group.b, group.out]
        )
        key = _without_places(group, views, self.kept)
        if key not in functions:
            name = f"{builder.function.name}.part{len(functions)}"
            inner, pointers = function_of_pointers(builder.module, name, [v.dtype for v in views])
            if isinstance(group, Loop):
                LoopWriter(inner, group, self.kept, pointers).write()
            else:
                ProductWriter(inner, group, pointers).write()
            inner.ret_void()
            functions[key] = inner.function
        given = [builder.inttoptr(_address(builder, v, addresses), ir.PointerType()) for v in views]
        builder.call(functions[key], given)


def _without_places(
    group: Loop | Product, views: Sequence[View], kept: dict[Temporary, View]
) -> str:
    """What is the same for groups that differ only in where their arrays lie."""
    names = {v: f"p{i}" for i, v in enumerate(views)}
    temporaries: dict[Temporary, str] = {}

    def named(value: Any) -> str:
        if isinstance(value, View):
            return f"{names[value]} {value.dtype} {value.shape} {value.strides}"
        if isinstance(value, Temporary):
            known = temporaries.setdefault(value, f"t{len(temporaries)}")
            return f"{known} {named(kept[value])}" if value in kept else known
        return repr(value)

    if isinstance(group, Product):
        return " ".join(named(v) for v in views)
    lines = [
        f"{part} {type(o).__name__} {o.described} {[named(v) for v in (*o.inputs, o.out)]}"
        for part, o in group.operations
    ]
    return "\n".join([f"{group.shape}", *lines])


def _write_gemms(
    builder: Any, product: Product, how: dict[str, int], addresses: dict[str, Any]
) -> None:
    views, dtype = (product.a, product.b, product.out), product.out.dtype
    bases = [_address(builder, view, addresses) for view in views]
    count = math.prod(product.out.shape[:-2])
    if count == 1:
        write_gemm(builder, dtype, how, bases)
        return
    with loop(builder, product.out.shape[0]) as i:  # `gemm_arguments` takes stacks of one axis
        starts = [builder.mul(of_stack(builder, v, [i]), integer(dtype.itemsize)) for v in views]
        write_gemm(
            builder, dtype, how, [builder.add(*pair) for pair in zip(bases, starts, strict=True)]
        )


def _address(builder: Any, view: View, addresses: dict[str, Any]) -> Any:
    """Where a view begins."""
    shift = view.offset * view.dtype.itemsize
    base = addresses[view.name]
    return builder.add(base, integer(shift)) if shift else base


def _write_numbers(builder: Any, values: Any, places: Any, count: Any) -> None:
    """Copy what the host has written for a step to where kernels read it."""
    with builder.if_then(builder.icmp_signed(">", count, integer(0))), loop(builder, count) as i:
        place = pointer(builder, places, np.dtype("int64"))
        start = builder.mul(i, integer(3))
        address, length, offset = (
            place.load(builder.add(start, integer(j))).value for j in range(3)
        )
        _copy(builder, address, builder.add(values, offset), length)


def _gathered(
    builder: Any, memory: tuple[Any, Any], order: tuple[Any, Any, Any], rows: int, row: int
) -> Any:
    """Gather rows into a batch, unless they follow each other; return where the batch begins."""
    (table, batch), (order_at, ordered, begin) = memory, order
    in_place = builder.add(table, builder.mul(begin, integer(row)))
    before = builder.block
    with builder.if_then(builder.icmp_signed(">", ordered, integer(0))):
        numbers = pointer(builder, order_at, np.dtype("int64"))
        with loop(builder, rows) as i:
            chosen = numbers.load(builder.add(begin, i)).value
            start = builder.add(table, builder.mul(chosen, integer(row)))
            _copy(builder, builder.add(batch, builder.mul(i, integer(row))), start, integer(row))
        gathered = builder.block
    found = builder.phi(INDEX)
    found.add_incoming(in_place, before)
    found.add_incoming(batch, gathered)
    return found


def _copy(builder: Any, to: Any, start: Any, length: Any) -> None:
    """Copy bytes."""
    kind, flag = ir.PointerType(), ir.IntType(1)
    signature = ir.FunctionType(ir.VoidType(), [kind, kind, INDEX, flag])
    copy = builder.module.declare_intrinsic("llvm.memcpy", (kind, kind, INDEX), signature)
    pointers = [builder.inttoptr(address, kind) for address in (to, start)]
    builder.call(copy, [*pointers, length, ir.Constant(flag, 0)])


def _kept(groups: Sequence[Loop | Product], record: Record) -> dict[Temporary, View]:
    """Return memory for temporaries that outlive the loop, or the pass, that makes them."""
    made: dict[Temporary, tuple[Loop, int]] = {}
    kept: dict[Temporary, View] = {}
    for group in [group for group in groups if isinstance(group, Loop)]:
        for part, o in group.operations:
            for value in o.inputs:
                if not isinstance(value, Temporary) or value in kept:
                    continue
                maker, when = made[value]
                if maker is not group:
                    kept[value] = record.view(np.empty(value.shape, value.dtype))
                elif group.reduces and when % 2 == 0 and part != when:
                    row = np.empty(value.shape[-1:], value.dtype)
                    kept[value] = record.view(row)
            if isinstance(o.out, Temporary):
                made[o.out] = group, part + isinstance(o, Reduce)
    return kept
