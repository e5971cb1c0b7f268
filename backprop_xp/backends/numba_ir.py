"""Numbers and loops in LLVM's language: `x * y + 1.0` writes the instructions that compute it.

No instruction may assume that there is no NaN and no infinity (LLVM's flags `nnan` and `ninf`): a
run that diverges must be found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
from llvmlite import ir

INDEX = ir.IntType(64)
_TYPES = {
    "float32": ir.FloatType(),
    "float64": ir.DoubleType(),
    "bool": ir.IntType(1),
    "uint8": ir.IntType(8),
    "uint32": ir.IntType(32),
    "int32": ir.IntType(32),
    "int64": INDEX,
    "uint64": INDEX,
}
# Products and sums may become one instruction, which rounds once.
_CONTRACT = ("contract",)
# A sum may be taken in any order.
_ANY_ORDER = ("contract", "reassoc")


def type_of(dtype: np.dtype) -> Any:
    """Return LLVM's type of a dtype."""
    if dtype.name not in _TYPES:
        raise TypeError(f"dtype {dtype}")
    return _TYPES[dtype.name]


_Method: TypeAlias = "Callable[[Number, Any], Number]"


def _operator(of_floats: str, of_integers: str, swapped: bool = False) -> _Method:
    def method(self: Number, other: Any) -> Number:
        a, b = self, self.like(other)
        if swapped:
            a, b = b, a
        flags = {"flags": _CONTRACT} if self.is_float else {}
        write = getattr(self.builder, of_floats if self.is_float else of_integers)
        return self._new(write(a.value, b.value, **flags))

    return method


def _comparison(sign: str) -> _Method:
    def method(self: Number, other: Any) -> Number:
        builder, ordered = self.builder, {"f": "fcmp_ordered", "i": "icmp_signed"}
        compare = getattr(builder, ordered.get(self.dtype.kind, "icmp_unsigned"))
        if self.is_float and sign == "!=":  # NaN differs from everything
            compare = builder.fcmp_unordered
        return self._new(compare(sign, self.value, self.like(other).value), np.dtype(bool))

    return method


class Number:
    """A value of a dtype while instructions are written; Python numbers take its dtype."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, builder: Any, value: Any, dtype: np.dtype) -> None:
        self.builder, self.value, self.dtype = builder, value, dtype

    @property
    def is_float(self) -> bool:
        """Whether it is no integer and no truth value."""
        return self.dtype.kind == "f"

    def like(self, value: Any) -> Number:
        """A constant of this dtype, or the number itself."""
        if isinstance(value, Number):
            return value
        kind = type_of(self.dtype)
        plain = float(value) if self.is_float else int(value)
        return Number(self.builder, ir.Constant(kind, plain), self.dtype)

    def _new(self, value: Any, dtype: np.dtype | None = None) -> Number:
        return Number(self.builder, value, dtype or self.dtype)

    def __neg__(self) -> Number:
        return self._new((self.builder.fneg if self.is_float else self.builder.neg)(self.value))

    __add__ = _operator("fadd", "add")
    __sub__ = _operator("fsub", "sub")
    __mul__ = _operator("fmul", "mul")
    __truediv__ = _operator("fdiv", "udiv")
    __radd__, __rmul__ = __add__, __mul__
    __rsub__ = _operator("fsub", "sub", swapped=True)
    __rtruediv__ = _operator("fdiv", "udiv", swapped=True)
    __and__, __or__ = _operator("", "and_"), _operator("", "or_")
    __xor__ = _operator("", "xor")
    __rshift__, __lshift__ = _operator("", "lshr"), _operator("", "shl")
    __lt__, __le__ = _comparison("<"), _comparison("<=")
    __gt__, __ge__ = _comparison(">"), _comparison(">=")
    __eq__ = _comparison("==")  # type: ignore[assignment]
    __ne__ = _comparison("!=")  # type: ignore[assignment]

    def to(self, dtype: np.dtype) -> Number:
        """Convert as NumPy does."""
        if dtype == self.dtype:
            return self
        if dtype.kind == "b":
            return self != 0
        wider = dtype.itemsize > self.dtype.itemsize or self.dtype.kind == "b"
        signed = "s" if "i" in (self.dtype.kind, dtype.kind) else "u"
        own = "s" if self.dtype.kind == "i" else "z"
        names = {
            (True, True): "fpext" if wider else "fptrunc",
            (True, False): f"fpto{signed}i",
            (False, True): f"{signed}itofp",
            (False, False): f"{own}ext" if wider else "trunc",
        }
        convert = getattr(self.builder, names[self.is_float, dtype.kind == "f"])
        return self._new(convert(self.value, type_of(dtype)), dtype)

    def as_bits(self, dtype: Any) -> Number:
        """The same bits, taken for another dtype of the same size."""
        dtype = np.dtype(dtype)
        return self._new(self.builder.bitcast(self.value, type_of(dtype)), dtype)

    def to_unsigned(self) -> Number:
        """The same bits, shifted without regard to the sign."""
        return self._new(self.value, np.dtype(f"u{self.dtype.name}"))

    def call(self, name: str, *others: Number) -> Number:
        """A function of LLVM's own, such as `llvm.sqrt`."""
        kind = type_of(self.dtype)
        function = self.builder.module.declare_intrinsic(
            name, [kind], ir.FunctionType(kind, [kind] * (1 + len(others)))
        )
        return self._new(self.builder.call(function, [self.value, *(o.value for o in others)]))


