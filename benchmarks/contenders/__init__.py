"""The contenders of the step benchmark, by name; modules load only in the process that runs one."""

from __future__ import annotations

from importlib import import_module

from benchmarks.contenders.base import Contender

MODULES = {
    "backprop_xp": "ours",
    "ours-numba": "ours_numba",
    "ours-numba-loop": "ours_numba_loop",
    "numpy": "handwritten_numpy",
    "torch": "torch_eager",
    "torch-compile": "torch_compile",
    "jax": "jax_jit",
    "jax-scan": "jax_scan",
    "jax-scan-gather": "jax_scan_gather",
    "scikit-learn": "scikit_learn",
    "floor-numpy": "floor_numpy",
    "floor-torch": "floor_torch",
    "floor-cupy": "floor_cupy",
}
FLOORS = ("floor-numpy", "floor-torch", "floor-cupy")
CPU = tuple(name for name in MODULES if name != "floor-cupy")
GPU = ("backprop_xp", "torch", "torch-compile", "jax", "jax-scan", "floor-torch", "floor-cupy")
QUICK = ("backprop_xp", "ours-numba", "numpy", "jax", "scikit-learn", "floor-numpy")
"""Contenders of a smoke test: those that load fast."""


def expand(names: list[str], device: str) -> list[str]:
    """Turn the names of a command line into contenders; ``floor`` means each floor there is."""
    everyone = GPU if device == "gpu" else CPU
    chosen: list[str] = []
    for name in names:
        chosen += [n for n in everyone if n in FLOORS] if name == "floor" else [name]
    unknown = [name for name in chosen if name not in everyone]
    if unknown:
        raise ValueError(
            f"no contender {unknown[0]!r} on the {device}; choose from {', '.join(everyone)}, floor"
        )
    return chosen


def load(name: str) -> type[Contender]:
    """Import a contender's module and return its class."""
    module = import_module(f"benchmarks.contenders.{MODULES[name]}")
    contender: type[Contender] = module.CONTENDER
    return contender
