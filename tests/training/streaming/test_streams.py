"""fit on sources: the same steps as on the same batches in memory, and nothing half-trained."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.training.streaming.stream_batches import StreamBatches

ROWS = 600
X = np.random.default_rng(0).normal(size=(ROWS, 3)).astype("f4")
Y = (X[:, 0] > 0).astype("u1")
BATCHES = [(X[i : i + 50], Y[i : i + 50]) for i in range(0, ROWS, 50)]


def network(backend="numpy", **options):
    return bp.Network([3, 4, 1], output="sigmoid", seed=0, backend=backend, **options)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Three shards, in blocks of twenty rows."""
    monkeypatch.setattr("backprop_xp.sources.base.BLOCK_BYTES", 260)
    for i in range(3):
        np.save(tmp_path / f"X-{i}.npy", X[200 * i : 200 * (i + 1)])
        np.save(tmp_path / f"Y-{i}.npy", Y[200 * i : 200 * (i + 1)])
    return tmp_path


def shards(folder, buffer_rows=100):
    return bp.sources.npy_shards(folder, buffer_rows=buffer_rows)


def threads():
    return [t.name for t in threading.enumerate() if "reads-ahead" in t.name]


class At(bp.Callback):
    """Does something before the first batch of an epoch."""

    def __init__(self, epoch, action):
        self.epoch, self.action = epoch, action

    def on_epoch_begin(self, run):
        if run.epoch == self.epoch:
            self.action(run)


# -- the same steps ----------------------------------------------------------------------------


def test_a_fit_is_the_steps_on_its_batches(backend, folder):
    net, other = network(backend), network(backend)
    history = bp.fit(net, shards(folder), epochs=2, batch_size=16, optimizer=bp.Adam(0.01), seed=3)
    step = bp.train_step(other, bp.Adam(0.01))
    made = StreamBatches(other, shards(folder), 16, np.random.default_rng(3))
    losses = []
    for _ in range(2):
        parts = [
            (float(step(x, y)) * x.shape[0], x.shape[0]) for x, y in _host(backend, made.epoch())
        ]
        losses.append(sum(part for part, _ in parts) / sum(rows for _, rows in parts))
    assert np.array_equal(backend.to_numpy(net.theta), backend.to_numpy(other.theta))
    assert history.loss == pytest.approx(losses, rel=1e-6)


def _host(backend, epoch):
    return [
        tuple(backend.asarray(backend.to_numpy(array).copy()) for array in batch)
        for batch in epoch.batches()
    ]


def test_an_iterable_is_taken_as_it_comes(backend):
    net, other = network(backend), network(backend)
    history = bp.fit(net, BATCHES, epochs=2, optimizer=bp.SGD(0.1), validation_data=BATCHES)
    step = bp.train_step(other, bp.SGD(0.1))
    for _ in range(2):
        for x, y in BATCHES:
            step(backend.asarray(x), backend.asarray(y))
    assert np.array_equal(backend.to_numpy(net.theta), backend.to_numpy(other.theta))
    again = bp.fit(network(backend), X, Y, epochs=2, validation_data=(X, Y), batch_size=None)
    assert len(history.validation_loss) == len(again.validation_loss) == 2


def test_callbacks_see_the_run_of_a_source(backend, folder):
    seen = []
    looking = At(2, lambda run: seen.append((run.batches, *(a.shape for a in run.sample(7)))))
    bp.fit(network(backend), shards(folder), epochs=2, callbacks=[looking], batch_size=50)
    bp.fit(network(backend), BATCHES, epochs=2, callbacks=[looking])
    assert seen == [(12, (7, 3), (7, 1))] * 2


def test_a_resumed_run_is_an_uninterrupted_one(backend, folder, tmp_path):
    path, options = tmp_path / "run", {"batch_size": 16, "seed": 2}
    whole = network(backend, dropout=0.2)
    history = bp.fit(whole, shards(folder), epochs=4, **options)
    net = network(backend, dropout=0.2)
    bp.fit(net, shards(folder), epochs=2, callbacks=[bp.Checkpoint(path)], **options)
    resumed = network(backend, dropout=0.2)
    after = bp.fit(resumed, shards(folder), epochs=4, resume=path, **options)
    assert after.loss == history.loss
    assert np.array_equal(backend.to_numpy(resumed.theta), backend.to_numpy(whole.theta))


def test_divergence_is_found_and_undone_as_in_memory(backend, tmp_path):
    """Of a source that fits into the buffer the message, the weights and the layer are the same."""
    far = np.where(np.arange(ROWS)[:, None] == 77, 1e30, X).astype("f4")
    messages, thetas = [], []
    np.save(tmp_path / "X.npy", far)
    np.save(tmp_path / "Y.npy", Y)
    for data in ((far, Y), (tmp_path,)):
        net = bp.Network([3, 4, 1], "relu", "identity", seed=0, backend=backend)
        with pytest.raises(bp.DivergenceError) as caught:
            bp.fit(net, *data, batch_size=50, optimizer=bp.SGD(0.1))
        messages.append(str(caught.value))
        thetas.append(backend.to_numpy(net.theta))
    assert messages[0] == messages[1]
    assert np.array_equal(*thetas)
    assert np.isfinite(thetas).all()
    assert threads() == []


