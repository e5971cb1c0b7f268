"""Cells, the command line, the workers' replies, the clock and the hand-written contender."""

import numpy as np
import pytest

from benchmarks import __main__ as cli
from benchmarks import cells, contenders, machine, memory, reference, runner, timing
from benchmarks.contenders.floor_numpy import FloorNumpy
from benchmarks.contenders.handwritten_numpy import HandwrittenNumpy


def test_grid_has_the_five_networks():
    assert [cell.key for cell in cells.GRID] == [
        "2-4-1@4",
        "30-64-1@64",
        "784-128-10@128",
        "784-1024-1024-10@512",
        "4096-4096-1@1024",
    ]
    assert [cell.small for cell in cells.GRID] == [True, True, True, False, False]


def test_parse_reads_grid_names_and_free_cells():
    assert cells.parse("30-64-1").batch == 64
    assert cells.parse("8-8-1@16") == cells.Cell((8, 8, 1), 16)
    with pytest.raises(ValueError, match="30-64-1"):
        cells.parse("31-64-1")


def test_jobs_are_the_same_every_time():
    a, b = (cells.make_job(cells.GRID[2], "adam") for _ in range(2))
    assert np.array_equal(a.X, b.X)
    assert all(np.array_equal(v, w) for v, w in zip(a.W, b.W, strict=True))
    assert a.X.dtype == a.Y.dtype == a.W[0].dtype == np.float32
    assert np.array_equal(a.Y.argmax(axis=1), a.labels)


def test_floor_stands_for_every_floor_of_the_device():
    assert contenders.expand(["floor"], "cpu") == ["floor-numpy", "floor-torch"]
    assert contenders.expand(["floor"], "gpu") == ["floor-torch", "floor-cupy"]
    with pytest.raises(ValueError, match="theano"):
        contenders.expand(["theano"], "cpu")


def test_gpu_tasks_without_a_gpu_exit_with_2(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(machine, "gpu_name", lambda: None)
    assert cli.main(["crossover", "--out", str(tmp_path)]) == 2
    assert cli.main(["step", "--device", "gpu", "--out", str(tmp_path)]) == 2
    assert "GPU" in capsys.readouterr().err


def test_rounds_are_interleaved():
    seen = list(runner.interleave("ab", 2))
    assert seen == [(0, "a"), (0, "b"), (1, "a"), (1, "b")]


def test_missing_contender_is_asked_once(monkeypatch):
    asked = []

    def launch(spec):
        asked.append(spec["name"])
        return {"missing": "gone"} if spec["name"] == "b" else {"blocks": [1.0]}

    monkeypatch.setattr(runner, "launch", launch)
    outcomes = runner.rounds_of(["a", "b"], 3, lambda name, number: {"name": name})
    assert asked == ["a", "b", "a", "a"]
    assert outcomes["b"] == [{"missing": "gone"}]


def test_a_worker_measures_once_and_again_what_it_has_built(request):
    spec = {"task": "step", "contender": "backprop_xp", "cell": "2-4-1@4", "optimizer": "sgd"}
    spec |= {"device": "cpu", "quick": True}
    worker = runner.Worker("cpu")
    request.addfinalizer(worker.close)
    first, second = (worker.ask(spec | {"check": check}) for check in (True, False))
    assert len(first["blocks"]) == len(second["blocks"]) == 3
    assert len(first["losses"]) == 2
    assert second["losses"] == []
    assert "KeyError" in worker.ask({"task": "none such"})["missing"]
    assert "within 0 s" in worker.ask(spec | {"check": True}, timeout=0.0)["missing"]
    assert "exit code -9" in worker.ask(spec | {"check": True})["missing"]


def test_reply_is_the_last_line_and_a_dead_worker_is_missing():
    assert runner.read(0, 'noise\n{"loss": 1.0}\n', "") == {"loss": 1.0}
    found = runner.read(-9, "", "Traceback\nMemoryError")
    assert found == {"missing": "exit code -9: MemoryError"}


def test_blocks_reach_the_target_and_report_seconds_per_step(monkeypatch):
    now = 0.0

    def run(n):
        nonlocal now
        now += 1e-3 * n

    monkeypatch.setattr(timing.time, "perf_counter", lambda: now)
    blocks, n = timing.time_blocks(run, timing.Budget(block=0.1, blocks=4))
    assert 70 <= n <= 110
    assert blocks == pytest.approx([1e-3] * 4)


def test_accounted_memory_counts_what_a_step_must_hold():
    cell = cells.GRID[0]  # 17 parameters, batch 4
    assert memory.accounted(cell, "sgd") == 4 * (4 * 3 + 2 * 17 + 4 * 5)
    assert memory.accounted(cell, "adam") == 4 * (4 * 3 + 4 * 17 + 4 * 5)


def test_reference_loss_of_zero_weights_is_log_of_the_number_of_classes():
    for cell in cells.GRID[:3]:
        job = cells.make_job(cell, "sgd")
        loss = reference.loss(job.X, job.Y, [np.zeros_like(w) for w in job.W], job.b)
        assert loss == pytest.approx(np.log(max(2, cell.sizes[-1])))


@pytest.mark.parametrize("cell", cells.GRID[:3], ids=lambda cell: cell.name)
def test_handwritten_step_follows_the_gradient_of_the_reference_loss(cell):
    job = cells.make_job(cell, "sgd")
    trained = HandwrittenNumpy(job, "")
    trained.run(1)
    W, b = trained.weights()
    rng = np.random.default_rng(0)
    V = [rng.standard_normal(w.shape) for w in job.W]
    u = [rng.standard_normal(c.shape) for c in job.b]

    def along(h):
        moved = [w + h * v for w, v in zip(job.W, V, strict=True)]
        biases = [c + h * d for c, d in zip(job.b, u, strict=True)]
        return reference.loss(job.X, job.Y, moved, biases)

    slope = (along(1e-6) - along(-1e-6)) / 2e-6
    gradient = [(old - new) / job.rate for old, new in zip(job.W + job.b, W + b, strict=True)]
    product = sum((g * d).sum() for g, d in zip(gradient, V + u, strict=True))
    assert product == pytest.approx(slope, rel=2e-3, abs=1e-4)


@pytest.mark.parametrize("optimizer", cells.OPTIMIZERS)
def test_handwritten_training_lowers_the_loss_and_keeps_the_job_unchanged(optimizer):
    job = cells.make_job(cells.GRID[1], optimizer)
    before = reference.loss(job.X, job.Y, job.W, job.b)
    trained = HandwrittenNumpy(job, "")
    trained.run(50)
    assert reference.loss(job.X, job.Y, *trained.weights()) < before
    assert reference.loss(job.X, job.Y, job.W, job.b) == before


def test_floor_multiplies_what_a_step_multiplies():
    job = cells.make_job(cells.GRID[3], "sgd")
    shapes = [(left.shape, right.shape) for left, right, _ in FloorNumpy(job, "").products]
    assert len(shapes) == 3 + 3 + 2
    assert ((784, 512), (512, 1024)) not in shapes
    assert ((1024, 512), (512, 784)) in shapes
