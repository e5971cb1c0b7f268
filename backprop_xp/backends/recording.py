"""Recording for NumPy: a training step becomes a straight line of products and ufunc calls.

The step runs once while the backend notes each primitive and the arrays it would work on, and does
nothing. All arrays but the step's inputs are the same in every step, so the notes can be replayed
on any batch: what a CUDA graph does on the GPU. In between the kernels of small arrays are joined,
and what was computed twice is computed once.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from backprop_xp.backends.blocks import BLOCK
from backprop_xp.backends.fusion import Fused, slow_numbers
from backprop_xp.backends.straight_line import Operation, function, with_few_temporaries


@dataclass(frozen=True)
class Plan:
    """How to run a kernel on arguments of one kind.

    `fused` is the line of ufunc calls that it is, if it is one; `run` makes them block by block if
    `in_blocks`.
    """

    run: Callable[..., None]
    fused: Fused | None = None
    in_blocks: bool = False


class Recorder(Protocol):
    """Who takes note of a step's primitives instead of running them."""

    def product(self, called: Callable[..., Any], a: Any, b: Any, out: Any) -> np.ndarray:
        """Note `called(a, b, out=out)`, and return out, which is new in every step if None."""

    def kernel(self, plan: Plan, arguments: tuple[Any, ...]) -> None:
        """Note a kernel that works on its arguments in place."""


class _Thread(threading.local):
    """What this thread is recording, if anything."""

    recorder: Recorder | None = None


this_thread = _Thread()


@contextmanager
def recorded_by(recorder: Recorder) -> Iterator[None]:
    """Within it, the primitives are noted and do nothing."""
    this_thread.recorder = recorder
    try:
        yield
    finally:
        this_thread.recorder = None


def new_product(a: Any, b: Any) -> np.ndarray:
    """An array for `a @ b`."""
    stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return np.empty((*stack, a.shape[-2], b.shape[-1]), np.result_type(a, b))


class Recording:
    """The notes of one run of a step, for NumPy."""

    def __init__(self, inputs: tuple[np.ndarray, ...]) -> None:
        self._inputs = [f"x{i}" for i in range(len(inputs))]
        self._names = {id(array): name for array, name in zip(inputs, self._inputs, strict=True)}
        self._arrays = list(inputs)  # kept, so that no other array gets the id of one of them
        self._scope: dict[str, Any] = {}
        self._operations: list[Operation] = []
        self._constants: dict[Any, np.ndarray] = {}

    def product(self, called: Callable[..., Any], a: Any, b: Any, out: Any) -> np.ndarray:
        """See `Recorder`."""
        if out is not None:
            self._call(called, a, b, out=out)
            return np.asarray(out)
        result = new_product(a, b)
        self._arrays.append(result)
        self._names[id(result)] = f"v{len(self._arrays)}"
        names = (self._name(a), self._name(b))
        self._operations.append(Operation(self._function(called), names, self._name(result)))
        return result

    def kernel(self, plan: Plan, arguments: tuple[Any, ...]) -> None:
        """Note the operations of a fused kernel one by one; others work in place as a whole."""
        if plan.fused is None or plan.in_blocks:
            self._call(plan.run, *arguments)
        else:
            self._calls_of(plan.fused, arguments)

    def _call(self, called: Callable[..., Any], *inputs: Any, out: Any = None) -> None:
        names = tuple(self._name(array) for array in inputs)
        target = None if out is None else self._name(out)
        self._operations.append(Operation(self._function(called), names, target))

    def _calls_of(self, fused: Fused, arguments: tuple[Any, ...]) -> None:
        position = len(self._operations)
        names = {n: self._name(a) for n, a in zip(fused.arguments, arguments, strict=True)}
        full = arguments[0].shape
        complete = {n for n, a in zip(fused.arguments, arguments, strict=True) if a.shape == full}
        for o in fused.operations:
            called = self._function(fused.scope[o.function])
            scope = dict(fused.scope)
            whole = o.out in complete or (o.kind is not None and min(o.kind[1]) > 1)
            if whole and math.prod(full) <= BLOCK:
                scope |= {n: self._filled(scope[n], full) for n in slow_numbers(o, scope)}
            inputs = tuple(self._inner(n, names, scope, position) for n in o.inputs)
            out = self._inner(str(o.out), names, fused.scope, position)
            kind = o.kind
            if kind is not None:  # its shape is that of a sample, 2 where the length is full
                kind = kind[0], tuple(n if m > 1 else 1 for n, m in zip(full, kind[1], strict=True))
            self._operations.append(Operation(called, inputs, out, kind))

    def replay(self, result: np.ndarray) -> Callable[..., np.ndarray]:
        """Return the step as a function of its inputs."""
        returned = self._name(result)  # an array that no operation has named, too
        operations, registers = with_few_temporaries(self._without_repetitions())
        memory = {name: np.empty(shape, dtype) for name, (dtype, shape) in registers.items()}
        scope = {**self._scope, **memory}
        return function(self._inputs, operations, scope, returned)

    def _name(self, value: Any) -> str:
        if id(value) not in self._names:
            self._names[id(value)] = f"k{len(self._arrays)}"
            self._arrays.append(value)
            self._scope[self._names[id(value)]] = value
        return self._names[id(value)]

    _function = _name  # functions are named like arrays

    def _inner(
        self, name: str, arguments: dict[str, str], scope: dict[str, Any], position: int
    ) -> str:
        """Return the name, in the whole line, of what a kernel calls `name`."""
        if name in arguments:
            return arguments[name]
        return self._name(scope[name]) if name in scope else f"{name}_{position}"

    def _filled(self, constant: Any, full: tuple[int, ...]) -> np.ndarray:
        """An array of one number, the same one for all operations that ask for it."""
        key = float(constant), np.asarray(constant).dtype, full
        if key not in self._constants:
            self._constants[key] = np.full(full, constant)
        return self._constants[key]

    def _without_repetitions(self) -> list[Operation]:
        """Leave out a ufunc that runs on the same unchanged inputs as one before it."""
        changed_in_place = {o.out for o in self._operations if o.kind is None}
        sharing_memory = self._sharing_memory()
        version: dict[str, int] = {}
        seen: dict[tuple[Any, ...], str] = {}
        same: dict[str, str] = {}
        kept = []
        for o in self._operations:
            inputs = tuple(same.get(name, name) for name in o.inputs)
            key = (o.function, *((name, version.get(name, 0)) for name in inputs))
            repeatable = o.kind is not None and o.out not in changed_in_place
            if repeatable and key in seen:
                same[str(o.out)] = seen[key]
                continue
            kept.append(Operation(o.function, inputs, o.out, o.kind))
            for written in inputs if o.out is None else (o.out,):
                for name in sharing_memory.get(written, (written,)):
                    version[name] = version.get(name, 0) + 1
            if repeatable:
                seen[key] = str(o.out)
        return kept

    def _sharing_memory(self) -> dict[str, list[str]]:
        """Return, for the name of every array, those of all arrays that its memory may overlap."""
        bounds = {
            name: np.lib.array_utils.byte_bounds(value)
            for name, value in self._scope.items()
            if isinstance(value, np.ndarray)
        }
        return {
            name: [other for other, (low, high) in bounds.items() if low < end and start < high]
            for name, (start, end) in bounds.items()
        }
