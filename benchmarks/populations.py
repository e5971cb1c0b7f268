"""The population benchmark: many small networks in one pass, and a search over settings."""

from __future__ import annotations

import json
import math
from statistics import median
from typing import Any

from benchmarks import machine, runner
from benchmarks.markdown import number, page, table
from benchmarks.options import Options
from benchmarks.population import searches, steps

Found = dict[str, list[dict[str, Any]]]

HOW = f"""**Steps.** {steps.MEMBERS} networks {steps.CELL} with weights of their own learn the same
batch of 4 rows by SGD, in float32. A step is forward, loss, backward and update of all; its time is
divided by the number of networks. The JAX loops are compiled as a whole (`lax.scan`), for one
network and with `vmap` over all. The losses of all members after {steps.CHECKED_STEPS} steps agree
to 10⁻⁴, or this page says so.

**Search.** {searches.FOLDS} folds × {len(searches.RATES) * len(searches.PENALTIES)} settings
(learning rates of Adam {searches.RATES}, l2 {searches.PENALTIES})
on the breast cancer data, standardized, in float32: networks 30-{searches.HIDDEN}-1 with tanh,
{searches.EPOCHS} epochs, batches of {searches.BATCH}. scikit-learn's `MLPClassifier` has the same
settings (alpha is l2 × {searches.BATCH}, since it divides by the batch) and does not stop early;
its folds and shuffles are others, so that scores are alike but not the same. Each time is that of a
second search in its process, when `GridSearchCV`'s workers are there already.

Contenders run in processes of their own, in {{rounds}} interleaved rounds; figures are medians."""


def run(options: Options) -> None:
    """Measure, and write the tables and the raw figures."""

    def spec(task: str) -> Any:
        return lambda name, _: {"task": task, "contender": name, "quick": options.quick}

    runner.say("steps of populations")
    found_steps = runner.rounds_of(list(steps.CONTENDERS), options.rounds, spec("population"))
    runner.say("search")
    found_searches = runner.rounds_of(list(searches.CONTENDERS), options.rounds, spec("search"))
    about = machine.describe()
    raw = {"machine": about, "rounds": options.rounds, "quick": options.quick}
    raw |= {"steps": found_steps, "searches": found_searches}
    options.path("populations", "json").write_text(json.dumps(raw, indent=1) + "\n")
    tables = [step_table(found_steps), agreement(found_steps), search_table(found_searches)]
    note = "**A quick run: its figures are only a smoke test.**" if options.quick else ""
    text = page(
        "Populations", note, HOW.format(rounds=options.rounds), machine.markdown(about), *tables
    )
    options.path("populations", "md").write_text(text)
    print("\n\n".join(tables))


def step_table(found: Found) -> str:
    """Return the time of a step per network, one row per contender."""
    times = {name: [_per_network(o) for o in runs if "blocks" in o] for name, runs in found.items()}
    lines = []
    for name, values in times.items():
        spread = f"{min(values):.2f} … {max(values):.2f}" if values else _missing(found[name])
        ratio = _median(times["backprop_xp"]) / _median(values)
        lines.append([name, number(_median(values)), spread, number(ratio)])
    return table(["contender", "µs per network and step", "min … max", "ours over it"], lines)


def agreement(found: Found) -> str:
    """Say how far apart the contenders' losses of the same member are."""
    losses = [runs[0]["losses"] for runs in found.values() if runs and "losses" in runs[0]]
    gaps = [abs(one - other) for own in losses for one, other in zip(own, losses[0], strict=False)]
    worst = max(gaps, default=math.nan)
    return f"Losses of the members agree {'' if worst <= 1e-4 else 'NOT '}to 10⁻⁴: {worst:.1e}."


def search_table(found: Found) -> str:
    """Return the seconds of a search and its scores, one row per contender."""
    times = {name: [o["seconds"] for o in runs if "seconds" in o] for name, runs in found.items()}
    lines = []
    for name, values in times.items():
        spread = f"{min(values):.2f} … {max(values):.2f}" if values else _missing(found[name])
        ratio = _median(values) / _median(times["backprop_xp"])
        scores = [number(found[name][0].get(key, math.nan), ".4f") for key in ("best", "mean")]
        lines.append([name, number(_median(values)), spread, number(ratio, ".1f"), *scores])
    header = ["search", "s", "min … max", "its time over ours", "best accuracy", "mean accuracy"]
    return table(header, lines)


def _per_network(outcome: dict[str, Any]) -> float:
    return float(median(outcome["blocks"]) / outcome["networks"] * 1e6)


def _median(values: list[float]) -> float:
    return median(values) if values else math.nan


def _missing(runs: list[dict[str, Any]]) -> str:
    return next((str(o["missing"]) for o in runs if "missing" in o), "missing")
