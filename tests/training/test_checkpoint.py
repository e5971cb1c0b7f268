"""Checkpoint and resume: bit for bit, whatever was interrupted, and errors that say why not."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from itertools import pairwise

import numpy as np
import pytest
from cases import OPTIMIZERS, optimizer_id

import backprop_xp as bp
from backprop_xp import storage
from backprop_xp.storage import read, write

SCHEDULES = [
    None,
    bp.CosineDecay(warmup=1),
    bp.ReduceOnPlateau(patience=0, ratio=0.5, min_delta=0.05),
]


class Crash(Exception):
    pass


class CrashIn(bp.Callback):
    """Ends the process, as far as fit can tell, in the middle of an epoch."""

    def __init__(self, epoch, batch=2):
        self.epoch, self.batch = epoch, batch

    def on_batch_end(self, run):
        if (run.epoch, run.batch) == (self.epoch, self.batch):
            raise Crash


def data():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(50, 4))
    return X, (X[:, 0] + rng.normal(size=50) > 0).astype(int)


def train(backend, path=None, crash=None, **options):
    """A run of up to 6 epochs: its network and history, or None if it crashes."""
    dropout = options.pop("dropout", 0.0)
    net = bp.Network([4, 8, 1], "relu", seed=3, dropout=dropout, backend=backend)
    callbacks = [*options.pop("callbacks", []), *([bp.Checkpoint(path)] if path else [])]
    callbacks += [CrashIn(crash)] if crash else []
    options = {"epochs": 6, "batch_size": 16, "seed": 7} | options
    try:
        return net, bp.fit(net, *data(), callbacks=callbacks, **options)
    except Crash:
        return None


def assert_same(one, other):
    (net, history), (again, resumed) = one, other
    to_numpy = net.backend.to_numpy
    assert to_numpy(net.theta).tobytes() == to_numpy(again.theta).tobytes()
    for name in ("loss", "validation_loss", "metrics", "learning_rate", "stopped"):
        assert getattr(history, name) == getattr(resumed, name), name
    assert len(resumed.seconds) == len(resumed.loss)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=optimizer_id)
def test_resumed_is_uninterrupted(backend, tmp_path, optimizer, schedule):
    def options():
        fresh = type(optimizer)(*optimizer.__reduce__()[1])
        return {"optimizer": fresh, "schedule": schedule, "dropout": 0.3, "clip_norm": 0.5}

    path = tmp_path / "run.safetensors"
    whole = train(backend, validation_fraction=0.3, **options())
    assert train(backend, path, 4, validation_fraction=0.3, **options()) is None
    resumed = train(backend, path, resume=path, validation_fraction=0.3, **options())
    assert_same(whole, resumed)


@pytest.mark.parametrize("crash", [2, 3, 5])
def test_early_stopping_goes_on_where_it_was(backend, tmp_path, crash):
    """A rate so large that the best epoch is an early one, from before the crash or after."""

    def options():
        stopping = bp.EarlyStopping(patience=2, min_delta=0.02)
        return {"optimizer": bp.SGD(2.0), "callbacks": [stopping], "epochs": 40}

    whole = train(backend, **options())
    assert whole[1].stopped
    path = tmp_path / "run"
    assert train(backend, path, crash, **options()) is None
    assert_same(whole, train(backend, path, resume=path, **options()))


def test_a_run_that_had_stopped_stays_stopped(backend, tmp_path):
    def options():
        return {"callbacks": [bp.EarlyStopping(patience=0, min_delta=1e9)]}

    whole = train(backend, tmp_path / "run", **options())
    assert_same(whole, train(backend, resume=tmp_path / "run", **options()))


def test_a_chain_of_crashes(tmp_path):
    path = tmp_path / "run"
    assert train("numpy", path, 2, dropout=0.5) is None
    for crash in (4, 5, 6):
        assert train("numpy", path, crash, resume=path, dropout=0.5) is None
    assert_same(train("numpy", dropout=0.5), train("numpy", path, resume=path, dropout=0.5))


def test_sample_and_class_weights(backend, tmp_path):
    options = {"sample_weight": np.linspace(0, 1, 50), "class_weight": "balanced"}
    path = tmp_path / "run"
    assert train(backend, path, 5, **options) is None
    assert_same(train(backend, **options), train(backend, path, resume=path, **options))


def test_more_epochs_continue_a_finished_run(backend, tmp_path):
    path = tmp_path / "run"
    train(backend, path, epochs=3)
    assert_same(train(backend, epochs=6), train(backend, resume=path, epochs=6))
    history = train(backend, resume=path, epochs=2)[1]  # nothing is left to do
    assert len(history.loss) == 3


def test_every_epochs_and_the_last(tmp_path):
    path, seen = tmp_path / "run", []

    class Looking(bp.Callback):
        def on_epoch_begin(self, run):
            seen.append(path.stat().st_mtime_ns if path.exists() else 0)

    net = bp.Network([4, 1], backend="numpy")
    callbacks = [bp.Checkpoint(path, every_epochs=3), Looking()]
    bp.fit(net, *data(), epochs=8, callbacks=callbacks)
    assert [a != b for a, b in pairwise(seen)] == [0, 0, 1, 0, 0, 1, 0]
    history = bp.fit(net, *data(), epochs=8, resume=path)
    assert len(history.loss) == 8


def test_a_checkpoint_opens_as_a_network(backend, tmp_path):
    net, _ = train(backend, tmp_path / "run", dropout=0.25)
    opened = bp.load(tmp_path / "run", backend=backend)
    assert np.array_equal(backend.to_numpy(opened.theta), backend.to_numpy(net.theta))
    assert opened.architecture == net.architecture


def test_a_generator_other_than_the_default(tmp_path):
    """Some keep arrays in their state."""

    def seed():
        return {"seed": np.random.Generator(np.random.MT19937(5))}

    path = tmp_path / "run"
    assert train("numpy", path, 4, **seed()) is None
    assert_same(train("numpy", **seed()), train("numpy", path, resume=path, **seed()))


# -- what does not fit ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"optimizer": bp.SGD(0.1)}, "its optimizer is .*Adam.*here it is .*SGD"),
        ({"optimizer": bp.Adam(0.5)}, "its optimizer is .*0.001.*here it is .*0.5"),
        ({"batch_size": 8}, "its batch_size is 16, but here it is 8"),
        ({"seed": 8}, "its seed is 7, but here it is 8"),
        ({"dropout": 0.5}, "its architecture is"),
        ({"schedule": bp.CosineDecay()}, "its schedule is None"),
        ({"callbacks": [bp.EarlyStopping()]}, "its callbacks is"),
        ({"validation_fraction": 0.5}, "its number of rows is 50, but here it is 25"),
    ],
)
def test_another_run(tmp_path, change, words):
    path = tmp_path / "run"
    train("numpy", path, epochs=2)
    with pytest.raises(bp.CheckpointError, match=words):
        train("numpy", resume=path, **change)


def test_what_is_no_checkpoint_changes_nothing(tmp_path):
    net = bp.Network([4, 8, 1], "relu", seed=3, backend="numpy")
    before = net.theta.copy()
    net.save(tmp_path / "network")
    (tmp_path / "text").write_text("text")
    for name, words in (("network", "no checkpoint of a run"), ("text", "text"), ("no", "no")):
        with pytest.raises(bp.CheckpointError, match=words):
            bp.fit(net, *data(), resume=tmp_path / name)
    with pytest.raises(bp.ConfigurationError, match="resume=True: expected the path"):
        bp.fit(net, *data(), resume=True)
    assert np.array_equal(net.theta, before)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=optimizer_id)
def test_an_early_checkpoint_whose_moments_leave_factors_out(backend, tmp_path, optimizer):
    path, kind = tmp_path / "run.safetensors", type(optimizer)
    factors = {bp.Adam: (0.1, 0.001), bp.AdamW: (0.1, 0.001), bp.RMSprop: (0.1,)}.get(kind, (1.0,))
    net, _ = train(backend, optimizer=kind())
    train(backend, path, crash=4, optimizer=kind())
    arrays, document = read(path)
    del document["run"]["moments"]
    early = {f"slot {i}": arrays[f"slot {i}"] / f for i, f in enumerate(factors[: kind.slots])}
    write(path, arrays | early, document)
    again, _ = train(backend, resume=path, optimizer=kind())
    np.testing.assert_allclose(
        backend.to_numpy(again.theta), backend.to_numpy(net.theta), rtol=1e-4, atol=1e-6
    )


def _remove(name):
    return lambda arrays, run: run.pop(name)


def _put(name, value):
    return lambda arrays, run: run.update({name: value})


def _put_in(part, name, value):
    return lambda arrays, run: run[part].update({name: value})


def _array(name, make):
    return lambda arrays, run: arrays.update({name: make(arrays[name])})


UNFIT = {
    "θ is short": _array("theta", lambda a: a[1:]),
    "θ is a column": _array("theta", lambda a: a[:, None]),
    "θ is one number": _array("theta", lambda a: a[:1]),
    "θ of another dtype": _array("theta", lambda a: a.astype(np.float64)),
    "θ of integers": _array("theta", lambda a: a.astype(np.int32)),
    "θ is not there": lambda arrays, run: arrays.pop("theta"),
    "a slot is short": _array("slot 1", lambda a: a[1:]),
    "a slot of another dtype": _array("slot 0", lambda a: a.astype(np.float64)),
    "a slot is not there": lambda arrays, run: arrays.pop("slot 1"),
    "the best θ is short": _array("callback 0 best_theta", lambda a: a[1:]),
    "the best θ of integers": _array("callback 0 best_theta", lambda a: a.astype(np.int32)),
    "a text as epoch": _put("epoch", "x"),
    "a digit as epoch": _put("epoch", "2"),
    "half an epoch": _put("epoch", 1.5),
    "a negative epoch": _put("epoch", -1),
    "true as epoch": _put("epoch", True),
    "another epoch": _put("epoch", 3),
    "null as steps": _put("steps", None),
    "too many steps": _put("steps", 10**400),
    "no steps": _remove("steps"),
    "a list as seed": _put("dropout_seed", [1]),
    "a number as history": _put("history", 3),
    "a list as history": _put("history", []),
    "more in the history": _put_in("history", "more", []),
    "a text as loss": _put_in("history", "loss", "ab"),
    "texts as loss": _put_in("history", "loss", ["a", "b"]),
    "a list as metrics": _put_in("history", "metrics", []),
    "numbers as metrics": _put_in("history", "metrics", {"validation_accuracy": 3}),
    "a number as reason": _put_in("history", "stopped", 3),
    "another generator": _put("generator", {"a": 1}),
    "a generator of another kind": _put_in("generator", "bit_generator", "MT19937"),
    "a generator in half": _put_in("generator", "state", {"state": 5}),
    "a generator of texts": _put_in("generator", "state", {"state": "5", "inc": "7"}),
    "a generator too large": _put_in("generator", "state", {"state": 2**300, "inc": 2**300}),
    "a number as generator": _put("generator", 5),
    "no generator": _remove("generator"),
    "a number as schedule": _put("schedule", 5),
    "a schedule of nothing": _put("schedule", {}),
    "a schedule of text": _put_in("schedule", "factor", "1"),
    "no list of callbacks": _put("callbacks", None),
    "callbacks gone": _put("callbacks", []),
    "callbacks of numbers": _put("callbacks", [1]),
    "a callback of nothing": _put("callbacks", [{}]),
    "a callback of text": lambda arrays, run: run["callbacks"][0].update(waited="1"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_a_run_that_is_not_whole_changes_nothing(backend, tmp_path, name):
    """Files whose checksums are right, but not what they say."""

    def options():
        stopping, plateau = bp.EarlyStopping(patience=50), bp.ReduceOnPlateau(patience=50)
        return {"callbacks": [stopping], "schedule": plateau, "dropout": 0.2}

    path = tmp_path / "run"
    assert train(backend, path, 3, **options()) is None
    train(backend, resume=path, **options())  # before it is spoilt
    arrays, document = read(path)
    UNFIT[name](arrays, document["run"])
    write(path, {key: np.ascontiguousarray(array) for key, array in arrays.items()}, document)

    given = options()
    net = bp.Network([4, 8, 1], "relu", seed=3, dropout=given.pop("dropout"), backend=backend)
    before, remembered = backend.to_numpy(net.theta).tobytes(), given["callbacks"][0].state()
    plan = {"epochs": 6, "batch_size": 16, "seed": 7, "resume": path}
    with pytest.raises(bp.CheckpointError, match=r"holds no complete run \(") as refusal:
        bp.fit(net, *data(), **plan, **given)
    assert "\n" not in str(refusal.value)
    assert backend.to_numpy(net.theta).tobytes() == before
    assert given["callbacks"][0].state() == remembered


@pytest.mark.parametrize("name", ["θ is short", "half an epoch", "a callback of text"])
def test_a_generator_of_the_users_stays_where_it_is(tmp_path, name):
    def options(rng):
        stopping = bp.EarlyStopping(patience=50)
        return {"callbacks": [stopping], "seed": rng, "optimizer": bp.Adam(0.1)}

    path = tmp_path / "run"
    assert train("numpy", path, 3, **options(np.random.default_rng(7))) is None
    arrays, document = read(path)
    UNFIT[name](arrays, document["run"])
    write(path, arrays, document)
    rng = np.random.default_rng(7)
    before = rng.bit_generator.state
    with pytest.raises(bp.CheckpointError, match="holds no complete run"):
        train("numpy", resume=path, **options(rng))
    assert rng.bit_generator.state == before


@pytest.mark.parametrize(
    "make",
    [
        lambda: bp.Checkpoint(3),
        lambda: bp.Checkpoint("run", every_epochs=0),
        lambda: bp.Checkpoint("run", every_epochs=1.5),
    ],
)
def test_options_that_make_no_sense(make):
    with pytest.raises(bp.ConfigurationError, match="but expected"):
        make()


def test_a_directory_that_is_not_there_is_noticed_at_the_first_write(tmp_path):
    with pytest.raises(bp.CheckpointError, match="nowhere"):
        train("numpy", tmp_path / "nowhere" / "run")


# -- a process that is killed --------------------------------------------------------------------

KILLS = 50
# One process that imports all it needs, and forks a child for every run that it is asked for.
SCRIPT = """
import os, sys
import numpy as np
import safetensors.numpy
import backprop_xp as bp
from backprop_xp import storage

