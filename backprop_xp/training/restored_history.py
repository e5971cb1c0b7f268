"""A history as a checkpoint gave it back, looked at before it is believed."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from backprop_xp.training.history import History
from backprop_xp.training.populations.history import PopulationHistory


def restored_history(saved: Any, epoch: int, members: int | None) -> History:
    """Return the history of so many epochs, of a network or of a population.

    Parameters
    ----------
    saved : dict
        Or anything: it comes from a file.
    epoch : int
    members : int or None

    Raises
    ------
    TypeError, ValueError
        It is no such history.
    """
    history = History(**saved) if members is None else PopulationHistory(**saved)
    columns = {f.name: getattr(history, f.name) for f in fields(History)}
    stopped, metrics = columns.pop("stopped"), columns.pop("metrics")
    _require_epochs(columns.pop("best_epoch"), members)
    for name, values in {**metrics, **columns}.items():
        if not isinstance(values, list) or not all(is_figure(v, members) for v in values):
            raise ValueError(f"the history's {name} is no list of numbers")
    if not isinstance(stopped, str | None) or len(history.loss) != epoch:
        raise ValueError(f"the history is not one of {epoch} epochs")
    if isinstance(history, PopulationHistory):
        _require_endings(history, epoch, members)
        for values in (*metrics.values(), *columns.values()):
            values[:] = [np.array(v) if isinstance(v, list) else v for v in values]
    return history


def is_figure(value: Any, members: int | None, kinds: tuple[type, ...] = (int, float)) -> bool:
    """Whether this is a number, or for a population a list of one for each member."""
    if members is not None and isinstance(value, list):
        return len(value) == members and all(is_figure(one, None, kinds) for one in value)
    return type(value) in kinds


def _require_epochs(best: Any, members: int | None) -> None:
    """Raise ValueError unless this is None, or an epoch's number or one for each member."""
    numbers = [best] if members is None else best
    sound = isinstance(numbers, list) and all(type(n) is int and n >= 0 for n in numbers)
    if best is not None and not (sound and len(numbers) == (members or 1)):
        raise ValueError("the history does not say which epoch was the best")


def _require_endings(history: PopulationHistory, epoch: int, members: int | None) -> None:
    reasons, ends = history.reasons, history.ends
    if not isinstance(reasons, list) or not isinstance(ends, list):
        raise ValueError("the history does not say which members have stopped")
    for reason, end in zip(reasons, ends, strict=True):
        sound = type(end) is int and 0 <= end <= epoch and isinstance(reason, str)
        if not sound and (reason, end) != (None, None):
            raise ValueError("the history does not say which members have stopped")
    if len(ends) != members:
        raise ValueError(f"the history is not one of {members} members")
