"""The record of a step as a compiler needs it: operations on views of known shape and stride.

A view is a part of memory with a shape: of an array that stays where it is, or of an input of the
step. Between operations there are only views and temporaries; nothing is left of Python's objects.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias

import numpy as np

from backprop_xp.backends.fusion import REDUCTIONS, Fused
from backprop_xp.backends.numba_functions import FUNCTIONS
from backprop_xp.backends.recording import Plan, new_product

Shape: TypeAlias = tuple[int, ...]
_MAXIMUM, _SUM = REDUCTIONS[np.maximum, -1], REDUCTIONS[np.add, -1]
_SUM_OF_MATRIX = REDUCTIONS[np.add, (-2, -1)]


@cache
def name_of(dtype: np.dtype) -> str:
    """Return dtype.name, which NumPy makes anew every time."""
    return str(dtype.name)


class NotCompilable(Exception):
    """Something in a step has no loops that could be written for it."""


@dataclass(frozen=True)
class View:
    """A part of memory with a shape; two are equal if they are the same part.

    Attributes
    ----------
    name : str
        Of its address: a0, a1 … of arrays that stay, x0, x1 … of inputs.
    offset : int
        Elements between that address and its first element.
    strides : tuple of int
        In elements; 0 along axes of length 1.
    bounds : tuple of int
        The bytes of memory from … to that it lies in, for `overlaps`.
    """

    name: str
    offset: int
    dtype: np.dtype
    shape: Shape
    strides: Shape
    bounds: tuple[int, int] = field(compare=False)

    def __repr__(self) -> str:
        start = f"{self.name}+{self.offset}" if self.offset else self.name
        return f"{start}:{name_of(self.dtype)}{list(self.shape)}/{list(self.strides)}"

    def overlaps(self, other: View) -> bool:
        """Whether they may share memory."""
        return self.bounds[0] < other.bounds[1] and other.bounds[0] < self.bounds[1]


@dataclass(frozen=True)
class Temporary:
    """A value that an operation makes for others."""

    number: int
    dtype: np.dtype
    shape: Shape

    def __repr__(self) -> str:
        return f"t{self.number}:{name_of(self.dtype)}{list(self.shape)}"


@dataclass(frozen=True, eq=False)
class Constant:
    """A number in the text of the kernel."""

    value: Any

    def __repr__(self) -> str:
        array = np.asarray(self.value)
        return f"{name_of(array.dtype)}({array.item()!r})"  # with all digits

    @property
    def shape(self) -> Shape:
        return ()


Value: TypeAlias = View | Temporary | Constant
Place: TypeAlias = View | Temporary


@dataclass(frozen=True)
class Map:
    """`out = function(*inputs)` for every element of out's shape.

    `common` is the dtype in which the function works.
    """

    function: Any
    inputs: tuple[Value, ...]
    out: Place
    common: np.dtype

    @property
    def described(self) -> str:
        """The function, and the dtype in which it works."""
        return f"{getattr(self.function, '__name__', 'function')} {name_of(self.common)}"

    def __repr__(self) -> str:
        return f"{self.out} = {self.described} {list(self.inputs)}"


@dataclass(frozen=True)
class Reduce:
    """`out`, (…, 1), is the maximum or the sum of every row of `source`, (…, n)."""

    function: str
    source: Place
    out: Temporary

    @property
    def inputs(self) -> tuple[Value, ...]:
        return (self.source,)

    @property
    def described(self) -> str:
        """The function."""
        return self.function


@dataclass(frozen=True)
class Product:
    """`out = a @ b` over the last two axes."""

    a: View
    b: View
    out: View


class Record:
    """What a step does with its inputs and with arrays that stay where they are.

    Attributes
    ----------
    operations : list
        Products, and for every kernel the list of its operations.
    memory : list of numpy.ndarray
        The arrays that stay, in the order of their names a0, a1 …
    inputs_read : set of int
        The numbers of the inputs that something is computed of.
    """

    def __init__(self, inputs: tuple[np.ndarray, ...]) -> None:
        self.operations: list[Product | list[Map | Reduce]] = []
        self.memory: list[np.ndarray] = []
        self.inputs_read: set[int] = set()
        self._inputs = [(*np.lib.array_utils.byte_bounds(x), x.itemsize) for x in inputs]
        self._names: dict[int, str] = {}  # by address
        self._temporaries = 0

    def product(self, called: Callable[..., Any], a: Any, b: Any, out: Any) -> np.ndarray:
        """See `Recorder`."""
        result: np.ndarray = new_product(a, b) if out is None else out
        if result.dtype.kind != "f":
            raise NotCompilable(f"a product of dtype {result.dtype}")
        self.operations.append(Product(self.view(a), self.view(b), self.view(result)))
        return result

    def kernel(self, plan: Plan, arguments: tuple[Any, ...]) -> None:
        """See `Recorder`."""
        if plan.fused is None:
            raise NotCompilable("a function that cannot be traced")
        self.operations.append(_Kernel(self, plan.fused, arguments).operations)

    def view(self, array: np.ndarray) -> View:
        """Return the view that an array is."""
        if array.size == 0:
            raise NotCompilable("an array without elements")
        low, high = np.lib.array_utils.byte_bounds(array)
        start = array.__array_interface__["data"][0]
        name, offset = self._address(array, start)
        lengths = zip(array.shape, array.strides, strict=True)
        steps = [stride // array.itemsize if n > 1 else 0 for n, stride in lengths]
        return View(name, offset, array.dtype, array.shape, tuple(steps), (low, high))

    def slot(self, array: np.ndarray) -> int:
        """Add an array to the memory that stays, and return its number there."""
        self.memory.append(array)
        return len(self.memory) - 1

    def temporary(self, dtype: np.dtype, shape: Shape) -> Temporary:
        """Return a new one."""
        self._temporaries += 1
        return Temporary(self._temporaries, dtype, shape)

    def _address(self, array: np.ndarray, start: int) -> tuple[str, int]:
        for i, (low, high, itemsize) in enumerate(self._inputs):
            if low <= start < high:
                self.inputs_read.add(i)
                return f"x{i}", (start - low) // itemsize
        if start not in self._names:
            self._names[start] = f"a{self.slot(array)}"
        return self._names[start], 0


class _Kernel:
    """A fused kernel as operations on the views that its arguments are."""

    def __init__(self, record: Record, fused: Fused, arguments: tuple[Any, ...]) -> None:
        self._record, self._fused = record, fused
        self.operations: list[Map | Reduce] = []
        views = [record.view(array) for array in arguments]
        self._arguments = dict(zip(fused.arguments, views, strict=True))
        self._values: dict[str, Value] = dict(self._arguments)
        self._note()

    def _note(self) -> None:
        for o in self._fused.operations:
            function, name = self._fused.scope[o.function], str(o.out)
            inputs = tuple([self._value(name) for name in o.inputs])
            if function is _SUM_OF_MATRIX:
                self._keep(name, self._sum_of_matrix(inputs[0]))
            elif function in (_MAXIMUM, _SUM):
                kind = "max" if function is _MAXIMUM else "sum"
                self._keep(name, self._reduce(kind, inputs[0]))
            else:
                self._map(function, inputs, name)

    def _keep(self, name: str, value: Temporary) -> None:
        """Let the name stand for a value, which is written to memory if that is an argument's."""
        if name in self._arguments:
            self._map(np.positive, (value,), name)
        else:
            self._values[name] = value

    def _value(self, name: str) -> Value:
        if name in self._values:
            return self._values[name]
        return Constant(self._fused.scope[name])

    def _map(self, function: Any, inputs: tuple[Value, ...], name: str) -> None:
        samples = [_sample(value) for value in inputs]
        result = np.asarray(function(*samples)).dtype
        if function not in FUNCTIONS and (isinstance(function, np.ufunc) or len(inputs) > 1):
            raise NotCompilable(f"there is no compiled form of {function}")
        common = result
        if result.kind == "b":  # a comparison works in the dtype of what it compares
            common = np.result_type(*samples)
        shape = np.broadcast_shapes(*(value.shape for value in inputs))
        out: Place
        if name in self._arguments:
            out = self._arguments[name]
            if np.broadcast_shapes(out.shape, shape) != out.shape:
                raise NotCompilable(f"an array {shape} into one of {out.shape}")
        else:
            out = self._record.temporary(result, shape)
            self._values[name] = out
        self.operations.append(Map(function, inputs, out, common))

    def _reduce(self, kind: str, source: Value) -> Temporary:
        if isinstance(source, Constant):
            raise NotCompilable("a sum over a number")
        out = self._record.temporary(source.dtype, (*source.shape[:-1], 1))
        self.operations.append(Reduce(kind, source, out))
        return out

    def _sum_of_matrix(self, source: Value) -> Temporary:
        """Σ over the rows, then over their sums, which lie in memory as a row."""
        rows = self._reduce("sum", source)
        sums = np.empty(rows.shape, rows.dtype)
        kept = self._record.view(sums)
        self.operations.append(Map(np.positive, (rows,), kept, rows.dtype))
        row = self._record.view(sums.swapaxes(-1, -2))
        return self._reduce("sum", row)


def _sample(value: Value) -> Any:
    """Something of the same dtype, to ask NumPy for the dtype of a result."""
    return value.value if isinstance(value, Constant) else np.ones(1, value.dtype)
