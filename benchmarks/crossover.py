"""The crossover benchmark: our step on the CPU against the GPU, by width and batch size."""

from __future__ import annotations

import json
from typing import Any

from benchmarks import machine, plots, runner
from benchmarks.cells import Cell
from benchmarks.markdown import number, page, table
from benchmarks.options import Options
from benchmarks.rows import OURS, Entry

WIDTHS = (16, 64, 256, 1024, 4096)
BATCHES = (16, 128, 1024)
QUICK_WIDTHS = (16, 256)

HOW = """One Adam step of a network width-width-1, relu, float32, by backprop_xp on NumPy and on
CuPy; {rounds} interleaved rounds, each in a process of its own. The table holds CPU time over GPU
time: **above 1, the GPU is faster**."""


def run(options: Options) -> None:
    """Measure, and write the table, the raw figures and the plot."""
    widths = QUICK_WIDTHS if options.quick else WIDTHS
    places = [(width, batch) for width in widths for batch in BATCHES]
    found = {place: measure(options, *place) for place in places}
    about = machine.describe()
    cells = {f"{w}@{b}": {d: vars(e) for d, e in pair.items()} for (w, b), pair in found.items()}
    raw = {"machine": about, "rounds": options.rounds, "quick": options.quick, "cells": cells}
    (options.out / "crossover.json").write_text(json.dumps(raw, indent=1) + "\n")
    speed = {place: pair["cpu"].median / pair["gpu"].median for place, pair in found.items()}
    reasons = {f"{d}: {e.missing}" for p in found.values() for d, e in p.items() if e.missing}
    missing = "\n".join(f"- missing on {reason}" for reason in sorted(reasons))
    grid = speed_table(speed)
    text = page(
        "CPU against GPU",
        HOW.format(rounds=options.rounds),
        machine.markdown(about),
        grid,
        "![Crossover](crossover.png)",
        missing,
    )
    (options.out / "crossover.md").write_text(text)
    plots.speedups(speed, options.out / "crossover.png")
    print(grid)


def measure(options: Options, width: int, batch: int) -> dict[str, Entry]:
    """Measure one network on both devices."""
    cell = Cell((width, width, 1), batch)
    runner.say(f"crossover {cell.key}")

    def spec(device: str, _: int) -> dict[str, Any]:
        return {
            "task": "step",
            "contender": OURS,
            "cell": cell.key,
            "optimizer": "adam",
            "device": device,
            "quick": options.quick,
            "check": False,
        }

    outcomes = runner.rounds_of(["cpu", "gpu"], options.rounds, spec)
    return {device: Entry.collect(outcomes[device]) for device in outcomes}


def speed_table(speed: dict[tuple[int, int], float]) -> str:
    """Return CPU over GPU time, a row per width and a column per batch size."""
    widths = sorted({width for width, _ in speed})
    batches = sorted({batch for _, batch in speed})
    lines = [[str(w), *(number(speed[w, b]) for b in batches)] for w in widths]
    return table(["width", *(f"batch {b}" for b in batches)], lines)
