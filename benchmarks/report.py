"""The pages that the step benchmark writes."""

from __future__ import annotations

import math
from typing import Any

from benchmarks import machine, targets
from benchmarks.contenders import FLOORS
from benchmarks.markdown import microseconds, number, page, table
from benchmarks.options import Options
from benchmarks.rows import OURS, TOLERANCE, Row, absences, finite_median

MIB = 2**20
LOOPS = ("jax-scan", "jax-scan-gather", "ours-numba-loop")

HOW = """Each contender runs in {process}, in interleaved rounds ({rounds}); the figure
is the median over the rounds of the median block of steps. Data, initial weights (He-normal) and
hyper-parameters are the same for all, in float32. Every step also computes its loss. The ratio is
our step over theirs: **below 1, backprop_xp is faster**. A row counts only if all losses agree to
{tolerance:g} (relative above 1) after 2 and after 20 steps, computed from each contender's weights
in float64.

Threads: each library keeps its own default on this machine's cores. On the small networks the
PyTorch contenders are tried with one thread too, and SGD both fused and foreach; the fastest choice
is timed. *jax-scan* compiles the whole loop, so that nothing runs between steps, and stands apart;
*jax-scan-gather* and *ours-numba-loop* also gather the rows of every step in an order of its own.
The *floor* is the step's matrix products alone, into existing arrays, by the fastest BLAS at
hand; it trains nothing."""

PROCESS = {"cpu": "a process of its own in each round", "gpu": "one process of its own"}

GPU_HOW = """Data and weights live on the GPU, and the clock stops after the device has finished.
float32 products run in full precision everywhere (no TensorFloat-32)."""


def columns(rows: list[Row]) -> list[str]:
    """Return the contenders of the ratio table in order: peers, floor, then compiled loops."""
    names = list(dict.fromkeys(name for row in rows for name in row.entries))
    peers = [n for n in names if n not in (OURS, *LOOPS, *FLOORS)]
    floor = ["floor"] if any(n in FLOORS for n in names) else []
    return peers + floor + [n for n in names if n in LOOPS]


def ratio_cell(row: Row, name: str) -> str:
    """Return one ratio; void and missing say so."""
    if name in row.entries and row.entries[name].missing is not None:
        return "missing"
    if row.void:
        return "void"
    ratio = row.ratio(name)
    if name == "floor" and not math.isnan(ratio):
        return f"{ratio:.2f} ({row.floor()[0].removeprefix('floor-')})"
    return number(ratio)


def ratio_table(rows: list[Row]) -> str:
    """Return our absolute time and the ratios, one row per cell and optimizer."""
    names = columns(rows)
    lines = []
    for row in rows:
        ours = row.entries.get(OURS)
        took = "missing" if ours and ours.missing is not None else microseconds(row.seconds(OURS))
        ratios = [ratio_cell(row, name) for name in names]
        lines.append([f"{row.cell} {row.optimizer}", took, *ratios])
    return table(["network", "ours, µs", *names], lines)


def spread_cell(row: Row, name: str) -> str:
    """Return a contender's median and range in µs."""
    entry = row.entries.get(name)
    if entry is None:
        return "–"
    if not entry.seconds:
        return "missing"
    low, high = microseconds(min(entry.seconds)), microseconds(max(entry.seconds))
    return f"{microseconds(entry.median)} ({low} … {high})"


def time_table(rows: list[Row]) -> str:
    """Return the absolute times of all contenders."""
    names = list(dict.fromkeys(name for row in rows for name in row.entries))
    lines = [[f"{r.cell} {r.optimizer}", *(spread_cell(r, n) for n in names)] for r in rows]
    return "## Time per step, µs: median (min … max)\n\n" + table(["network", *names], lines)


def loss_table(rows: list[Row]) -> str:
    """Return how far the checked losses lie apart."""
    lines = []
    for row in rows:
        if not row.checked():
            continue
        figures = []
        for losses in zip(*row.checked().values(), strict=True):
            apart = max(losses) - min(losses)
            figures += [number(finite_median(losses), ".6f"), number(apart, ".1e")]
        verdict = "void: " + (", ".join(row.strays()) or "spread") if row.void else "agree"
        lines.append([f"{row.cell} {row.optimizer}", *figures, verdict])
    header = ["network", "after 2 steps", "apart", "after 20 steps", "apart", "verdict"]
    return "## Losses: median, and the largest difference\n\n" + table(header, lines)


def choices(rows: list[Row]) -> str:
    """Return the variants that were timed where a contender had a choice."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        for name, entry in row.entries.items():
            for variant in filter(None, entry.variants):
                found.setdefault(name, {})[f"{row.cell} {row.optimizer}: {variant}"] = None
    lines = [f"- {name}: {'; '.join(seen)}" for name, seen in found.items()]
    return "## Choices that were fastest\n\n" + "\n".join(lines) if lines else ""


def missing_list(rows: list[Row]) -> str:
    """Return the contenders that could not run, with the reason."""
    lines = [f"- {name}: {reason}" for name, reason in absences(rows).items()]
    return "## Missing\n\n" + "\n".join(lines) if lines else ""


def memory_table(memory: dict[str, dict[str, Any]]) -> str:
    """Return the peak memory of our steps."""
    if not memory:
        return ""
    lines = []
    for label, found in memory.items():
        if "missing" in found:
            lines.append([label, "missing", found["missing"], "–"])
            continue
        figures = (found["peak"], found["accounted"], found["extra"])
        lines.append([label, *(number(f / MIB, ".2f") for f in figures)])
    header = ["network", "peak, MiB", "accounted, MiB", "extra, MiB"]
    return (
        "## Memory of a step\n\nAccounted: data, θ, gradient, optimizer state and one set of "
        "activations A[1] … A[L].\n\n" + table(header, lines)
    )


def extra_mib(memory: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Return the extra memory of each row in MiB, NaN where it is missing."""
    return {row: found.get("extra", math.nan) / MIB for row, found in memory.items()}


def step_page(
    rows: list[Row], memory: dict[str, dict[str, Any]], about: dict[str, object], options: Options
) -> str:
    """Return the whole page of the step benchmark."""
    goals = targets.step_targets(rows, options.device)
    if options.device == "cpu":
        goals.append(targets.memory_target(extra_mib(memory)))
    note = "**A quick run: its figures are only a smoke test.**" if options.quick else ""
    device = options.device.upper()
    return page(
        f"One training step on the {device}",
        note,
        HOW.format(process=PROCESS[options.device], rounds=options.rounds, tolerance=TOLERANCE),
        GPU_HOW if options.device == "gpu" else "",
        machine.markdown(about),
        "## Our step over theirs\n\n" + ratio_table(rows),
        f"![Ratios on the {device}](step-{options.device}.png)",
        targets.render(goals),
        missing_list(rows),
        time_table(rows),
        loss_table(rows),
        memory_table(memory),
        choices(rows),
    )
