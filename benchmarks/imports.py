"""The import benchmark: import time beyond NumPy's, and installed size."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from packaging.requirements import Requirement

from benchmarks import machine, runner
from benchmarks.markdown import number, page, table
from benchmarks.options import Options

MODULES = {
    "backprop_xp": "backprop-xp",
    "torch": "torch",
    "jax": "jax",
    "sklearn.neural_network": "scikit-learn",
}
"""Module to import, and the distribution that holds it."""

CODE = """
import numpy, time
start = time.perf_counter()
import {module}
print(time.perf_counter() - start)
"""

HOW = """The time of `import` in a fresh process that has imported NumPy already: median of {rounds}
interleaved rounds. Installed size is the sum of the files of the distribution, and of it with
everything it requires, NumPy included."""


def run(options: Options) -> None:
    """Measure, and write the table and the raw figures."""
    rounds = 1 if options.quick else max(15, options.rounds)
    runner.say("import")
    times = import_times(rounds)
    sizes = {module: installed(name, module) for module, name in MODULES.items()}
    about = machine.describe()
    raw = {"machine": about, "quick": options.quick, "import": times, "bytes": sizes}
    (options.out / "import.json").write_text(json.dumps(raw, indent=1) + "\n")
    found = import_table(times, sizes)
    text = page("Import", HOW.format(rounds=rounds), machine.markdown(about), found)
    (options.out / "import.md").write_text(text)
    print(found)


def import_times(rounds: int) -> dict[str, Any]:
    """Return each module's import times, or why it cannot be imported."""
    times: dict[str, Any] = {module: [] for module in MODULES}
    for _, module in runner.interleave(MODULES, rounds):
        took = import_once(module)
        if isinstance(took, str):
            times[module] = took
        elif isinstance(times[module], list):
            times[module].append(took)
    return times


def import_once(module: str) -> float | str:
    """Import a module in a fresh process; return the seconds, or the last line of the error.

    Away from the checkout, so that what is installed is imported, with its compiled bytecode.
    """
    command = [sys.executable, "-c", CODE.format(module=module)]
    env = runner.environment("cpu")
    done = subprocess.run(
        command, cwd=tempfile.gettempdir(), env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        return done.stderr.strip().splitlines()[-1]
    return float(done.stdout)


def requirements(name: str) -> list[str]:
    """Return the distributions that one needs here, without its extras."""
    found = []
    for text in metadata.requires(name) or []:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            found.append(requirement.name)
    return found


def closure(name: str) -> set[str]:
    """Return a distribution and everything it needs that is installed."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop().lower().replace("_", "-")
        if current in seen:
            continue
        try:
            waiting += requirements(current)
        except metadata.PackageNotFoundError:
            continue
        seen.add(current)
    return seen


def own_size(name: str) -> int:
    """Return the bytes of a distribution's files."""
    files = metadata.files(name) or []
    located = [Path(str(file.locate())) for file in files]
    return sum(path.stat().st_size for path in located if path.is_file())


def folder_size(module: str) -> int:
    """Return the bytes of a package's folder: for one that runs from its source tree."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        return 0
    files = Path(spec.origin).parent.rglob("*")
    return sum(f.stat().st_size for f in files if f.is_file() and f.suffix != ".pyc")


def installed(name: str, module: str) -> dict[str, int] | None:
    """Return a distribution's own bytes and those with all it needs; None if not installed."""
    try:
        own = own_size(name)
    except metadata.PackageNotFoundError:
        return None
    if not any(str(f).startswith(module.partition(".")[0]) for f in metadata.files(name) or []):
        # An editable install lists only its metadata.
        own += folder_size(module.partition(".")[0])
    others = sum(own_size(other) for other in closure(name) - {name})
    return {"own": own, "all": own + others}


def import_table(times: dict[str, Any], sizes: dict[str, dict[str, int] | None]) -> str:
    """Return import times and sizes, one row per module."""
    lines = []
    for module, took in times.items():
        if isinstance(took, str):
            lines.append([module, "missing", took, "–", "–"])
            continue
        spread = f"{min(took) * 1e3:,.0f} … {max(took) * 1e3:,.0f}"
        found = sizes[module]
        bulk = [number(found[k] / 2**20, ",.2f") if found else "–" for k in ("own", "all")]
        lines.append([module, number(median(took) * 1e3, ",.1f"), spread, *bulk])
    header = ["import", "median, ms", "min … max", "own size, MiB", "with all it requires, MiB"]
    return table(header, lines)
