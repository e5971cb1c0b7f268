"""Results of the step benchmark, and the rules over them: medians, ratios, void rows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import combinations_with_replacement
from statistics import median
from typing import Any

from benchmarks.contenders import FLOORS

OURS = "backprop_xp"
TOLERANCE = 1e-4
"""Largest difference between two losses, relative to max(1, |loss|)."""


@dataclass
class Entry:
    """One contender's figures in one row: seconds per step of each round, losses, or the lack."""

    seconds: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    variants: list[str] = field(default_factory=list)
    missing: str | None = None

    @property
    def median(self) -> float:
        """Return the median over the rounds, NaN if there are none."""
        return median(self.seconds) if self.seconds else math.nan

    @classmethod
    def collect(cls, outcomes: list[dict[str, Any]]) -> Entry:
        """Gather the outcomes of a contender's rounds; each gives the median of its blocks."""
        for outcome in outcomes:
            if "missing" in outcome:
                return cls(missing=outcome["missing"])
        return cls(
            seconds=[median(outcome["blocks"]) for outcome in outcomes],
            losses=next((o["losses"] for o in outcomes if o["losses"]), []),
            variants=[outcome["variant"] for outcome in outcomes],
        )


@dataclass
class Row:
    """All contenders in one cell with one optimizer."""

    cell: str
    optimizer: str
    entries: dict[str, Entry]

    def seconds(self, name: str) -> float:
        """Return a contender's median, NaN where it is missing."""
        return self.entries[name].median if name in self.entries else math.nan

    def floor(self) -> tuple[str, float]:
        """Return the fastest floor and its median."""
        found = [(self.seconds(n), n) for n in FLOORS if not math.isnan(self.seconds(n))]
        if not found:
            return "", math.nan
        took, name = min(found)
        return name, took

    def ratio(self, name: str, ours: str = OURS) -> float:
        """Return our step over theirs: below 1, ours is faster."""
        theirs = self.floor()[1] if name == "floor" else self.seconds(name)
        return self.seconds(ours) / theirs

    def strays(self) -> list[str]:
        """Return the contenders with a loss that is not finite or is far from the median."""
        checked = self.checked()
        middle = [finite_median(step) for step in zip(*checked.values(), strict=True)]
        return [name for name, losses in checked.items() if not agree(losses, middle)]

    def checked(self) -> dict[str, list[float]]:
        """Return the losses of the contenders that train."""
        return {name: entry.losses for name, entry in self.entries.items() if entry.losses}

    @property
    def void(self) -> bool:
        """Return True when a loss is not finite or two contenders disagree."""
        pairs = combinations_with_replacement(self.checked().values(), 2)
        return not all(agree(a, b) for a, b in pairs)


def finite_median(values: Iterable[float]) -> float:
    """Return the median of the finite values, NaN if there are none."""
    finite = [value for value in values if math.isfinite(value)]
    return median(finite) if finite else math.nan


def agree(first: list[float], second: list[float]) -> bool:
    """Return True when two contenders' losses are finite and equal up to the tolerance."""
    return all(
        math.isfinite(a) and math.isfinite(b) and abs(a - b) <= TOLERANCE * max(1.0, abs(a), abs(b))
        for a, b in zip(first, second, strict=True)
    )


def absences(rows: list[Row]) -> dict[str, str]:
    """Return each contender that is missing somewhere, with its first reason."""
    found: dict[str, str] = {}
    for row in rows:
        for name, entry in row.entries.items():
            if entry.missing is not None:
                found.setdefault(name, entry.missing)
    return found
