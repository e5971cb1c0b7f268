"""The fit benchmark: whole training runs, in examples per second."""

from __future__ import annotations

import json
import math
from statistics import median
from typing import Any

from benchmarks import loops, machine, plots, report, runner, targets
from benchmarks.cells import Cell
from benchmarks.markdown import number, page, table
from benchmarks.options import Options
from benchmarks.rows import OURS

ROWS = {"30-64-1": (10_000, 20), "784-128-10": (12_800, 5)}
"""Rows of the data set and epochs of a fit, by cell."""

HOW = """A fit with Adam over a whole data set, float32: shuffling, batching, steps and the loss of
each epoch; backprop_xp also keeps its history and a silent progress bar. Each contender runs in
{process}, in interleaved rounds ({rounds}) of {repeats} fits after one that warms up.
PyTorch's loop is eager with fused Adam, and indexes with `randperm`, without a DataLoader, which
would collate row by row; its default threads and one thread are tried, the faster is timed. JAX's
loop calls a jitted step, with donated state, that gathers its own batch. scikit-learn is
`MLPClassifier.fit`. *Over bare steps* is our fit's time over that of as many bare steps on one
batch, measured in the same process in turn. The loss is that of the whole data after the first fit;
the contenders shuffle differently, so it is only a check of sanity."""

Found = dict[str, list[dict[str, Any]]]


def run(options: Options) -> None:
    """Measure, and write the table, the raw figures and the plot."""
    names = [name for name in loops.MODULES if name in options.contenders]
    cells = [cell for cell in options.cells if cell.name in ROWS]
    repeats = 1 if options.quick else 3
    outcomes = {cell.name: measure(options, cell, names, repeats) for cell in cells}
    about = machine.describe()
    raw = {"machine": about, "rounds": options.rounds, "quick": options.quick, "fit": outcomes}
    options.path("fit", "json").write_text(json.dumps(raw, indent=1) + "\n")
    text = fit_page(outcomes, about, options, repeats)
    options.path("fit", "md").write_text(text)
    rates = {cell: {n: rate(found, n) for n in found} for cell, found in outcomes.items()}
    plots.rates(rates, options.device, options.path("fit", "png"))
    print(rate_table(outcomes))


def measure(options: Options, cell: Cell, names: list[str], repeats: int) -> Found:
    """Measure every contender's fit of one cell."""
    runner.say(f"fit {cell.key} ({options.device})")
    rows, epochs = ROWS[cell.name]

    def spec(name: str, _: int) -> dict[str, Any]:
        return {
            "task": "fit",
            "contender": name,
            "cell": cell.key,
            "rows": rows // 10 if options.quick else rows,
            "epochs": 2 if options.quick else epochs,
            "repeats": repeats,
            "device": options.device,
        }

    return runner.rounds_of(names, options.rounds, spec)


def figure(found: Found, name: str, key: str) -> float:
    """Return the median over the rounds of one figure, NaN where it is missing."""
    values = [outcome[key] for outcome in found.get(name, []) if key in outcome]
    return median(values) if values else math.nan


def rate(found: Found, name: str) -> float:
    """Return a contender's examples per second."""
    return figure(found, name, "rate")


def rate_table(outcomes: dict[str, Found]) -> str:
    """Return examples per second, spread, ratio to ours and loss of every contender."""
    lines = []
    for cell, found in outcomes.items():
        for name, runs in found.items():
            rates = [outcome["rate"] for outcome in runs if "rate" in outcome]
            spread = f"{min(rates):,.0f} … {max(rates):,.0f}" if rates else "missing"
            lead = rate(found, OURS) / rate(found, name)
            lines.append(
                [
                    f"{cell} {name}",
                    number(rate(found, name), ",.0f"),
                    spread,
                    number(lead),
                    number(figure(found, name, "overhead")),
                    number(figure(found, name, "loss"), ".4f"),
                ]
            )
    header = ["fit", "examples/s", "min … max", "ours over theirs", "over bare steps", "loss"]
    return table(header, lines)


def missing_list(outcomes: dict[str, Found]) -> str:
    """Return the contenders that could not run, with the reason."""
    reasons = {
        name: outcome["missing"]
        for found in outcomes.values()
        for name, runs in found.items()
        for outcome in runs
        if "missing" in outcome
    }
    lines = [f"- {name}: {reason}" for name, reason in reasons.items()]
    return "## Missing\n\n" + "\n".join(lines) if lines else ""


def fit_page(
    outcomes: dict[str, Found], about: dict[str, object], options: Options, repeats: int
) -> str:
    """Return the page of the fit benchmark."""
    overhead = {cell: figure(found, OURS, "overhead") for cell, found in outcomes.items()}
    lead = {c: rate(found, OURS) / rate(found, "scikit-learn") for c, found in outcomes.items()}
    note = "**A quick run: its figures are only a smoke test.**" if options.quick else ""
    return page(
        f"Whole fits on the {options.device.upper()}",
        note,
        HOW.format(process=report.PROCESS[options.device], rounds=options.rounds, repeats=repeats),
        machine.markdown(about),
        "## Examples per second\n\nAbove 1, ours is faster.\n\n" + rate_table(outcomes),
        f"![Examples per second](fit-{options.device}.png)",
        targets.render(targets.fit_targets(overhead, lead)) if options.device == "cpu" else "",
        missing_list(outcomes),
    )
