"""Monitor: is a figure of the history still improving?"""

from __future__ import annotations

import math
from typing import Any

from backprop_xp.errors import ConfigurationError, shown, unknown
from backprop_xp.number_checks import require_count, require_number


class Monitor:
    """The best value of one figure, and for how many epochs it was not reached.

    Attributes
    ----------
    best : float
        The best value so far; ±inf before the first.
    improved : bool
        Whether the last epoch was the best.
    waited : int
        Epochs since the best.
    """

    def __init__(self, owner: str, name: str | None, patience: Any, min_delta: Any) -> None:
        require_count("patience", patience, least=0, owner=owner)
        require_number("min_delta", min_delta, "a finite number ≥ 0", owner)
        if name is not None and not isinstance(name, str):
            raise ConfigurationError(f"{owner}: monitor={shown(name)}, but expected a name")
        self._owner, self._name, self._min_delta = owner, name, float(min_delta)
        self._patience = int(patience)
        self.best, self.improved, self.waited = math.inf, False, 0

    def look(self, latest: dict[str, float]) -> None:
        """Take in the figures of the epoch that ends, by name."""
        name = self.choose(tuple(latest))
        # A loss falls when it improves, an accuracy or r2 rises.
        sign = 1.0 if name.endswith("loss") else -1.0
        value = sign * latest[name]
        self.improved = value < self.best - self._min_delta
        self.best = value if self.improved else self.best
        self.waited = 0 if self.improved else self.waited + 1

    def choose(self, figures: tuple[str, ...]) -> str:
        """The name of the figure to look at, if it is one of these."""
        name = self._name or ("validation_loss" if "validation_loss" in figures else "loss")
        if name not in figures:
            hint = "" if "validation_loss" in figures else " (fit has no validation data)"
            raise ConfigurationError(f"{self._owner}: {unknown('figure', name, figures)}{hint}")
        return name

    @property
    def exhausted(self) -> bool:
        """Whether the patience is: so many epochs, but one at least, without improvement."""
        return self.waited >= max(self._patience, 1)

    def state(self) -> dict[str, Any]:
        """What a checkpoint must keep."""
        return {"best": self.best, "waited": self.waited}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        self.best, self.waited = state["best"], state["waited"]
