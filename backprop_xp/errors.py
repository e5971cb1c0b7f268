"""The errors that backprop_xp raises: one family, each also the built-in that users would catch."""

from collections.abc import Iterable
from typing import Any


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


def unknown(what: str, given: object, choices: Iterable[str], asked: str | None = None) -> str:
    """Say that `given` names no `what`, with the nearest name and all the choices."""
    import difflib  # here, because only a mistake needs it

    choices = list(choices)
    near = difflib.get_close_matches(str(given).lower(), choices, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"{asked or repr(given)}: no such {what}.{hint} The choices are: {', '.join(choices)}."
