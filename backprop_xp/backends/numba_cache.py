"""Compiled steps, and where their machine code is kept.

LLVM compiles a step once per kind of CPU: the machine code is a file in the user's cache directory,
named by a hash of all that it depends on. Any number of processes may write it at once. Where
nothing can be written, a step is compiled anew in every process.
"""

from __future__ import annotations

import ctypes
import hashlib
import logging
import os
import sys
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite
import numpy as np
from llvmlite import binding, ir

from backprop_xp.backends.numba_blas import make_known
from backprop_xp.backends.numba_code import Code
from backprop_xp.backends.numba_ir import Pointer, integer

_log = logging.getLogger("backprop_xp")
_lock = threading.Lock()
_runs: dict[str, Callable[[bytes], None]] = {}
_engines: list[Any] = []  # kept, since they own the code
# A compilation that takes longer than this is said, in seconds.
_PATIENCE = 0.5


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


def compiled(code: Code) -> Callable[[bytes], None]:
    """Return `run`, which takes the arguments of `Code.write` as 64-bit integers in a row."""
    described = f"{_depends_on()}\n{code.text}"
    name = hashlib.sha256(described.encode()).hexdigest()[:32]
    with _lock:
        if name not in _runs:
            path = directory() / f"{name}.o"
            machine_code = _read(path)
            if machine_code is None:
                machine_code = _compiled_aloud(code)
                _keep(path, machine_code)
            _runs[name] = _loaded(machine_code)
        return _runs[name]


def _compiled_aloud(code: Code) -> bytes:
    said = threading.Timer(_PATIENCE, _log.warning, ["compiling a training step …"])
    said.daemon = True
    said.start()
    try:
        return _machine_code(code)
    finally:
        said.cancel()


def _machine_code(code: Code) -> bytes:
    module = ir.Module()
    kind = ir.FunctionType(ir.VoidType(), [ir.PointerType()])
    function = ir.Function(module, kind, "run")
    builder = ir.IRBuilder(function.append_basic_block())
    arguments = Pointer(builder, function.args[0], np.dtype("int64"))
    code.write(builder, [arguments.load(integer(i)).value for i in range(code.argument_count)])
    builder.ret_void()
    machine = _machine()
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    parsed = binding.parse_assembly(str(module))
    options = binding.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = options.slp_vectorization = True
    passes = binding.create_pass_builder(machine, options)
    passes.getModulePassManager().run(parsed, passes)
    written: bytes = machine.emit_object(parsed)
    return written


def _loaded(machine_code: bytes) -> Callable[[bytes], None]:
    make_known()
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), _machine())
    engine.add_object_file(binding.ObjectFileRef.from_data(machine_code))
    engine.finalize_object()
    _engines.append(engine)
    # Called through ctypes, it runs without the interpreter's lock.
    run: Callable[[bytes], None] = ctypes.CFUNCTYPE(None, ctypes.c_char_p)(
        engine.get_function_address("run")
    )
    return run


def _machine() -> Any:
    """LLVM's idea of this machine, a new one, since engines keep what they are given."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    target = binding.Target.from_default_triple()
    # As Numba has it: elsewhere, code and what it calls may lie too far apart.
    reloc = "static" if target.name.startswith("x86") else "default"
    return target.create_target_machine(
        *_processor(), opt=3, reloc=reloc, codemodel="jitdefault", jit=True
    )


@cache
def _processor() -> tuple[str, str]:
    """Its name and features."""
    try:
        features = binding.get_host_cpu_features().flatten()
    except RuntimeError:  # of a kind that LLVM cannot ask
        features = ""
    return binding.get_host_cpu_name(), features


def _read(path: Path) -> bytes | None:
    """Return the machine code in a file, None if it is not there or damaged."""
    try:
        digest, machine_code = (content := path.read_bytes())[:32], content[32:]
    except OSError:
        return None
    return machine_code if hashlib.sha256(machine_code).digest() == digest else None


def _keep(path: Path, machine_code: bytes) -> None:
    own = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        own.write_bytes(hashlib.sha256(machine_code).digest() + machine_code)
        os.replace(own, path)
    except OSError as problem:
        _log.info("a compiled step is not kept on disk: %s", problem)


@cache
def _depends_on() -> str:
    """What machine code depends on beside the step: who writes it, and for which processor."""
    writers = sorted(Path(__file__).parent.glob("numba_*.py"))
    known = hashlib.sha256(b"".join(path.read_bytes() for path in writers)).hexdigest()
    return f"{known} llvmlite {llvmlite.__version__} {binding.get_default_triple()} {_processor()}"
