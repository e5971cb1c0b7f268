"""The public names, which the API reference must have."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

MODULES = ("backprop_xp", "backprop_xp.sources", "backprop_xp.datasets", "backprop_xp.estimators")


def public_names() -> list[str]:
    """The dotted names of all that is public, with the documented methods of its classes."""
    found = []
    for name in MODULES:
        module = importlib.import_module(name)
        for each in getattr(module, "__all__", None) or _defined_in(module):
            thing = getattr(module, each)
            if inspect.ismodule(thing):
                continue
            found.append(f"{name}.{each}")
            if inspect.isclass(thing):
                found += [f"{name}.{each}.{method}" for method in _documented(thing)]
    return found


def _defined_in(module: Any) -> list[str]:
    """The public names of a module without `__all__`."""
    return [
        name
        for name, thing in vars(module).items()
        if not name.startswith("_") and getattr(thing, "__module__", "") == module.__name__
    ]


def _documented(kind: type) -> list[str]:
    """The public methods and properties of a class that this library has given a docstring."""
    own = [c for c in kind.__mro__ if c.__module__.startswith("backprop_xp")]
    names = {name for c in own for name in vars(c) if not name.startswith("_")}
    methods = (property, staticmethod, classmethod)
    found = {name: inspect.getattr_static(kind, name) for name in sorted(names)}
    return [
        name
        for name, value in found.items()
        if (inspect.isfunction(value) or isinstance(value, methods)) and value.__doc__
    ]
