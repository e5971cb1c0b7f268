"""The command line: main([...]) here, and a few real processes."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.cli import main

ACCURACY = re.compile(r"test accuracy (0\.\d{3}) \(\d+ of 113 rows right\)")


@pytest.fixture(autouse=True)
def no_choice(monkeypatch):
    monkeypatch.delenv("BACKEND", raising=False)


def run(capsys, *arguments):
    """The exit code, the lines on stdout, and stderr."""
    code = main(arguments)
    captured = capsys.readouterr()
    return code, captured.out.splitlines(), captured.err


def process(*arguments, backend=None):
    """A process of its own, as a user starts it."""
    environment = {k: v for k, v in os.environ.items() if k != "BACKEND"}
    if backend:
        environment["BACKEND"] = backend
    command = [sys.executable, "-m", "backprop_xp", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


# -- train -------------------------------------------------------------------------------------


def test_train_reaches_its_accuracy_with_every_seed(capsys):
    accuracies = []
    for seed in range(5):
        code, lines, _ = run(capsys, "train", "--seed", str(seed))
        assert code == 0
        accuracies.append(float(ACCURACY.fullmatch(lines[-1])[1]))
    assert np.mean(accuracies) >= 0.96
    assert min(accuracies) >= 0.94


def test_train_on_every_backend(backend, capsys):
    """The same seed trains the same network everywhere, so the last lines are the same."""
    code, lines, stderr = run(capsys, "train", "--backend", backend.name)
    assert (code, stderr) == (0, "")  # no bar where no terminal is
    assert f"backend   {backend.name} ({backend.description})" in lines
    assert lines[-1] == run(capsys, "train", "--backend", "numpy")[1][-1]


def test_train_says_what_it_does(capsys):
    _, lines, _ = run(capsys, "train")
    assert "456 rows to train on, 113 held out" in lines[0]
    assert "30 features → 16 tanh → 1 sigmoid, binary cross-entropy, 513 parameters" in lines[1]
    assert re.match(r"trained   100 epochs of gradient descent in .* cost 0\.\d+ → 0\.0", lines[-2])


def test_a_seed_that_makes_no_sense(capsys):
    code, lines, stderr = run(capsys, "train", "--seed", "-1")
    assert (code, lines) == (2, [])
    assert stderr == (
        "backprop-xp: error: seed=-1: expected an integer ≥ 0 or a numpy.random.Generator\n"
    )


def test_an_interrupt_is_no_traceback(capsys, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(bp, "fit", interrupted)
    code, _, stderr = run(capsys, "train")
    assert (code, stderr) == (130, "backprop-xp: interrupted\n")


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        (MemoryError("3 TiB"), "error: there is not enough memory. 3 TiB"),
        (MemoryError(), "error: there is not enough memory"),
        (OSError(24, "Too many open files", "f.csv"), "error: f.csv: Too many open files"),
        (OSError(5, "Input/output error"), "error: Input/output error"),
        (bp.DataError("a\nb"), "error: a b"),
    ],
)
def test_what_the_system_refuses_is_one_line(capsys, monkeypatch, problem, line):
    def refused(*arguments, **options):
        raise problem

    monkeypatch.setattr(bp, "fit", refused)
    code, _, stderr = run(capsys, "train")
    assert (code, stderr) == (2, f"backprop-xp: {line}\n")


# -- check -------------------------------------------------------------------------------------


def test_check_passes_on_every_usable_backend(capsys):
    code, lines, _ = run(capsys, "check")
    assert code == 0
    usable = [name for name in ("numpy", "numba", "cupy", "strict") if is_usable(name)]
    assert [line.split()[0] for line in lines if not line.startswith(" ")][:-1] == usable
    assert lines[-1] == f"{7 * len(usable)} gradient checks passed, 0 failed"
    assert "WRONG" not in "\n".join(lines)


def is_usable(name):
    try:
        return bool(bp.get_backend(name))
    except bp.BackendError:
        return False


def test_check_on_one_backend(backend, capsys, monkeypatch):
    code, lines, _ = run(capsys, "check", "--backend", backend.name)
    assert (code, lines[-1]) == (0, "7 gradient checks passed, 0 failed")
    monkeypatch.setenv("BACKEND", backend.name)
    assert run(capsys, "check")[1] == lines


def test_check_has_columns_under_a_title(capsys):
    _, (_, title, *lines, _), _ = run(capsys, "check", "--backend", "numpy")
    assert title.strip() == "largest relative error"
    assert {len(line) for line in (title, *lines)} == {79}
    assert {line[:7] for line in lines} == {"  ok   "}
    assert all(re.fullmatch(r" \d\.\de-\d\d", line[-8:]) for line in lines)


def test_check_finds_a_fault(capsys, monkeypatch):
    """tanh' without its square: one exit code, and the report of each network that has it."""
    from backprop_xp.maths.activations import ACTIVATIONS

    wrong = bp.Activation("tanh", lambda xp, z: xp.tanh(z), lambda xp, z, a: 1.0 - a)
    monkeypatch.setitem(ACTIVATIONS, "tanh", wrong)
    code, lines, _ = run(capsys, "check", "--backend", "numpy")
    assert (code, lines[-1]) == (1, "4 gradient checks passed, 3 failed")
    assert sum("gradient check FAILED" in line for line in lines) == 3


