"""The libraries that data on disk need, which are extras of this package."""

from __future__ import annotations

import importlib
from typing import Any

from backprop_xp.errors import ConfigurationError


def extra(module: str, extra_name: str, purpose: str) -> Any:
    """Import a module that comes with an extra.

    Raises
    ------
    ConfigurationError
        It is not installed; the message has the command that installs it.

    Examples
    --------
    >>> extra("no_such_module", "tables", "reading CSV")
    Traceback (most recent call last):
    ...
    backprop_xp.errors.ConfigurationError: reading CSV needs no_such_module, which is not \
installed: pip install "backprop-xp[tables]"
    """
    try:
        return importlib.import_module(module)
    except ImportError as problem:
        root = module.partition(".")[0]
        raise ConfigurationError(
            f"{purpose} needs {root}, which is not installed: "
            f'pip install "backprop-xp[{extra_name}]"'
        ) from problem


def pandas() -> Any:
    """Return pandas, or raise ConfigurationError with the command that installs it."""
    return extra("pandas", "tables", "a table")