@pytest.mark.parametrize("seed", range(6))
def test_divergence_is_found_in_any_buffer(backend, folder, seed, monkeypatch):
    """Its batch is read once more, while the buffers of the epoch are in use."""
    monkeypatch.setattr("backprop_xp.training.epoch_losses._STEPS_BETWEEN_READS", 1)
    far = np.where(np.arange(ROWS)[:, None] == 310, 1e30, X).astype("f4")
    for i in range(3):
        np.save(folder / f"X-{i}.npy", far[200 * i : 200 * (i + 1)])
    net = bp.Network([3, 4, 1], "relu", "identity", seed=0, backend=backend)
    with pytest.raises(bp.DivergenceError, match=r"layer .* is the first|loss overflows"):
        bp.fit(net, shards(folder), batch_size=50, optimizer=bp.SGD(0.1), seed=seed)
    assert np.isfinite(backend.to_numpy(net.theta)).all()
    assert threads() == []


def test_divergence_on_an_iterable_goes_back_to_what_was_saved(backend):
    net = bp.Network([3, 4, 1], "relu", "identity", seed=0, backend=backend)
    before = backend.to_numpy(net.theta).copy()
    batches = [*BATCHES[:3], (BATCHES[3][0] * np.float32(1e30), BATCHES[3][1])]
    with pytest.raises(
        bp.DivergenceError, match=r"batch 4 of 4.*weights from before the update of batch 1"
    ) as caught:
        bp.fit(net, batches, optimizer=bp.SGD(0.1))
    assert (caught.value.epoch, caught.value.batch) == (1, 4)
    assert np.array_equal(backend.to_numpy(net.theta), before)


@pytest.mark.parametrize("streams", ["both", "training", "validation"])
def test_validation_data_may_be_a_source(backend, folder, streams):
    source = shards(folder)
    data = (X, Y) if streams == "validation" else (source,)
    validation = (X, Y) if streams == "training" else source
    history = bp.fit(network(backend), *data, epochs=1, validation_data=validation, seed=1)
    wanted = bp.fit(network(backend), *data, epochs=1, validation_data=(X, Y), seed=1)
    assert history.validation_loss == wanted.validation_loss
    assert history.metrics == wanted.metrics


# -- what is refused before training -----------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [{"sample_weight": np.ones(ROWS)}, {"class_weight": "balanced"}, {"validation_fraction": 0.1}],
)
def test_what_needs_all_rows(folder, options):
    (name,) = options
    with pytest.raises(bp.ConfigurationError, match=f"{name} needs all rows before training"):
        bp.fit(network(), shards(folder), **options)


@pytest.mark.parametrize("data", [X, [X, Y], (X, Y, Y), None, 3])
def test_x_alone_is_no_source(data):
    with pytest.raises(
        bp.DataError, match=r"it is None\), and X alone, a .* is no source: expected"
    ):
        bp.fit(network(), data)


def test_validation_data_that_are_none():
    with pytest.raises(
        bp.ConfigurationError,
        match=r"validation_data: expected a pair .* or a source, not a int",
    ):
        bp.fit(network(), X, Y, validation_data=3)


def test_an_iterator_can_be_gone_through_only_once():
    for once in (iter(BATCHES), (pair for pair in BATCHES)):
        with pytest.raises(bp.ConfigurationError, match=r"only once, .* __iter__ begins anew"):
            bp.fit(network(), once)


@pytest.mark.parametrize(
    ("batches", "error", "words"),
    [
        ([], bp.DataError, "the list has no batches"),
        ([*BATCHES[:2], 7], bp.ShapeError, "batch 3 of the list is a int: expected a pair"),
        ([(X, Y, Y)], bp.ShapeError, "batch 1 of the list is a tuple of 3 items"),
        ([(X, Y), (X[:, :2], Y)], bp.ShapeError, "batch 2 of the list: X has 2 features"),
        ([(X, Y), (X, Y[1:])], bp.ShapeError, "batch 2 of the list: Y has 599 rows"),
        ([(X, ["a"] * ROWS)], bp.DataError, "batch 1 of the list: Y: not real numbers but text"),
        ([(X, Y), (X, Y + 2)], bp.DataError, r"batch 2 of the list: Y\[0, 0\] = . is outside"),
        ([(X, Y), (X + np.inf, Y)], bp.DataError, r"batch 2 of the list: X\[0, 0\] = inf is not"),
    ],
)
def test_batches_of_an_iterable_that_do_not_fit(batches, error, words):
    net = network()
    before = net.theta.copy()
    with pytest.raises(error, match=words):
        bp.fit(net, batches)
    assert np.array_equal(net.theta, before)
    assert threads() == []


# -- what is found while training --------------------------------------------------------------


