"""The step benchmark: one training step of every contender in every cell."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from benchmarks import machine, plots, report, runner
from benchmarks.cells import OPTIMIZERS, Cell
from benchmarks.options import Options
from benchmarks.rows import OURS, Entry, Row


def run(options: Options) -> None:
    """Measure, and write the table, the raw figures and the plot."""
    rows = [measure(options, cell, name) for cell in options.cells for name in OPTIMIZERS]
    memory: dict[str, dict[str, Any]] = {}
    if options.device == "cpu" and OURS in options.contenders:
        memory = {f"{c.name} {o}": peak(c, o) for c in options.cells for o in OPTIMIZERS}
    about = machine.describe()
    raw = {
        "machine": about,
        "rounds": options.rounds,
        "quick": options.quick,
        "rows": [asdict(row) | {"void": row.void} for row in rows],
        "memory": memory,
    }
    options.path("step", "json").write_text(json.dumps(raw, indent=1) + "\n")
    options.path("step", "md").write_text(report.step_page(rows, memory, about, options))
    plots.ratios(rows, options.device, options.path("step", "png"))
    print(report.ratio_table(rows))


def measure(options: Options, cell: Cell, optimizer: str) -> Row:
    """Measure one row; losses are checked in the first round."""
    runner.say(f"step {cell.key} {optimizer} ({options.device})")

    def spec(name: str, number: int) -> dict[str, Any]:
        return {
            "task": "step",
            "contender": name,
            "cell": cell.key,
            "optimizer": optimizer,
            "device": options.device,
            "quick": options.quick,
            "check": number == 0,
        }

    outcomes = runner.rounds_of(options.contenders, options.rounds, spec)
    entries = {name: Entry.collect(outcomes[name]) for name in options.contenders}
    return Row(cell.name, optimizer, entries)


def peak(cell: Cell, optimizer: str) -> dict[str, Any]:
    """Measure the memory of one of our steps."""
    runner.say(f"memory {cell.key} {optimizer}")
    return runner.launch({"task": "memory", "cell": cell.key, "optimizer": optimizer})
