"""The first-step benchmark: from the call of a step to its result in a new process, by numba."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks import machine, runner
from benchmarks.cells import GRID, Cell
from benchmarks.markdown import number, page, table
from benchmarks.options import Options
from benchmarks.targets import Target, render

DEEP = Cell((30, *(16,) * 8, 1), 64)
"""Nine layers of weights."""

HOW = """The seconds that the first step of a process takes by the backend numba, to the result:
making the network, importing the compiler, recording, compiling or loading, running. *Compiled*
begins with an empty cache, *cached* is the next process. Medians of {rounds} rounds."""

PROGRAM = """
import sys, time
import numpy as np
import backprop_xp as bp
*sizes, rows = map(int, sys.argv[1:])
X, Y = np.zeros((rows, sizes[0]), "f4"), np.zeros((rows, sizes[-1]), "f4")
start = time.perf_counter()
net = bp.Network(sizes, "relu", "sigmoid" if sizes[-1] == 1 else "softmax", backend="numba")
bp.train_step(net, bp.Adam())(X, Y)
print(time.perf_counter() - start)
"""

Found = dict[str, dict[str, list[float]]]


def run(options: Options) -> None:
    """Measure, and write the table and the raw figures."""
    cells = [*GRID[:1], *GRID[1:3], DEEP][: 2 if options.quick else None]
    found: Found = {cell.name: {"compiled": [], "cached": []} for cell in cells}
    for _ in range(options.rounds):
        for cell in cells:
            runner.say(f"first step {cell.key}")
            with tempfile.TemporaryDirectory() as folder:
                for times in found[cell.name].values():
                    times.append(seconds(cell, folder))
    about = machine.describe()
    raw = {"machine": about, "rounds": options.rounds, "seconds": found}
    options.path("first-step", "json").write_text(json.dumps(raw, indent=1) + "\n")
    how = HOW.format(rounds=options.rounds)
    text = page(
        "First step", how, machine.markdown(about), time_table(found), render(limits(found))
    )
    options.path("first-step", "md").write_text(text)
    print(time_table(found))


def seconds(cell: Cell, folder: str) -> float:
    """Return the time of the first step in a new process, with a cache in this folder."""
    command = [sys.executable, "-c", PROGRAM, *map(str, (*cell.sizes, cell.batch))]
    env = {**os.environ, "NUMBA_CACHE_DIR": folder, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return float(done.stdout)


def time_table(found: Found) -> str:
    """Return the medians by network."""
    lines = [[name, *(number(median(t)) for t in times.values())] for name, times in found.items()]
    return table(["network", "compiled, s", "cached, s"], lines)


def limits(found: Found) -> list[Target]:
    """Return the targets."""
    return [
        Target(
            f"numba: first step {kind} ≤ {most} s",
            {n: median(t[kind]) for n, t in found.items()},
            most,
        )
        for kind, most in (("compiled", 2.0), ("cached", 0.5))
    ]
