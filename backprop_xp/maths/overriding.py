"""Which methods of a network are a subclass's own: nobody may take a shorter way past them."""

from __future__ import annotations

from types import MethodType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backprop_xp.maths.model import Model

_OURS = "backprop_xp.maths.network"


def overridden(net: Model, *names: str) -> list[str]:
    """Return which of these methods are a subclass's, or were put in the place of the library's."""
    return [name for name in names if _defined_in(getattr(net, name)) != _OURS]


def _defined_in(method: Any) -> Any:
    """The module whose lines a method has; `functools.wraps` would lie about its `__module__`."""
    function = method.__func__ if isinstance(method, MethodType) else method
    return getattr(function, "__globals__", {}).get("__name__")
