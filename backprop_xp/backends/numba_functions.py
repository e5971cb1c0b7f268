"""What elementwise operations of a record are, as formulas of numbers."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from backprop_xp.backends.numba_ir import Number, where
from backprop_xp.backends.numba_polynomials import exp, expm1, log, log1p, tanh


def maximum(a: Number, b: Number) -> Number:
    """The larger one; NaN if one of them is."""
    return where((a >= b) | (a != a), a, b) if a.is_float else where(a >= b, a, b)


def minimum(a: Number, b: Number) -> Number:
    """The smaller one; NaN if one of them is."""
    return where((a <= b) | (a != a), a, b) if a.is_float else where(a <= b, a, b)


def sign(x: Number) -> Number:
    """1, −1, or x itself if it is 0 or NaN."""
    return where(x > 0.0, x.like(1.0), where(x < 0.0, x.like(-1.0), x))


def absolute(x: Number) -> Number:
    """|x|."""
    return x.call("llvm.fabs")


FUNCTIONS: dict[Any, Callable[..., Number]] = {
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.divide: operator.truediv,
    np.negative: operator.neg,
    np.positive: lambda x: x,
    np.absolute: absolute,
    np.square: lambda x: x * x,
    np.reciprocal: lambda x: 1.0 / x,
    np.sqrt: lambda x: x.call("llvm.sqrt"),
    np.ceil: lambda x: x.call("llvm.ceil"),
    np.floor: lambda x: x.call("llvm.floor"),
    np.rint: lambda x: x.call("llvm.rint"),
    np.trunc: lambda x: x.call("llvm.trunc"),
    np.less: operator.lt,
    np.less_equal: operator.le,
    np.greater: operator.gt,
    np.greater_equal: operator.ge,
    np.equal: operator.eq,
    np.not_equal: operator.ne,
    np.bitwise_and: operator.and_,
    np.bitwise_or: operator.or_,
    np.bitwise_xor: operator.xor,
    np.logical_and: operator.and_,
    np.logical_or: operator.or_,
    np.right_shift: operator.rshift,
    np.left_shift: operator.lshift,
    np.where: where,
    np.maximum: maximum,
    np.minimum: minimum,
    np.sign: sign,
    np.sin: lambda x: x.call("llvm.sin"),
    np.cos: lambda x: x.call("llvm.cos"),
    np.power: lambda x, y: x.call("llvm.pow", y),
    np.exp: exp,
    np.expm1: expm1,
    np.log: log,
    np.log1p: log1p,
    np.tanh: tanh,
}
