"""The errors that backprop_xp raises: one family, each also the built-in that users would catch."""

import reprlib
from collections.abc import Iterable
from typing import Any

# The most characters of a value that a message shows.
_LONGEST = 120


class _Short(reprlib.Repr):
    """Short texts as Python writes them, and arrays by their shape."""

    def repr1(self, x: Any, level: int) -> str:
        shape = getattr(x, "shape", None)
        if isinstance(shape, tuple) and shape:
            return f"<{type(x).__name__} of the shape {shape}>"
        return super().repr1(x, level)


_SHORT = _Short()
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxdict = _SHORT.maxset = 8
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = _LONGEST


class BackpropError(Exception):
    """Every error that this library raises on purpose."""


class BackendError(BackpropError, RuntimeError):
    """A backend is unknown or unusable here, or an array lives on another backend."""


class ConfigurationError(BackpropError, ValueError):
    """A network, optimizer or training option has a value that makes no sense."""


class ShapeError(BackpropError, ValueError):
    """An array has the wrong rank or size."""


class DataError(BackpropError, ValueError):
    """Data hold values that cannot be trained on: text, NaN, labels out of range …"""


class DivergenceError(BackpropError, ArithmeticError):
    """Training left the finite numbers.

    Attributes
    ----------
    epoch, batch : int or None
        Where the first loss was that is not finite, both from 1.
    layer : int or None
        The first layer whose values are not finite.
    history : History or None
        Of the epochs before.
    member : int or None
        Which network of a population it was.
    """

    def __init__(
        self,
        message: str,
        epoch: int | None = None,
        batch: int | None = None,
        layer: int | None = None,
        history: Any = None,
        member: int | None = None,
    ) -> None:
        super().__init__(message)
        self.epoch, self.batch, self.layer, self.history = epoch, batch, layer, history
        self.member = member


class CheckpointError(BackpropError, ValueError):
    """A file is no model or checkpoint of ours, is damaged, or fits another network or run."""


def shown(value: object) -> str:
    """Return a value as a message shows it: in one short line, an array by its shape."""
    text = " ".join(_SHORT.repr(value).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"


def listed(given: Any, kind: type) -> list[Any]:
    """Return what a user gave as a list: one thing of this kind, or any number of them."""
    if isinstance(given, kind):
        return [given]
    try:
        return list(given)
    except TypeError:
        return [given]


def unknown(what: str, given: object, choices: Iterable[str], asked: str | None = None) -> str:
    """Say that `given` names no `what`, with the nearest name and all the choices."""
    import difflib  # here, because only a mistake needs it

    choices = list(choices)
    asked_for = given.lower() if isinstance(given, str) else ""
    near = difflib.get_close_matches(asked_for, choices, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"{asked or shown(given)}: no such {what}.{hint} The choices are: {', '.join(choices)}."