def where(condition: Number, a: Number, b: Number) -> Number:
    """a where the condition holds, else b."""
    return Number(a.builder, a.builder.select(condition.value, a.value, b.value), a.dtype)


class Pointer:
    """Where numbers of a dtype begin in memory."""

    def __init__(self, builder: Any, value: Any, dtype: np.dtype) -> None:
        self.builder, self.value, self.dtype = builder, value, dtype

    def _at(self, place: Any) -> Any:
        return self.builder.gep(
            self.value, [place], inbounds=True, source_etype=type_of(self.dtype)
        )

    def load(self, place: Any) -> Number:
        """The number at this place."""
        loaded = self.builder.load(self._at(place), typ=type_of(self.dtype))
        return Number(self.builder, loaded, self.dtype)

    def store(self, place: Any, number: Number) -> None:
        """Write a number there."""
        self.builder.store(number.to(self.dtype).value, self._at(place))


class Total:
    """The sum, or the maximum, of what a loop adds to it."""

    def __init__(self, builder: Any, function: str, dtype: np.dtype) -> None:
        self._builder, self._function, self._dtype = builder, function, dtype
        kind = type_of(dtype)
        with builder.goto_entry_block():
            self._memory = builder.alloca(kind)
        builder.store(ir.Constant(kind, 0.0 if function == "sum" else float("-inf")), self._memory)

    @property
    def value(self) -> Number:
        """What it is now."""
        loaded = self._builder.load(self._memory, typ=type_of(self._dtype))
        return Number(self._builder, loaded, self._dtype)

    def add(self, x: Number) -> None:
        """Take one more number."""
        now = self.value
        if self._function == "sum":
            new = self._builder.fadd(now.value, x.value, flags=_ANY_ORDER)
        else:
            new = where((x > now) | (x != x), x, now).value
        self._builder.store(new, self._memory)


def integer(value: int) -> Any:
    """A constant index."""
    return ir.Constant(INDEX, value)


@contextmanager
def loop(builder: Any, length: Any) -> Iterator[Any]:
    """What is written within it is done for every index below `length`, which is 1 or more."""
    if isinstance(length, int):
        if length == 1:
            yield integer(0)
            return
        length = integer(length)
    before, inside = builder.block, builder.append_basic_block("loop")
    builder.branch(inside)
    builder.position_at_end(inside)
    i = builder.phi(INDEX)
    i.add_incoming(integer(0), before)
    yield i
    following = builder.add(i, integer(1), flags=("nuw", "nsw"))
    i.add_incoming(following, builder.block)
    after = builder.append_basic_block("after")
    builder.cbranch(builder.icmp_signed("<", following, length), inside, after)
    builder.position_at_end(after)


def place(builder: Any, variables: Sequence[Any], strides: Sequence[int]) -> Any:
    """Where the element with these indices lies, in elements from the first one."""
    total: Any = integer(0)
    for variable, stride in zip(variables, strides, strict=True):
        if stride:
            step = (
                builder.mul(variable, integer(stride), flags=("nsw",)) if stride != 1 else variable
            )
            total = builder.add(total, step, flags=("nsw",))
    return total


def pointer(builder: Any, address: Any, dtype: np.dtype) -> Pointer:
    """The memory at an address."""
    return Pointer(builder, builder.inttoptr(address, ir.PointerType()), dtype)


def function_of_pointers(
    module: Any, name: str, dtypes: Sequence[np.dtype]
) -> tuple[Any, list[Pointer]]:
    """A function of pointers to memory that does not overlap, with where its instructions go."""
    kind = ir.FunctionType(ir.VoidType(), [ir.PointerType()] * len(dtypes))
    function = ir.Function(module, kind, name)
    function.linkage = "internal"
    for argument in function.args:
        argument.add_attribute("noalias")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    return builder, [Pointer(builder, a, d) for a, d in zip(function.args, dtypes, strict=True)]
