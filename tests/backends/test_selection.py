"""get_backend: argument over BACKEND over numpy, and one clear error instead of a fallback."""

from __future__ import annotations

import os
import subprocess
import sys
from types import ModuleType

import pytest

import backprop_xp as bp
from backprop_xp import backends

# How CuPy is asked for, with BACKEND=cupy, and how the error begins.
ASKED = [("cupy", "backend 'cupy'"), (None, "BACKEND=cupy")]


@pytest.fixture
def nothing_loaded(monkeypatch):
    """Selection as in a new process: no backend has been imported yet."""
    monkeypatch.setattr(backends, "_load", backends._load.__wrapped__)
    for name in (*backends._BACKENDS, "cublas", "cuda_graph", "pinned"):
        module = f"backprop_xp.backends.{name}"
        monkeypatch.setitem(sys.modules, module, None)  # so that the undo removes a new import
        monkeypatch.delitem(sys.modules, module)


@pytest.fixture
def no_cupy(nothing_loaded, monkeypatch):
    """CuPy is not installed."""
    for name in ("cupy", "array_api_compat.cupy"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.fixture
def cupy_stand_in(nothing_loaded, monkeypatch):
    """CuPy is installed, but there is no device."""
    stand_in = ModuleType("cupy")
    stand_in.__version__ = "14.2.0"
    stand_in.is_available = lambda: False
    # What our modules name of it when they are imported.
    stand_in.ndarray, stand_in.sign = object, abs
    stand_in.ElementwiseKernel = lambda *_: None
    monkeypatch.setitem(sys.modules, "cupy", stand_in)
    monkeypatch.setitem(sys.modules, "array_api_compat.cupy", ModuleType("array_api_compat.cupy"))
    return stand_in


def error_of(name: str | None = None) -> str:
    with pytest.raises(bp.BackendError) as caught:
        bp.get_backend(name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_numpy_without_a_choice(monkeypatch):
    monkeypatch.delenv("BACKEND", raising=False)
    assert bp.get_backend().name == "numpy"


@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_environment_variable_is_no_choice(monkeypatch, value):
    monkeypatch.setenv("BACKEND", value)
    assert bp.get_backend().name == "numpy"


def test_the_environment_chooses(backend, monkeypatch):
    monkeypatch.setenv("BACKEND", f" {backend.name} ")
    assert bp.get_backend() is backend
    assert bp.Network([2, 1]).backend is backend


def test_the_argument_wins_over_the_environment(backend, monkeypatch):
    monkeypatch.setenv("BACKEND", "nmupy")
    assert bp.get_backend(backend.name) is backend
    assert bp.Network([2, 1], backend=backend.name).backend is backend


def test_the_same_object_for_the_same_name(backend):
    assert bp.get_backend(backend.name) is backend
    assert bp.get_backend(backend) is backend


def test_an_unknown_argument_names_the_nearest_and_all():
    assert error_of("nmupy") == (
        "backend 'nmupy': no such backend. Did you mean 'numpy'? "
        "The choices are: numpy, numba, cupy, strict."
    )


@pytest.mark.parametrize("name", ["torch", "", 3, ["numpy"]])
def test_an_argument_that_is_no_name(name):
    assert "no such backend" in error_of(name)
    assert "numpy, numba, cupy, strict" in error_of(name)


def test_an_unknown_name_in_the_environment(monkeypatch):
    monkeypatch.setenv("BACKEND", "nmupy")
    message = error_of()
    assert message.startswith("BACKEND=nmupy: no such backend. Did you mean 'numpy'?")
    with pytest.raises(bp.BackendError) as caught:
        bp.Network([2, 1])
    assert str(caught.value) == message


@pytest.mark.parametrize(("argument", "asked"), ASKED)
def test_cupy_is_not_installed(no_cupy, monkeypatch, argument, asked):
    monkeypatch.setenv("BACKEND", "cupy")
    message = error_of(argument)
    assert message.startswith(f"{asked} was asked for, but it is not usable here: ")
    assert "Usable here: numpy" in message
    assert "pip install 'backprop-xp[cuda13]'" in message


@pytest.mark.parametrize(("argument", "asked"), ASKED)
def test_cupy_without_a_device(cupy_stand_in, monkeypatch, argument, asked):
    monkeypatch.setenv("BACKEND", "cupy")
    message = error_of(argument)
    assert message.startswith(f"{asked} was asked for, but it is not usable here: CuPy 14.2.0 ")
    assert "no usable CUDA device" in message
    assert "Usable here: numpy" in message


def test_cupy_with_a_device_that_cannot_run(cupy_stand_in, monkeypatch):
    def no_compiler(count):
        raise OSError("libnvrtc.so is missing")

    cupy_stand_in.is_available = lambda: True
    cupy_stand_in.arange = no_compiler
    assert "has a device but cannot run (libnvrtc.so is missing)" in error_of("cupy")


def test_survey_has_a_line_for_every_backend(no_cupy):
    status = {line.name: line for line in backends.survey()}
    assert list(status) == ["numpy", "numba", "cupy", "strict"]
    assert status["numpy"].usable
    assert status["numpy"].detail.startswith("NumPy ")
    assert not status["cupy"].usable
    assert status["cupy"].detail.endswith("to match the driver)")


def test_survey_agrees_with_get_backend(backend):
    (line,) = (line for line in backends.survey() if line.name == backend.name)
    assert line == backends.BackendStatus(backend.name, True, backend.description)


def test_the_import_does_not_choose():
    program = "import backprop_xp as bp; print('imported'); bp.get_backend()"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "BACKEND": "nmupy"},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "imported\n"
    assert "BackendError: BACKEND=nmupy" in done.stderr


def test_the_import_loads_no_backend():
    others = "{'cupy', 'llvmlite', 'array_api_strict'}"
    program = f"import backprop_xp, sys; print({others} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "set()\n"