# -- backends, and wrong use -------------------------------------------------------------------


def test_backends_are_listed_with_the_default(backend, capsys, monkeypatch):
    monkeypatch.delenv("BACKEND", raising=False)
    code, lines, _ = run(capsys, "backends")
    assert code == 0
    assert [line.split()[0] for line in lines] == ["numpy", "numba", "cupy", "strict"]
    assert lines[0].endswith("← the default")
    (line,) = (line for line in lines if line.startswith(backend.name))
    assert "not usable" not in line
    assert backend.description in line
    monkeypatch.setenv("BACKEND", backend.name)
    lines = run(capsys, "backends")[1]
    marked = f"← BACKEND={backend.name}"
    assert [line.split()[0] for line in lines if line.endswith(marked)] == [backend.name]


def test_backends_says_that_backend_names_none_of_them(capsys, monkeypatch):
    monkeypatch.setenv("BACKEND", "nmupy")
    code, lines, _ = run(capsys, "backends")
    assert (code, lines[-1]) == (0, "BACKEND=nmupy names none of these")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--version"], 0, f"backprop-xp {bp.__version__}"),
        (["--help"], 0, "train the article's two-layer network on real data"),
        (["trian"], 2, "invalid choice: 'trian'"),
        (["train", "--seed", "x"], 2, "invalid int value: 'x'"),
        (["train", "--sede", "1"], 2, "unrecognized arguments"),
    ],
)
def test_usage(capsys, arguments, code, message):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    captured = capsys.readouterr()
    assert stopped.value.code == code
    assert message in (captured.err if code else captured.out)
    if code:
        assert captured.err.startswith("backprop-xp")
        assert len(captured.err.splitlines()) == 1
        assert re.search(r"; see backprop-xp (train )?--help$", captured.err)


@pytest.mark.parametrize(
    "command", ["train", "predict", "check", "explain", "backends", "textbook", "learn"]
)
def test_every_command_says_what_it_does(capsys, command):
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    text = capsys.readouterr().out
    description = text.partition("\n\n")[2].partition("\n\n")[0]
    assert len(description) > 60
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("command", ["train", "check"])
def test_an_unknown_backend(capsys, monkeypatch, command):
    code, lines, stderr = run(capsys, command, "--backend", "nmupy")
    assert (code, lines) == (2, [])
    assert stderr.startswith("backprop-xp: error: backend 'nmupy': no such backend. Did you mean")
    monkeypatch.setenv("BACKEND", "nmupy")
    code, lines, stderr = run(capsys, command)
    assert (code, lines) == (2, [])
    assert stderr.startswith("backprop-xp: error: BACKEND=nmupy: no such backend. Did you mean")


# -- real processes ----------------------------------------------------------------------------


def test_the_main_job_in_a_process():
    done = process("train")
    assert done.returncode == 0, done.stderr
    assert ACCURACY.fullmatch(done.stdout.splitlines()[-1])
    assert done.stderr == ""


def test_the_module_runs_the_command_line(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["backprop-xp", "backends"])
    with pytest.raises(SystemExit, match="0"):
        runpy.run_module("backprop_xp", run_name="__main__")
    assert capsys.readouterr().out.startswith("numpy ")


def test_an_unknown_backend_in_a_process():
    done = process("train", backend="nmupy")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert "BACKEND=nmupy" in done.stderr


@pytest.mark.skipif(is_usable("cupy"), reason="CuPy is usable here")
def test_cupy_that_is_not_usable_in_a_process():
    done = process("train", backend="cupy")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("backprop-xp: error: BACKEND=cupy was asked for, but it is not usable")
    assert "Usable here: numpy" in line
    assert "pip install 'backprop-xp[cuda13]'" in line


def test_no_command_is_help_in_a_process():
    done = process()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: backprop-xp")
    assert "explain " in done.stdout
