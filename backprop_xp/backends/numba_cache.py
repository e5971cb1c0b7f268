"""Compiled steps, and where their machine code is kept.

Numba keeps machine code beside the file of a function. So every step has a file, in the user's
cache directory, named by a hash of all that it depends on: equal steps share one, and any number of
processes may write it at once. Numba's own index tells its versions and the kinds of CPU apart.
Where nothing can be written, a step is compiled anew in every process.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import sys
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba import types
from numba.extending import intrinsic

from backprop_xp.backends.numba_blas import make_known
from backprop_xp.backends.numba_code import Code

_log = logging.getLogger("backprop_xp")
_lock = threading.Lock()
_runs: dict[str, Callable[..., None]] = {}
# What is being compiled, for the function whose name it is.
_codes: dict[str, Code] = {}
# A compilation that takes longer than this is said, in seconds.
_PATIENCE = 0.5
_FILE = '''\
"""A compiled training step of backprop_xp. The file may be deleted at any time."""
# {versions}

from numba import njit

from backprop_xp.backends.numba_cache import instructions_of

body = instructions_of("{name}")


@njit("void({types})", nogil=True, cache={cache})
def run({names}):
    body(({values}))


run.disable_compile()
'''


def directory() -> Path:
    """Return where the files are: in NUMBA_CACHE_DIR, else in the user's cache directory."""
    named = os.environ.get("NUMBA_CACHE_DIR")
    if named:
        return Path(named, "backprop_xp")
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path("~", "AppData", "Local"))
    elif sys.platform == "darwin":
        base = Path("~", "Library", "Caches")
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path("~", ".cache"))
    return Path(base, "backprop_xp").expanduser()


def compiled(code: Code, arrays: list[np.ndarray]) -> Callable[..., None]:
    """Return `run`, whose arguments are `Code.ARGUMENTS` and arrays of the kind of these."""
    described = f"{_versions()}\n{[(a.dtype, a.ndim) for a in arrays]}\n{code.text}"
    name = f"backprop_xp_step_{hashlib.sha256(described.encode()).hexdigest()[:32]}"
    with _lock:
        if name not in _runs:
            make_known()
            _codes[name] = code
            said = threading.Timer(_PATIENCE, _log.warning, ["compiling a training step …"])
            said.daemon = True
            said.start()
            try:
                _runs[name] = _run(name, arrays)
            finally:
                said.cancel()
                del _codes[name]
        return _runs[name]


def instructions_of(name: str) -> Any:
    """Return the intrinsic function of Numba that writes the instructions of a step."""

    @intrinsic  # type: ignore[untyped-decorator]
    def body(typing_context: Any, arguments: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            numbers = [builder.extract_value(values[0], i) for i in range(len(arguments))]
            _codes[name].write(builder, numbers)
            return context.get_dummy_value()

        return types.void(arguments), generate

    return body


def _run(name: str, arrays: list[np.ndarray]) -> Callable[..., None]:
    path = directory() / f"{name}.py"
    try:
        if not path.exists():
            _write(path, _text(name, arrays, cache=True))
        return _imported(name, path)
    except Exception as problem:  # a home that cannot be written to, a damaged file …
        _log.info("a compiled step is not kept on disk: %s", problem)
        scope: dict[str, Any] = {}
        exec(compile(_text(name, arrays, cache=False), name, "exec"), scope)
        run: Callable[..., None] = scope["run"]
        return run


def _text(name: str, arrays: list[np.ndarray], cache: bool) -> str:
    own = [f"t{i}" for i in range(len(arrays))]
    kinds = [f"{a.dtype.name}[{', '.join([*':' * (a.ndim - 1), '::1'])}]" for a in arrays]
    fixed = Code.ARGUMENTS
    return _FILE.format(
        versions=_versions(),
        name=name,
        types=", ".join([*("i8" for _ in fixed), *kinds]),
        names=", ".join([*fixed, *own]),
        values=", ".join([*fixed, *(f"{t}.ctypes.data" for t in own)]),
        cache=cache,
    )


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    own = path.with_suffix(f".{os.getpid()}.tmp")
    own.write_text(text, "utf-8")
    os.replace(own, path)


def _imported(name: str, path: Path) -> Callable[..., None]:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where Numba looks for it
    spec.loader.exec_module(module)
    run: Callable[..., None] = module.run
    return run


@cache
def _versions() -> str:
    """What a step depends on that Numba does not look at: the files that write its instructions."""
    writers = sorted(Path(__file__).parent.glob("numba_*.py"))
    known = hashlib.sha256(b"".join(path.read_bytes() for path in writers)).hexdigest()[:16]
    return f"numba {numba.__version__}, NumPy {np.__version__}, instructions {known}"
