"""N ranks are one, decide alike, fail alike, and end when one of them dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from examples import scripts

import backprop_xp as bp
from backprop_xp.training.distributed import ranks

pytest.importorskip("mpi4py")
MPIEXEC = Path(sys.prefix) / "bin" / "mpiexec"
if not MPIEXEC.exists():
    pytest.skip("no mpiexec beside this Python", allow_module_level=True)

CASES = Path(__file__).with_name("on_ranks.py")
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name != "BACKEND"},
    "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    "OPENBLAS_NUM_THREADS": "1",
}
# A job whose rank has died must end within 30 s.
LIMIT = 30


def command(size, *arguments):
    return [str(MPIEXEC), "-n", str(size), sys.executable, *map(str, arguments)]


def mpiexec(size, *arguments, cwd=None):
    return subprocess.run(
        command(size, *arguments),
        env=ENVIRONMENT,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
    )


def run(size, *arguments):
    """What a case of on_ranks.py returns."""
    done = mpiexec(size, CASES, *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# -- N ranks are one ---------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_ranks_are_one(size):
    """Every optimizer, weights, clipping, dropout …; whole data, and uneven parts of them."""
    found = run(size, "equal", "numpy")
    assert len(found) == 34
    assert max(found.values()) < 1e-12, found


def test_ranks_are_one_on_any_backend():
    """Arrays that MPI cannot read go through the host."""
    pytest.importorskip("array_api_strict")
    assert max(run(2, "recorded", "strict").values()) < 1e-5


def test_recorded_steps_and_a_second_call():
    found = run(2, "recorded", "numpy")
    assert found["float64"] < 1e-12
    assert found["float32"] < 1e-5


def test_ranks_without_rows():
    assert max(run(3, "no_row_for_most", "numpy").values()) < 1e-12


def test_the_script_of_the_guide(tmp_path):
    page = Path(__file__).parents[3] / ".docs" / "pages" / "guide" / "distributed.md"
    (script,) = (s for s in scripts(page.read_text(encoding="utf-8")) if "mpi4py" in s)
    printed = {}
    for size in (1, 2):
        done = mpiexec(size, "-c", script)
        assert done.returncode == 0, done.stderr
        printed[size] = done.stdout
    assert printed[2].replace("2 ranks", "1 ranks") == printed[1]
    assert printed[2].count("cost") == 1


# -- checkpoints -------------------------------------------------------------------------------


def test_resume_with_another_number_of_ranks(tmp_path):
    whole = run(1, "resume", tmp_path / "whole.safetensors", 7)
    path = tmp_path / "run.safetensors"
    for size, epochs in ((2, 2), (3, 5)):
        run(size, "resume", path, epochs)
    assert [file.name for file in tmp_path.iterdir() if file.stem == "run"] == [path.name]
    net = bp.load(path)
    assert net.dtype == "float64"
    found = run(1, "resume", path, 7)
    np.testing.assert_allclose(found, whole, rtol=0, atol=1e-12)


def test_rank_0_alone_shows_a_bar(tmp_path):
    done = mpiexec(3, CASES, "resume", tmp_path / "run.safetensors", 2)
    lines = done.stderr.replace("\r", "\n").splitlines()
    # Every bar begins with an empty one.
    assert sum(line.startswith("|") for line in lines) == 1
    assert lines[-1].startswith("epoch 2/2 |")


# -- what goes wrong ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def disagreements():
    return run(3, "disagreements")


@pytest.mark.parametrize(
    ("what", "kind", "words"),
    [
        ("seed of the weights", "ConfigurationError", "weights θ (their digest): "),
        ("seed of the order", "ConfigurationError", "seed: 4 on ranks 0, 2; 5 on rank 1"),
        ("no seed", "ConfigurationError", "generator that shuffles (its digest): "),
        ("dtype", "ConfigurationError", "dtype: float64 on ranks 0, 2; float32 on rank 1"),
        ("architecture", "ConfigurationError", "'l2': 0.5"),
        ("batch size", "ConfigurationError", "batch_size: 20 on ranks 0, 2; 21 on rank 1"),
        ("optimizer", "ConfigurationError", "'learning_rate': 0.02"),
        ("validation data", "ConfigurationError", "validation_data: False on ranks 0, 2; True on"),
        ("early stopping", "ConfigurationError", "callbacks: [] on ranks 0, 2; ['EarlyStopping']"),
        ("version", "ConfigurationError", "backprop_xp 0.0.1"),
        ("callback on weights", "ConfigurationError", "figures and weights after epoch 1"),
        ("epochs of NumPy's", "ConfigurationError", "epochs: 3 on ranks 0, 2; 4 on rank 1"),
        ("held-out content", "DataError", "content of validation X"),
        ("content", "DataError", "its own part to each"),
        ("rows", "DataError", "number of rows of X: 103 on ranks 0, 2; 102 on rank 1"),
    ],
)
def test_disagreement(disagreements, what, kind, words):
    """All ranks raise the same error, which names the ranks and their values."""
    assert len(set(map(tuple, disagreements[what]))) == 1
    assert disagreements[what][0][0] == kind
    assert words in disagreements[what][0][1]


@pytest.mark.parametrize(
    ("what", "rank", "kind", "words"),
    [
        ("epochs", 1, "ConfigurationError", "epochs=-1: expected a positive integer"),
        ("NaN", 1, "DataError", "X[30, 3] = nan is not finite"),
        ("NaN in a part", 1, "DataError", "nan is not finite"),
        ("no rows", 1, "ShapeError", "X has no rows"),
        ("checkpoint", 0, "CheckpointError", "there is no directory /nowhere"),
        ("resume", 0, "CheckpointError", "there is no such file"),
    ],
)
def test_an_error_on_one_rank_is_one_on_all(disagreements, what, rank, kind, words):
    for number, (found, message) in enumerate(disagreements[what]):
        assert found == kind
        assert words in message
        assert message.startswith(f"rank {rank}: ") == (number != rank)


@pytest.mark.parametrize("what", ["callback before", "callback after"])
def test_a_callback_that_fails_on_one_rank(disagreements, what):
    kinds = [kind for kind, _ in disagreements[what]]
    assert kinds == ["BackpropError", "KeyError", "BackpropError"]
    assert disagreements[what][0][1].startswith("rank 1: KeyError")


def test_after_all_these_errors_the_ranks_still_train(disagreements):
    assert {kind for kind, _ in disagreements["nothing"]} == {"nothing"}


def test_an_error_within_an_epoch_ends_the_job():
    start = time.monotonic()
    done = mpiexec(3, CASES, "failing_within_an_epoch")
    assert time.monotonic() - start < LIMIT
    assert done.returncode != 0
    assert 'KeyError: "the callback\'s own"' in done.stderr
    assert "rank 1 of 3 failed within an epoch (KeyError)" in done.stderr


def test_one_rank_stops_all():
    found = run(3, "stopped")
    assert found["enough"] == [["enough", 2, 2 * 103]] * 3
    assert found["interrupted"] == [["interrupted", 0, 64]] * 3  # after at most 32 steps


def test_divergence_is_that_of_one_process():
    for here, there, difference, words, others in run(3, "diverging"):
        assert here == there
        assert difference < 1e-9
        assert words == others


def wait_for(path):
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"no {path.name}"
        time.sleep(0.02)
    return int(path.read_text())


@pytest.mark.parametrize("killed", [0, 1])
def test_a_rank_that_is_killed_ends_the_job(tmp_path, killed):
    arguments = command(2, CASES, "forever", tmp_path)
    with subprocess.Popen(
        arguments, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as job:
        pids = [wait_for(tmp_path / f"{rank}.pid") for rank in (0, 1)]
        os.kill(pids[killed], signal.SIGKILL)
        start = time.monotonic()
        output, _ = job.communicate(timeout=LIMIT)
    assert time.monotonic() - start < LIMIT
    assert job.returncode != 0
    assert "Killed (signal 9)" in output
    assert str(pids[killed]) in output
    for pid in pids:
        assert not Path(f"/proc/{pid}").exists()
    path = tmp_path / "run.safetensors"
    assert bp.load(path).sizes == (5, 7, 6, 3)


# -- the command line --------------------------------------------------------------------------


def test_train_on_ranks_prints_once(tmp_path):
    alone = subprocess.run(
        [sys.executable, "-m", "backprop_xp", "train"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    done = mpiexec(2, "-m", "backprop_xp", "train", "--mpi", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 5
    assert lines[-1] == alone.stdout.splitlines()[-1]


def test_train_a_table_on_ranks(tmp_path):
    pytest.importorskip("pandas")
    pytest.importorskip("sklearn")
    table = Path(bp.datasets.__file__).with_name("breast_cancer.csv")
    options = ["train", table, "--target", "benign", "--epochs", "3", "--json", "--mpi"]
    options += ["--patience", "2", "--checkpoint", "run.safetensors", "--out", "model.safetensors"]
    done = mpiexec(2, "-m", "backprop_xp", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["test"]["accuracy"] > 0.9
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "model.safetensors",
        "run.safetensors",
    ]


def test_an_error_of_the_command_line_is_printed_once(tmp_path):
    pytest.importorskip("pandas")
    options = ["train", tmp_path / "nothing.csv", "--target", "benign", "--mpi"]
    done = mpiexec(2, "-m", "backprop_xp", *options)
    assert done.returncode == 2
    assert done.stderr.count("backprop-xp: error:") == 1


# -- what is missing ---------------------------------------------------------------------------


def test_without_mpi4py(monkeypatch):
    monkeypatch.setattr(ranks.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(bp.ConfigurationError, match=r'needs mpi4py.*"backprop-xp\[mpi\]"'):
        bp.fit(bp.Network([1, 1], backend="numpy"), [[0.0]], [0], comm="world")


def test_mpi4py_without_an_mpi_library(tmp_path):
    """What mpi4py's wheels do where they find no libmpi."""
    package = tmp_path / "mpi4py"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "MPI.py").write_text("raise RuntimeError('cannot load MPI library\\nlibmpi.so')")
    done = subprocess.run(
        [sys.executable, "-m", "backprop_xp", "train", "--mpi"],
        env=ENVIRONMENT | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ENVIRONMENT['PYTHONPATH']}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "finds no MPI library (cannot load MPI library): pip install" in done.stderr


def test_what_is_no_communicator():
    code = "import backprop_xp as bp; bp.fit(bp.Network([1, 1]), [[0.0]], [0], comm='world')"
    done = mpiexec(1, "-c", code)
    assert "ConfigurationError: comm='world': expected a communicator of mpi4py" in done.stderr


def test_sharded_needs_ranks(backend):
    net = bp.Network([1, 1], backend=backend)
    with pytest.raises(bp.ConfigurationError, match="sharded=True says how the ranks of comm="):
        bp.fit(net, [[0.0]], [0], sharded=True)
