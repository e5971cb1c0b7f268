"""Options that are numbers: which values make sense, and the error that says so."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, Literal, TypeAlias, TypeGuard

from backprop_xp.errors import ConfigurationError, shown

Wanted: TypeAlias = Literal[
    "a number > 0",
    "a finite number > 0",
    "a finite number ≥ 0",
    "a finite number in [0, 1)",
    "a number in (0, 1)",
    "a number in [0, 1]",
]
# Each is False for NaN.
_RANGES: dict[Wanted, Callable[[float], bool]] = {
    "a number > 0": lambda x: x > 0.0,
    "a finite number > 0": lambda x: 0.0 < x < math.inf,
    "a finite number ≥ 0": lambda x: 0.0 <= x < math.inf,
    "a finite number in [0, 1)": lambda x: 0.0 <= x < 1.0,
    "a number in (0, 1)": lambda x: 0.0 < x < 1.0,
    "a number in [0, 1]": lambda x: 0.0 <= x <= 1.0,
}


def is_count(value: Any, least: int = 1) -> TypeGuard[int]:
    """Whether this is an integer ≥ `least`, of Python or NumPy; True and False are none."""
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= least


def require_count(name: str, value: Any, least: int = 1, owner: str = "") -> None:
    """Raise ConfigurationError unless `value` is an integer ≥ `least`; `owner` is whose option."""
    if not is_count(value, least):
        wanted = "a positive integer" if least == 1 else f"an integer ≥ {least}"
        raise ConfigurationError(_refusal(name, value, wanted, owner))


def is_number(value: Any, wanted: Wanted) -> TypeGuard[float]:
    """Whether this is such a number, of Python or NumPy; True and False are none."""
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    try:
        return _RANGES[wanted](float(value))
    except OverflowError:  # an integer that no float can hold
        return False


def require_number(name: str, value: Any, wanted: Wanted, owner: str = "") -> None:
    """Raise ConfigurationError unless `value` is such a number; `owner` is whose option it is."""
    if not is_number(value, wanted):
        raise ConfigurationError(_refusal(name, value, wanted, owner))


def _refusal(name: str, value: Any, wanted: str, owner: str) -> str:
    if owner:
        return f"{owner}: {name}={shown(value)}, but expected {wanted}"
    return f"{name}={shown(value)}: expected {wanted}"
