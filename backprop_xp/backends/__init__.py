"""Where arrays live and how a kernel runs: the only package that knows the machine.

`get_backend` picks one. The rest of the library receives a `Backend` and uses its namespace
`xp` and its four primitives (`matmul`, `elementwise`, `compile`, `synchronize`).
"""

from __future__ import annotations

import copyreg
import importlib
import os
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from backprop_xp.backends.base import Array, Backend, Namespace
from backprop_xp.errors import BackendError, shown, unknown

__all__ = ["Array", "Backend", "BackendStatus", "Namespace", "get_backend", "survey"]

# name → (class, what it needs)
_BACKENDS = {
    "numpy": ("NumPyBackend", "pip install numpy"),
    "numba": ("NumbaBackend", "pip install 'backprop-xp[numba]'"),
    "cupy": (
        "CuPyBackend",
        "an NVIDIA GPU with its driver, and pip install 'backprop-xp[cuda13]' "
        "(or backprop-xp[cuda12], to match the driver)",
    ),
    "strict": ("StrictBackend", "pip install array-api-strict"),
}


class BackendStatus(NamedTuple):
    """One line of `survey`: a backend, what it runs on, or why it cannot run here."""

    name: str
    usable: bool
    detail: str


def get_backend(name: str | Backend | None = None) -> Backend:
    """Return the backend called `name`, else the one that BACKEND names, else NumPy's.

    Parameters
    ----------
    name : str or Backend, optional
        "numpy", "numba", "cupy" or "strict" (array_api_strict, for tests). A `Backend` is returned
        as it is.

    Returns
    -------
    Backend
        The same object for the same name.

    Raises
    ------
    BackendError
        The name is unknown, or the backend is not usable on this machine. There is no silent
        fallback to another one.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> bp.get_backend("numpy").name
    'numpy'
    """
    if isinstance(name, Backend):
        return name
    asked = f"backend {shown(name)}"
    if name is None:
        name = os.environ.get("BACKEND", "").strip() or "numpy"
        asked = f"BACKEND={name}"
    if not isinstance(name, str) or name not in _BACKENDS:
        raise BackendError(unknown("backend", name, _BACKENDS, asked))
    try:
        return _load(name)
    except BackendError as problem:
        # Without its causes, which it tells: a script shall end in one error, not in three.
        raise BackendError(_unusable(asked, name, problem)) from None


def survey() -> list[BackendStatus]:
    """Look at every backend: its version and device, or why it is not usable here."""
    lines = []
    for name in _BACKENDS:
        try:
            lines.append(BackendStatus(name, True, _load(name).description))
        except BackendError as problem:
            lines.append(BackendStatus(name, False, f"{problem}; {_BACKENDS[name][1]}"))
    return lines


@cache
def _load(name: str) -> Backend:
    try:
        module = importlib.import_module(f"backprop_xp.backends.{name}")
    except ImportError as problem:
        missing = problem.name or str(problem)
        raise BackendError(f"{missing} cannot be imported ({problem})") from problem
    kind: type[Backend] = getattr(module, _BACKENDS[name][0])
    copyreg.pickle(kind, _by_name)
    return kind()


def _by_name(backend: Backend) -> tuple[Callable[..., Backend], tuple[str]]:
    """Pickle and copy a backend as its name: there is one of each in a process."""
    return get_backend, (backend.name,)


def _unusable(asked: str, name: str, problem: Exception) -> str:
    usable = ", ".join(status.name for status in survey() if status.usable)
    return (
        f"{asked} was asked for, but it is not usable here: {problem}. "
        f"Usable here: {usable}. To use {name}: {_BACKENDS[name][1]}."
    )
