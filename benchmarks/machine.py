"""A description of the machine and of the libraries that a figure was measured with."""

from __future__ import annotations

import datetime
import os
import platform
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

LIBRARIES = (
    "backprop-xp",
    "numpy",
    "array-api-compat",
    "torch",
    "jax",
    "jaxlib",
    "scikit-learn",
    "cupy-cuda12x",
    "cupy-cuda13x",
    "nvmath-python",
    "mpi4py",
    "mpich",
)


def cpu_model() -> str:
    """Return the processor's name as the system gives it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def gpu_name() -> str | None:
    """Return the first NVIDIA GPU's name, or None; asks the driver, so it loads no library."""
    if shutil.which("nvidia-smi") is None:
        return None
    query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    done = subprocess.run(query, capture_output=True, text=True, check=False)
    names = done.stdout.strip().splitlines()
    return names[0] if done.returncode == 0 and names else None


def numpy_blas() -> str:
    """Return the BLAS that NumPy was built with."""
    import numpy as np

    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{blas['name']} {blas['version']}"


def versions() -> dict[str, str]:
    """Return the versions of the installed libraries that matter here."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def describe() -> dict[str, object]:
    """Return everything about the machine that belongs beside a figure."""
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "cpu": cpu_model(),
        "cores": usable_cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "blas": numpy_blas(),
        "gpu": gpu_name(),
        "libraries": versions(),
    }


def markdown(machine: dict[str, object]) -> str:
    """Return the description as one paragraph."""
    libraries = machine["libraries"]
    assert isinstance(libraries, dict)
    listed = ", ".join(f"{name} {version}" for name, version in libraries.items())
    gpu = f", {machine['gpu']}" if machine["gpu"] else ""
    return (
        f"Measured {machine['date']} on {machine['cpu']}, {machine['cores']} cores{gpu}, "
        f"{machine['system']}, Python {machine['python']}; {listed}; NumPy's BLAS is "
        f"{machine['blas']}."
    )
