"""Operations become loops: as many as possible of those on one shape run in a single one.

The operations of a kernel join the last loop of their shape that they can be moved to: past nothing
that they depend on, and only if arrays that overlap are the very same window. A loop whose rows are
also reduced (the maximum, the sum) runs row after row, and within a row part after part: an
operation that needs the sum of a row belongs to the part after the one in which it is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from backprop_xp.backends.numba_record import (
    Constant,
    Map,
    Place,
    Product,
    Reduce,
    Shape,
    Temporary,
    Value,
    View,
)


@dataclass
class Loop:
    """Operations on the elements of one shape, and on its rows (…, 1).

    Attributes
    ----------
    shape : tuple of int
    operations : list of (int, Map or Reduce)
        Each with the part of a row's work that it belongs to: 2i is the i-th pass over the
        elements, 2i + 1 comes after it, once per row, and −1 before the first.
    read, written : dict
        The views, with the last part in which they are.
    """

    shape: Shape
    operations: list[tuple[int, Map | Reduce]] = field(default_factory=list)
    read: dict[View, int] = field(default_factory=dict)
    written: dict[View, int] = field(default_factory=dict)
    _part_of: dict[Value, int] = field(default_factory=dict)
    _same: dict[object, Temporary] = field(default_factory=dict)

    @property
    def reduces(self) -> bool:
        """Whether it runs row after row."""
        return any(isinstance(o, Reduce) for _, o in self.operations)

    def takes(self, operation: Map | Reduce) -> bool:
        """Whether this is an operation on these elements or rows that may join."""
        shape = _shape(operation)
        on_rows = isinstance(operation, Map) and self.reduces and shape == (*self.shape[:-1], 1)
        return (shape == self.shape or on_rows) and self._agrees_on(*_views(operation))

    def takes_all_of(self, other: Loop) -> bool:
        """Whether all operations of another loop may join."""
        return other.shape == self.shape and self._agrees_on(other.read, other.written)

    def _agrees_on(self, read: Iterable[View], written: Iterable[View]) -> bool:
        """Whether what overlaps, and is written by either, is the same window."""
        pairs = [(v, w) for v in written for w in (*self.read, *self.written)]
        pairs += [(v, w) for v in read for w in self.written]
        return all(v == w or not v.overlaps(w) for v, w in pairs)

    def add(self, operation: Map | Reduce, same: dict[Value, Temporary]) -> None:
        """Let the operation be the last one, or note in `same` which temporary is its value."""
        operation = _with(operation, same)
        key = _key(operation)
        if isinstance(operation.out, Temporary):
            if key in self._same:
                same[operation.out] = self._same[key]
                return
            self._same[key] = operation.out
        part = self._earliest(operation)
        self.operations.append((part, operation))
        self._part_of[operation.out] = part + isinstance(operation, Reduce)
        read, written = _views(operation)
        self.read |= {v: max(part, self.read.get(v, -1)) for v in read}
        for v in written:
            self.written[v] = part
            self._same = {key: value for key, value in self._same.items() if v not in key[1]}  # type: ignore[index]

    def where_needed(self) -> list[tuple[int, Map | Reduce]]:
        """The operations, with those on what never changes in the first part that needs them."""
        placed: list[tuple[int, Map | Reduce]] = []
        for part, o in reversed(self.operations):
            users = [when for when, other in placed if o.out in other.inputs]
            unchanged = all(isinstance(v, Constant) or v in self.read for v in o.inputs)
            unchanged = unchanged and not any(v in self.written for v in o.inputs)
            if isinstance(o, Map) and users and unchanged:
                part = min(users)
            placed.append((part, o))
        return placed[::-1]

    def _earliest(self, operation: Map | Reduce) -> int:
        """The first part of a row's work in which all is there that the operation needs."""
        read, written = _views(operation)
        after = [self._part_of.get(v, -1) for v in operation.inputs if isinstance(v, Temporary)]
        after += [self.written.get(v, -1) for v in read]
        after += [max(self.written.get(v, -1), self.read.get(v, -1)) for v in written]
        part, on_elements = max(after, default=-1), _shape(operation) == self.shape
        return part if on_elements == (part % 2 == 0) else part + 1


def loops_of(operations: Sequence[Product | list[Map | Reduce]]) -> list[Loop | Product]:
    """Return loops and products in an order in which they can run."""
    done: list[Loop | Product] = []
    same: dict[Value, Temporary] = {}
    for some in operations:
        if isinstance(some, Product):
            done.append(some)
            continue
        for own in _loops_of_kernel(some, same):
            loop = _loop_for(own, done)
            for _, operation in own.operations:
                loop.add(operation, same)
    for group in done:
        if isinstance(group, Loop) and group.reduces:
            group.operations = group.where_needed()
    return done


def _loops_of_kernel(
    operations: Sequence[Map | Reduce], same: dict[Value, Temporary]
) -> list[Loop]:
    loops: list[Loop] = []
    for operation in operations:
        if not loops or not loops[-1].takes(operation):
            loops.append(Loop(_shape(operation)))
        loops[-1].add(operation, same)
    return loops


def _loop_for(own: Loop, done: list[Loop | Product]) -> Loop:
    """The last loop that these operations may join and can be moved to, or a new one."""
    for earlier in reversed(done):
        if isinstance(earlier, Loop) and earlier.takes_all_of(own):
            return earlier
        if _depend(own, earlier):
            break
    loop = Loop(own.shape)
    done.append(loop)
    return loop


def _depend(later: Loop, earlier: Loop | Product) -> bool:
    """Whether they must stay in this order."""
    if isinstance(earlier, Loop):
        read, written = list(earlier.read), list(earlier.written)
        made = {o.out for _, o in earlier.operations}
        if any(value in made for _, o in later.operations for value in o.inputs):
            return True
    else:
        read, written = [earlier.a, earlier.b], [earlier.out]
    pairs = [(v, w) for v in later.read for w in written]
    pairs += [(v, w) for v in later.written for w in (*read, *written)]
    return any(v.overlaps(w) for v, w in pairs)


def _views(operation: Map | Reduce) -> tuple[list[View], list[View]]:
    """What an operation reads and writes in memory."""
    read = [v for v in operation.inputs if isinstance(v, View)]
    return read, [operation.out] if isinstance(operation.out, View) else []


def _shape(operation: Map | Reduce) -> Shape:
    return operation.source.shape if isinstance(operation, Reduce) else operation.out.shape


def _key(operation: Map | Reduce) -> tuple[object, tuple[object, ...]]:
    inputs = [repr(v) if isinstance(v, Constant) else v for v in operation.inputs]
    return operation.function, tuple(inputs)


def _with(operation: Map | Reduce, same: dict[Value, Temporary]) -> Map | Reduce:
    """The operation on the temporaries that stand for those with the same value."""
    if not any(v in same for v in operation.inputs):
        return operation
    inputs = tuple([same.get(v, v) for v in operation.inputs])
    if isinstance(operation, Reduce):
        source: Place = inputs[0]  # type: ignore[assignment]
        return Reduce(operation.function, source, operation.out)
    return Map(operation.function, inputs, operation.out, operation.common)
