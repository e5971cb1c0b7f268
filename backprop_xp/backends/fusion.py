"""Fusion for NumPy: an elementwise kernel becomes a straight line of ufunc calls.

The kernel runs once on stand-ins that record what is done to them. From the record comes a Python
function that calls the same ufuncs in the same order, but writes into as few temporaries as
possible, and has its constants as 0-d arrays, which NumPy takes faster than Python floats. The
values are those of the kernel itself, to the last bit. What `cupy.fuse` does for the GPU, this does
for the CPU; the same kernels go through both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np

from backprop_xp.backends.base import Kernel
from backprop_xp.backends.blocks import Maker
from backprop_xp.backends.straight_line import (
    Operation,
    function,
    with_few_temporaries,
    without_copies,
)

# What a fused function depends on, per argument: its dtype, and along which axes it has the full
# length.
Signature = tuple[tuple[np.dtype, tuple[bool, ...]], ...]


class Untraceable(Exception):
    """A kernel does what the stand-ins cannot record; it runs as it is."""


@dataclass
class Fused:
    """A kernel as two functions, and the record that they were made from.

    Attributes
    ----------
    run : callable
        `run(*arguments)` makes its temporaries itself: for small arrays.
    run_in : callable
        `run_in(*arguments, *temporaries)` is given them: for block after block.
    temporaries : list of callable
        Each makes, of a number of elements, an array that `run_in` needs for blocks of up to so
        many: memory to write into, or a number repeated.
    arguments : list of str
        The names of the arguments in the operations.
    operations : list of Operation
    scope : dict
        The functions and constants that the operations name.
    """

    run: Callable[..., None]
    run_in: Callable[..., None]
    temporaries: list[Maker]
    arguments: list[str]
    operations: list[Operation]
    scope: dict[str, Any]


def signature(arguments: tuple[Any, ...]) -> Signature:
    """Return what a fused function depends on; the first argument has the full shape."""
    full = arguments[0].shape
    return tuple((a.dtype, tuple(n == m for n, m in zip(a.shape, full))) for a in arguments)  # noqa: B905


@lru_cache(maxsize=256)
def fuse(kernel: Kernel, described: Signature, rows: bool = False) -> Fused:
    """Record `kernel` for arguments of this signature.

    With `rows` it may take the maximum and the sum over the last axis, and the sum over the last
    two, which are kept, and only whole arrays may be given to it.

    Raises
    ------
    Untraceable, or what the kernel raises
        The kernel branches on values, or calls what is no ufunc.
    """
    record = _Record(rank=len(described[0][1]))
    values = [
        _Value(record, f"a{i}", np.ones([2 if full else 1 for full in axes], dtype))
        for i, (dtype, axes) in enumerate(described)
    ]
    with np.errstate(all="ignore"):
        kernel(_Namespace(record, rows), *values)
    names = [value.name for value in values]
    operations = without_copies(record.operations)
    lines, registers = with_few_temporaries(operations)
    memory = {name: partial(np.empty, dtype=dtype) for name, (dtype, _) in registers.items()}
    repeated = {
        name: partial(np.full, fill_value=record.scope[name])
        for o in operations
        for name in slow_numbers(o, record.scope)
    }
    return Fused(
        run=function(names, lines, record.scope),
        run_in=function([*names, *memory, *repeated], lines, record.scope),
        temporaries=[*memory.values(), *repeated.values()],
        arguments=names,
        operations=operations,
        scope=record.scope,
    )


def slow_numbers(operation: Operation, scope: dict[str, Any]) -> list[str]:
    """Return the numbers that an operation would rather take as arrays of its result's shape.

    NumPy has vector instructions for the maximum and the minimum only of two arrays.
    """
    if scope[operation.function] not in (np.maximum, np.minimum):
        return []
    return [n for n in operation.inputs if isinstance(scope.get(n), np.ndarray | np.generic)]


class _Value:
    """A stand-in for an array: its name in the line of calls, and a sample of its kind."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, record: _Record, name: str, sample: Any) -> None:
        self._record, self.name, self.sample = record, name, sample

    @property
    def dtype(self) -> np.dtype:
        dtype: np.dtype = self.sample.dtype
        return dtype

    def __setitem__(self, key: Any, value: Any) -> None:
        if key is not Ellipsis:
            raise Untraceable("only x[...] = value")
        self._record.call(np.positive, value, out=self)

    def __pow__(self, exponent: Any) -> Any:
        simple = {2: np.square, 1: np.positive, 0.5: np.sqrt, -1: np.reciprocal}
        if isinstance(exponent, int | float) and exponent in simple:
            return self._record.call(simple[exponent], self)
        return self._record.call(np.power, self, exponent)

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise Untraceable("a branch on a value, a conversion, or an unusual operator")

    __bool__ = __float__ = __int__ = __array__ = __ipow__ = __iand__ = __ior__ = _refuse


def _operator(ufunc: np.ufunc, swapped: bool = False, in_place: bool = False) -> Callable[..., Any]:
    def method(self: _Value, *other: Any) -> Any:
        operands = (*other, self) if swapped else (self, *other)
        return self._record.call(ufunc, *operands, out=self if in_place else None)

    return method


_ARITHMETIC: dict[str, np.ufunc] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "truediv": np.divide,
}
for _name, _ufunc in _ARITHMETIC.items():
    setattr(_Value, f"__{_name}__", _operator(_ufunc))
    setattr(_Value, f"__r{_name}__", _operator(_ufunc, swapped=True))
    setattr(_Value, f"__i{_name}__", _operator(_ufunc, in_place=True))
