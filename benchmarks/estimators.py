"""The estimators benchmark: MLPClassifier here and in scikit-learn, on the same data and seed."""

from __future__ import annotations

import json
import math
from statistics import median
from typing import Any

from benchmarks import machine, perceptrons, runner, targets
from benchmarks.markdown import microseconds, number, page, table
from benchmarks.options import Options
from benchmarks.rows import OURS

NUMBA, THEIRS = "ours-numba", "scikit-learn"
TOLERANCE = {"float64": 1e-6, "float32": 1e-3}
"""Largest relative difference between the two losses after a fit."""

HOW = """`MLPClassifier` of both libraries with the same parameters, data and `random_state`: Adam,
batches of 200 rows, a fixed number of epochs. Each contender runs in a process of its own, in
{rounds} interleaved rounds; the figure is the median over the rounds of the median of a round's
repetitions. The ratio is our time over theirs: **below 1, backprop_xp is faster**. A row counts
only if both trained to the same loss (1e-6 relative in float64, 1e-3 in float32)."""

Found = dict[tuple[str, str], dict[str, list[dict[str, Any]]]]


def run(options: Options) -> None:
    """Measure, and write the table and the raw figures."""
    cases = [*perceptrons.FITS, *perceptrons.PREDICTIONS]
    found = {(c, d): measure(options, c, d) for c in cases for d in TOLERANCE}
    about = machine.describe()
    raw = {"machine": about, "rounds": options.rounds, "quick": options.quick}
    cells = {f"{case} {dtype}": outcome for (case, dtype), outcome in found.items()}
    options.path("estimators", "json").write_text(json.dumps(raw | {"cells": cells}, indent=1))
    note = "**A quick run: its figures are only a smoke test.**" if options.quick else ""
    ratios, by_numba = (
        {f"{case}, {dtype}": ratio(pair, dtype, name) for (case, dtype), pair in found.items()}
        for name in (OURS, NUMBA)
    )
    text = page(
        "Estimators",
        note,
        HOW.format(rounds=options.rounds),
        machine.markdown(about),
        time_table(found),
        targets.render([*targets.estimator_targets(ratios), targets.numba_fits(by_numba)]),
    )
    options.path("estimators", "md").write_text(text)
    print(time_table(found))


def measure(options: Options, case: str, dtype: str) -> dict[str, list[dict[str, Any]]]:
    """Run both contenders of one case in interleaved rounds."""
    runner.say(f"estimators: {case}, {dtype}")

    def spec(name: str, _: int) -> dict[str, Any]:
        return {
            "task": "estimator",
            "contender": name,
            "case": case,
            "dtype": dtype,
            "repeats": 1 if options.quick else 3,
            "quick": options.quick,
        }

    return runner.rounds_of([OURS, NUMBA, THEIRS], options.rounds, spec)


def seconds(runs: list[dict[str, Any]]) -> list[float]:
    """Return the median of each round."""
    return [median(outcome["blocks"]) for outcome in runs if "blocks" in outcome]


def agree(pair: dict[str, list[dict[str, Any]]], dtype: str) -> bool:
    """Whether both have trained to the same loss."""
    losses = [outcome["loss"] for runs in pair.values() for outcome in runs if "loss" in outcome]
    return bool(losses) and max(losses) - min(losses) <= TOLERANCE[dtype] * max(losses)


def ratio(pair: dict[str, list[dict[str, Any]]], dtype: str, name: str = OURS) -> float:
    """Return our time over theirs, NaN where one is missing or they do not agree."""
    ours, theirs = seconds(pair[name]), seconds(pair[THEIRS])
    both = ours and theirs and agree(pair, dtype)
    return median(ours) / median(theirs) if both else math.nan


def time_table(found: Found) -> str:
    """Return both times, their spreads and the ratio of every case."""
    lines = []
    for (case, dtype), pair in found.items():
        names = [name for name in (OURS, NUMBA, THEIRS) if name in pair]
        times = [spread(pair[name]) for name in names]
        verdicts = [number(ratio(pair, dtype, name)) for name in names[:-1]]
        if not agree(pair, dtype):
            verdicts = ["void: the losses differ"] * len(verdicts)
        lines.append([f"{case}, {dtype}", *times, *verdicts])
    header = ["", *(f"{name}, µs" for name in names), *(f"{n} over theirs" for n in names[:-1])]
    return table(header, lines)


def spread(runs: list[dict[str, Any]]) -> str:
    """Return the median and the range in µs, or why there is none."""
    times = seconds(runs)
    if not times:
        return f"missing: {runs[0]['missing']}"
    low, high = microseconds(min(times)), microseconds(max(times))
    return f"{microseconds(median(times))} ({low} … {high})"