@pytest.mark.parametrize(("which", "value", "words"), [
    ("X", np.nan, r"X-1.npy\[150, 0\] = nan is not finite in float32"),
    ("Y", 7, r"Y-1.npy\[150, 0\] = 7 is outside \[0, 1\]"),
])  # fmt: skip
def test_a_bad_value_leaves_the_weights_from_before_fit(backend, folder, which, value, words):
    array = np.load(folder / f"{which}-1.npy")
    array[150] = value
    np.save(folder / f"{which}-1.npy", array)
    net = network(backend)
    before = backend.to_numpy(net.theta).copy()
    with pytest.raises(bp.DataError, match=f"{words}.*The network has its weights from before fit"):
        bp.fit(net, shards(folder), batch_size=16)
    assert np.array_equal(backend.to_numpy(net.theta), before)
    assert threads() == []


@pytest.mark.parametrize("damage", ["deleted", "cut off"])
def test_a_file_that_is_lost_on_the_way_leaves_the_last_complete_epoch(backend, folder, damage):
    path = folder / "X-2.npy"

    def harm(run):
        if damage == "deleted":
            path.unlink()
        else:
            os.truncate(path, 1000)

    net, whole = network(backend), network(backend)
    bp.fit(whole, shards(folder), epochs=2, batch_size=16)
    with pytest.raises(bp.DataError, match=r"X-2.npy: rows .* It has changed since fit began.*"
                       r"weights from the end of epoch 2"):  # fmt: skip
        bp.fit(net, shards(folder), epochs=5, batch_size=16, callbacks=[At(3, harm)])
    assert np.array_equal(backend.to_numpy(net.theta), backend.to_numpy(whole.theta))
    assert threads() == []


class Loader:
    """Batches that change from one epoch to the next; the first one is before training."""

    def __init__(self, *epochs):
        self.epochs = [BATCHES, *epochs]

    def __iter__(self):
        for item in self.epochs.pop(0):
            if item is None:
                raise OSError("the network is down")
            yield item


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (BATCHES[:7], "the Loader ended after 7 batches, but had 12 before training"),
        ([*BATCHES, BATCHES[0]], "batch 13 of the Loader has 50 rows, but was not there before"),
        ([BATCHES[0], (X, Y)], "batch 2 of the Loader has 600 rows, but was 50 rows before"),
        ([*BATCHES[:3], None], "the Loader failed at batch 4 with OSError: the network is down"),
        ([BATCHES[0], (X * np.nan, Y)], r"batch 2 of the Loader: X\[0, 0\] = nan"),
    ],
)
def test_an_iterable_that_changes_leaves_the_last_complete_epoch(second, words):
    net, whole = network(), network()
    bp.fit(whole, BATCHES, epochs=1)
    with pytest.raises(bp.DataError, match=f"{words}.*weights from the end of epoch 1"):
        bp.fit(net, Loader(BATCHES, second), epochs=3)
    assert np.array_equal(net.theta, whole.theta)
    assert threads() == []


def test_a_validation_source_with_a_bad_value_undoes_the_epoch(backend, folder):
    net = network(backend)
    before = backend.to_numpy(net.theta).copy()
    bad = np.where(np.arange(ROWS) == 9, np.nan, Y)
    with pytest.raises(bp.DataError, match=r"Y\[9, 0\] = nan.*weights from before fit"):
        bp.fit(net, X, Y, validation_data=bp.sources.arrays(X, bad))
    assert np.array_equal(backend.to_numpy(net.theta), before)


def test_a_loader_may_use_its_memory_again():
    class Thrifty:
        def __iter__(self):
            x, y = np.empty((50, 3), "f4"), np.empty(50, "u1")
            for own, labels in BATCHES:
                x[...], y[...] = own, labels
                yield x, y

    net, other = network(), network()
    bp.fit(net, Thrifty(), epochs=2)
    bp.fit(other, BATCHES, epochs=2)
    assert np.array_equal(net.theta, other.theta)


# -- threads -----------------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="signals of another kind")
@pytest.mark.parametrize("times", [1, 2])
def test_control_c_leaves_no_thread(folder, times):
    class Interrupting(bp.Callback):
        def on_batch_end(self, run):
            if run.batch == 3:
                for _ in range(times):
                    os.kill(os.getpid(), signal.SIGINT)

    net = network()
    if times == 1:
        assert bp.fit(net, shards(folder), callbacks=[Interrupting()]).stopped == "interrupted"
    else:
        with pytest.raises(KeyboardInterrupt):
            bp.fit(net, shards(folder), callbacks=[Interrupting()])
    assert threads() == []


def test_stopping_early_leaves_no_thread(folder):
    class Stop(bp.Callback):
        def on_batch_end(self, run):
            run.stop("enough")

    assert bp.fit(network(), shards(folder), callbacks=[Stop()]).stopped == "enough"
    assert bp.fit(network(), BATCHES, callbacks=[Stop()]).stopped == "enough"
    assert threads() == []