_OTHERS: dict[str, np.ufunc] = {
    "neg": np.negative,
    "abs": np.absolute,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "rshift": np.right_shift,
    "invert": np.invert,
}
for _name, _ufunc in _OTHERS.items():
    setattr(_Value, f"__{_name}__", _operator(_ufunc))


def _row_maximum(x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Return the maximum of every row; of many short rows in vector instructions."""
    columns = x.shape[-1]
    if columns > 32 or x.size <= 32 * columns:  # by measurement
        return np.maximum.reduce(x, axis=-1, keepdims=True, out=out)
    # NumPy would begin anew in every row: side by side, all of them are compared at once.
    transposed = np.ascontiguousarray(x.reshape(-1, columns).T)
    found: np.ndarray = np.maximum.reduce(transposed, axis=0).reshape(*x.shape[:-1], 1)
    return found if out is None else np.positive(found, out=out)


# By ufunc and axis. One object for each: a recording sees when two kernels ask for the same.
REDUCTIONS: dict[tuple[np.ufunc, Any], Callable[..., np.ndarray]] = {
    (np.maximum, -1): _row_maximum,
    (np.add, -1): partial(np.add.reduce, axis=-1, keepdims=True),
    (np.add, (-2, -1)): partial(np.add.reduce, axis=(-2, -1), keepdims=True),
}


class _Record:
    """What a kernel did: operations in order, and the functions and constants they use."""

    def __init__(self, rank: int) -> None:
        self.operations: list[Operation] = []
        self.scope: dict[str, Any] = {}
        self._full = (2,) * rank

    def call(self, ufunc: np.ufunc, *operands: Any, out: _Value | None = None) -> _Value:
        """Record a ufunc, into `out` if given."""
        result = ufunc(*map(_sample, operands))
        if out is not None and out.name in self.scope:
            raise Untraceable("a change of what ones_like returned")
        if out is not None and not np.can_cast(result.dtype, out.dtype, "same_kind"):
            raise Untraceable(f"{result.dtype} into {out.dtype}")
        return self._append(ufunc.__name__, ufunc, operands, result, out)

    def where(self, condition: Any, x: Any, y: Any) -> _Value:
        """Record a choice, which always makes a new array."""
        result = np.where(*map(_sample, (condition, x, y)))
        return self._append("where", np.where, (condition, x, y), result, None)

    def astype(self, x: _Value, dtype: Any) -> _Value:
        """Record a conversion, which always makes a new array."""
        result = x.sample.astype(dtype)
        name = f"to_{result.dtype.name}"
        return self._append(name, lambda array: array.astype(dtype), (x,), result, None)

    def ones_like(self, x: _Value) -> _Value:
        """Record no operation but the number 1, which broadcasts to the shape of x."""
        one = np.ones((), x.dtype)
        name = self._constant(one)
        return _Value(self, name, one)

    def reduce(self, ufunc: np.ufunc, x: Any, axis: Any = None, keepdims: bool = False) -> _Value:
        """Record a ufunc over the last axis, or the last two, which are kept."""
        if (ufunc, axis) not in REDUCTIONS or not keepdims or not isinstance(x, _Value):
            raise Untraceable("only over axis=-1 with keepdims=True")
        reduced, over = REDUCTIONS[ufunc, axis], "rows" if axis == -1 else "matrices"
        return self._append(f"{ufunc.__name__}_{over}", reduced, (x,), reduced(x.sample), None)

    def _append(
        self, name: str, made_by: Any, operands: tuple[Any, ...], result: Any, out: _Value | None
    ) -> _Value:
        self.scope[name] = made_by
        makes_new = isinstance(made_by, np.ufunc) and result.shape == self._full
        reusable = out is None and (makes_new or made_by in REDUCTIONS.values())
        kind = (result.dtype, result.shape) if reusable else None
        if out is None:
            out = _Value(self, f"t{len(self.operations)}", result)
        dtypes = [s.dtype for s in map(_sample, operands) if hasattr(s, "dtype")]
        floating = next((dtype for dtype in dtypes if dtype.kind == "f"), None)
        inputs = tuple(self._name(operand, floating) for operand in operands)
        self.operations.append(Operation(name, inputs, out.name, kind))
        return out

    def _name(self, operand: Any, dtype: np.dtype | None) -> str:
        """Return the name of an operand; a Python number becomes a constant of the arrays' dtype.

        Scalars of NumPy keep theirs, which decides the dtype of the result.
        """
        if isinstance(operand, _Value):
            return operand.name
        if not isinstance(operand, int | float | np.generic):
            raise Untraceable(f"an operand of type {type(operand).__name__}")
        as_given = dtype is None or isinstance(operand, np.generic)
        return self._constant(operand if as_given else np.array(operand, dtype))

    def _constant(self, value: Any) -> str:
        name = f"c{len(self.scope)}"
        self.scope[name] = value
        return name


def _sample(operand: Any) -> Any:
    return operand.sample if isinstance(operand, _Value) else operand


class _Namespace:
    """The namespace that a kernel sees while it is recorded."""

    def __init__(self, record: _Record, rows: bool) -> None:
        self._record = record
        self.where, self.astype, self.ones_like = record.where, record.astype, record.ones_like
        if rows:
            self.max = partial(record.reduce, np.maximum)
            self.sum = partial(record.reduce, np.add)

    def __getattr__(self, name: str) -> Any:
        found = getattr(np, name)
        if isinstance(found, np.ufunc):
            return lambda *operands: self._record.call(found, *operands)
        if callable(found):
            raise Untraceable(name)
        return found