def train(path, *resume):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 8))
    net = bp.Network([8, 16, 1], seed=1, dropout=0.1, backend="numpy")
    options = {"resume": resume[0]} if resume else {}
    callbacks = [bp.Checkpoint(path)]
    bp.fit(net, X, X[:, 0] > 0, epochs=200, batch_size=20, callbacks=callbacks, **options)
    np.save(path + ".npy", net.theta)

bp.Network([1, 1], backend="numpy")
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        train(*line.split())
        os._exit(0)
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork and no SIGKILL on this system")
def test_a_run_that_is_killed_fifty_times_ends_as_one_that_was_not(tmp_path):
    path, whole = tmp_path / "run", tmp_path / "whole"
    rng, epochs = random.Random(1), []
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
    with subprocess.Popen([sys.executable, "-c", SCRIPT], **pipes) as process:

        def epoch():
            return storage.read(path)[1]["run"]["epoch"] if path.exists() else 0

        def run(*arguments, seconds=None, after_an_epoch=False):
            """Exit status of a run; it is killed after so many seconds, or after an epoch more."""
            before = epoch()
            print(*arguments, file=process.stdin)
            child = int(process.stdout.readline())
            if seconds is not None:
                while after_an_epoch and epoch() == before:
                    time.sleep(seconds / 10)
                time.sleep(seconds)
                os.kill(child, signal.SIGKILL)
            return int(process.stdout.readline())

        start = time.perf_counter()
        assert run(whole) == 0
        took, killed = time.perf_counter() - start, 0
        for number in range(KILLS):
            # However slow the machine is just now, every second run gets somewhere.
            when = {"seconds": rng.uniform(0, took / 80), "after_an_epoch": number % 2 == 0}
            killed += run(path, *[path] * path.exists(), **when) != 0
            if path.exists():
                bp.load(path, backend="numpy")
                epochs.append(epoch())
        assert run(path, path) == 0
        process.stdin.close()
    assert killed == KILLS  # none of them had come to its end
    assert epochs == sorted(epochs)
    assert len(set(epochs)) >= KILLS // 2
    assert np.array_equal(np.load(f"{path}.npy"), np.load(f"{whole}.npy"))
