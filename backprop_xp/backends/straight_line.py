"""A straight line of array operations: made shorter, then compiled into a Python function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

# A temporary's dtype and shape.
Kind = tuple[np.dtype, tuple[int, ...]]


@dataclass(frozen=True)
class Operation:
    """`out = function(*inputs)`: all names.

    `kind` is set if out is a new array made by a ufunc, which may lie in memory used before. An
    operation without out works on its inputs in place.
    """

    function: str
    inputs: tuple[str, ...]
    out: str | None
    kind: Kind | None = None


def without_copies(operations: list[Operation]) -> list[Operation]:
    """Let `t = f(…); a = t` be `a = f(…)` where nothing reads t afterwards."""
    kept: list[Operation] = []
    for i, copy in enumerate(operations):
        made = kept[-1] if kept else None
        if (
            made is not None
            and made.kind is not None
            and (copy.function, copy.inputs) == ("positive", (made.out,))
            and not any(made.out in later.inputs for later in operations[i + 1 :])
        ):
            kept[-1] = Operation(made.function, made.inputs, copy.out)
        else:
            kept.append(copy)
    return kept


def with_few_temporaries(
    operations: list[Operation],
) -> tuple[list[Operation], dict[str, Kind]]:
    """Give every temporary a register, which is free again after its last reader."""
    last_use = {name: i for i, o in enumerate(operations) for name in (*o.inputs, o.out)}
    register: dict[str | None, str] = {}
    registers: dict[str, Kind] = {}
    free: list[str] = []
    renamed = []
    for i, o in enumerate(operations):
        inputs = tuple(register.get(name, name) for name in o.inputs)
        free += {register[name] for name in o.inputs if name in register and last_use[name] == i}
        if o.kind is not None:
            fitting = [name for name in free if registers[name] == o.kind]
            chosen = fitting[-1] if fitting else f"r{len(registers)}"
            if fitting:
                free.remove(chosen)
            registers[chosen] = o.kind
            register[o.out] = chosen
        renamed.append(Operation(o.function, inputs, register.get(o.out, o.out), o.kind))
    return renamed, registers


def function(
    arguments: Sequence[str],
    operations: list[Operation],
    scope: dict[str, Any],
    result: str | None = None,
) -> Callable[..., Any]:
    """Write the operations as a Python function of `arguments` and compile it.

    `scope` holds what the operations name: functions, constants, arrays that exist already.
    """
    exists = {*arguments, *scope}
    lines = [f"def straight_line({', '.join(arguments)}):"]
    for o in operations:
        inputs = ", ".join(o.inputs)
        if o.out is None:
            lines.append(f"    {o.function}({inputs})")
        elif o.out in exists:
            by_name = "" if _takes_out_by_place(scope[o.function]) else "out="
            lines.append(f"    {o.function}({inputs}, {by_name}{o.out})")
        else:
            lines.append(f"    {o.out} = {o.function}({inputs})")
            exists.add(o.out)
    lines.append(f"    return {result}")
    names: dict[str, Any] = dict(scope)
    exec("\n".join(lines), names)  # every name in the text was made by this package
    compiled: Callable[..., Any] = names["straight_line"]
    return compiled


def _takes_out_by_place(called: Any) -> bool:
    """Whether `out` may follow the inputs, which costs NumPy less than the name: 1 µs in a step."""
    if called in (np.maximum, np.minimum):  # for which it is deprecated
        return False
    return called is np.dot or isinstance(called, np.ufunc)
