"""The scaling benchmark: a step on 1 and 2 ranks, and a model of it for 2 … 4,096 ranks."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import machine, runner, scaling_page, scaling_plot
from benchmarks.cells import OPTIMIZERS, Cell, parse
from benchmarks.options import Options
from benchmarks.scaling_model import Compute, Network, fit_compute, fit_network, step_time

MPIEXEC = Path(sys.prefix) / "bin" / "mpiexec"
MEASURED = Cell((784, 1024, 1024, 10), 1024)
"""The network and the batch whose parallel efficiency is a target."""

ELEMENTS = (64, 512, 4096, 32_768, 262_144, 1_048_576, 4_194_304)
"""float32 of the all-reduces that the model is fitted to; no network of the grid has so many."""


def run(options: Options) -> None:
    """Measure, fit, predict, and write the page, the raw figures and the plot."""
    if not MPIEXEC.exists():
        raise SystemExit(f'{MPIEXEC} is missing: pip install "backprop-xp[mpi]"')
    steps = measure_steps(options)
    network, sums = fitted_network(options)
    computes, rows = fitted_computes(options)
    held_out = {
        key: (median_of(found["2"]), predict(computes, network, key))
        for key, found in steps.items()
        if key in computes
    }
    about = machine.describe()
    raw = {
        "machine": about,
        "rounds": options.rounds,
        "quick": options.quick,
        "steps": steps,
        "allreduce, s by elements": sums,
        "compute, s by rows": rows,
        "fitted": {
            "two ranks in shared memory": asdict(network),
            "compute": {key: asdict(compute) for key, compute in computes.items()},
        },
        "held out, s measured and predicted": held_out,
    }
    options.path("scaling", "json").write_text(json.dumps(raw, indent=1) + "\n")
    text = scaling_page.render(options, about, steps, network, sums, computes, rows, held_out)
    options.path("scaling", "md").write_text(text)
    scaling_plot.draw(computes, options.path("scaling", "png"))
    print(scaling_page.efficiency_table(steps))
    print(scaling_page.held_out_table(held_out))


def launch(ranks: int, spec: dict[str, Any]) -> dict[str, Any]:
    """Run one measurement on so many ranks, each with one thread."""
    one = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    done = subprocess.run(
        [
            str(MPIEXEC),
            "-n",
            str(ranks),
            sys.executable,
            "-m",
            "benchmarks.ranks",
            json.dumps(spec),
        ],
        cwd=runner.ROOT,
        env=runner.environment("cpu") | one,
        capture_output=True,
        text=True,
        timeout=runner.TIMEOUT,
        check=False,
    )
    return runner.read(done.returncode, done.stdout, done.stderr)


def measured_cells(options: Options) -> list[Cell]:
    """Return the cells of the command line, one of them with the batch of the target."""
    return [MEASURED if cell.name == MEASURED.name else cell for cell in options.cells]


def clock(options: Options) -> dict[str, Any]:
    """Return the length of a block in seconds, and the number of blocks."""
    return {"block": 0.02, "count": 2} if options.quick else {"block": 0.2, "count": 3}


def measure_steps(options: Options) -> dict[str, dict[str, list[float]]]:
    """Measure the steps of one rank, of two, and of two that send layer by layer.

    The first has no communicator: it is the step of a run without MPI.
    """
    ways = {"1": (1, {}), "2": (2, {}), "2, in buckets": (2, {"buckets": True})}
    found: dict[str, dict[str, list[float]]] = {}
    for cell in measured_cells(options):
        for optimizer in OPTIMIZERS:
            key = f"{cell.key} {optimizer}"
            runner.say(f"scaling {key}")
            mine: dict[str, list[float]] = {way: [] for way in ways}
            for _, way in runner.interleave(ways, options.rounds):
                ranks, more = ways[way]
                spec = {"task": "step", "cell": cell.key, "optimizer": optimizer, **more}
                outcome = launch(ranks, spec | clock(options))
                if "missing" in outcome:
                    raise SystemExit(f"{key} on {way}: {outcome['missing']}")
                mine[way].append(median(outcome["blocks"]))
            found[key] = mine
    return found


def fitted_network(options: Options) -> tuple[Network, dict[int, float]]:
    """Measure all-reduces between two ranks, and fit latency and bandwidth."""
    runner.say("scaling: all-reduce")
    spec = {"task": "allreduce", "elements": ELEMENTS, **clock(options)}
    runs = [launch(2, spec)["seconds"] for _ in range(options.rounds)]
    seconds = {n: median(found[str(n)] for found in runs) for n in ELEMENTS}
    return fit_network("two ranks in shared memory", seconds), seconds


def fitted_computes(options: Options) -> tuple[dict[str, Compute], dict[str, dict[int, float]]]:
    """Measure steps on several local batches, both cores busy, and fit a line to each network.

    The local batch of two ranks on the cell's batch is left out: it is held out for the check.
    """
    computes, seconds = {}, {}
    for cell in measured_cells(options):
        for optimizer in OPTIMIZERS:
            key = f"{cell.key} {optimizer}"
            runner.say(f"scaling: compute of {key}")
            mine: dict[int, list[float]] = {rows: [] for rows in local_batches(cell)}
            for _, rows in runner.interleave(mine, options.rounds):
                spec = {"task": "busy", "cell": f"{cell.name}@{rows}", "optimizer": optimizer}
                mine[rows].append(median(launch(2, spec | clock(options))["blocks"]))
            seconds[key] = {rows: median(found) for rows, found in mine.items()}
            computes[key] = fit_compute(seconds[key])
    return computes, seconds


def local_batches(cell: Cell) -> list[int]:
    """Return the local batches of a fit: the whole batch, and about 3/4, 3/8, 1/6 … of it."""
    parts = {cell.batch, *(max(1, round(cell.batch * part)) for part in (0.75, 0.375, 0.16, 0.05))}
    return sorted(parts - {cell.batch // 2}, reverse=True)


def predict(computes: dict[str, Compute], network: Network, key: str) -> float:
    """Return the model's step of two ranks."""
    cell = parse(key.partition(" ")[0])
    return step_time(computes[key], network, cell.parameters, cell.batch, 2)


def median_of(values: list[float]) -> float:
    """Return the median, NaN of nothing."""
    return median(values) if values else math.nan
