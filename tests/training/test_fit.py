"""fit: seeded epochs over shuffled batches, and an honest history."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.data.batches import Batches
from backprop_xp.data.rows import DeviceRows


@pytest.fixture
def data(rng):
    """23 rows, so that no batch size but 1 and 23 divides them."""
    X = rng.standard_normal((23, 4))
    return X, (X[:, 0] + 0.5 * X[:, 1] > 0).astype(int)


def network(backend, dtype="float64", **options):
    return bp.Network([4, 6, 1], dtype=dtype, backend=backend, **options)


def theta(net):
    return net.backend.to_numpy(net.theta).copy()


# -- the same seed, the same run ---------------------------------------------------------------


def test_the_same_seed_gives_the_same_run(backend, data):
    one, two = network(backend), network(backend)
    losses = [bp.fit(net, *data, epochs=4, batch_size=5, seed=3).loss for net in (one, two)]
    assert losses[0] == losses[1]
    assert np.array_equal(theta(one), theta(two))


def test_another_seed_gives_another_run(backend, data):
    one, two = network(backend), network(backend)
    bp.fit(one, *data, epochs=4, batch_size=5, seed=3)
    bp.fit(two, *data, epochs=4, batch_size=5, seed=4)
    assert not np.allclose(theta(one), theta(two), rtol=1e-6)


def test_every_backend_sees_the_same_batches(backend, data):
    here, host = network(backend), network("numpy")
    for net in (here, host):
        bp.fit(net, *data, epochs=3, batch_size=5, optimizer=bp.SGD(0.1), seed=3)
    assert np.allclose(theta(here), theta(host), rtol=1e-10, atol=1e-12)


def test_epochs_are_shuffled_anew(backend, data):
    """Two epochs of one seed differ from one epoch twice."""
    together, repeated = network(backend), network(backend)
    bp.fit(together, *data, epochs=2, batch_size=5, optimizer=bp.SGD(0.5), seed=3)
    for _ in range(2):
        bp.fit(repeated, *data, epochs=1, batch_size=5, optimizer=bp.SGD(0.5), seed=3)
    assert not np.array_equal(theta(together), theta(repeated))


@pytest.mark.parametrize("optimizer", [bp.SGD(0.1), bp.Adam(0.01)])
def test_two_calls_equal_one_longer(backend, data, optimizer):
    """With the same optimizer, and one generator that goes on drawing."""
    once, twice = network(backend), network(backend)
    rng = np.random.default_rng(3)
    first = bp.fit(twice, *data, epochs=2, batch_size=5, optimizer=optimizer, seed=rng)
    then = bp.fit(twice, *data, epochs=3, batch_size=5, optimizer=optimizer, seed=rng)
    whole = bp.fit(once, *data, epochs=5, batch_size=5, optimizer=optimizer, seed=3)
    assert first.loss + then.loss == whole.loss
    assert np.array_equal(theta(once), theta(twice))


# -- batches -----------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [1, 5, 22, 23, 40, None])
def test_an_epoch_is_a_step_per_batch(backend, data, batch_size):
    """The short last batch included; the loss is the mean over examples, not over batches."""
    X, Y = data[0], data[1][:, None]
    net, manual = network(backend), network(backend)
    history = bp.fit(net, *data, epochs=2, batch_size=batch_size, optimizer=bp.SGD(0.2), seed=9)
    step = bp.train_step(manual, bp.SGD(0.2))
    batches = Batches(
        backend,
        *(DeviceRows(backend, backend.asarray(part)) for part in (X, Y)),
        batch_size,
        np.random.default_rng(9),
    )
    for loss in history.loss:
        total = sum(float(step(x, y)) * x.shape[0] for x, y in batches.epoch().batches())
        assert loss == pytest.approx(total / 23, rel=1e-12)
    assert np.array_equal(theta(net), theta(manual))


def test_the_loss_of_one_batch_is_the_cost(backend, data):
    net = network(backend, l2=0.1)
    expected = float(net.cost(net.forward(data[0].tolist()), data[1].tolist()))
    assert bp.fit(net, *data, epochs=1, batch_size=None).loss == pytest.approx([expected])


# -- the history -------------------------------------------------------------------------------


def test_a_history_has_a_number_per_epoch(backend, data):
    history = bp.fit(network(backend), *data, epochs=3, validation_data=data)
    assert [len(history.loss), len(history.validation_loss), len(history.seconds)] == [3, 3, 3]
    assert all(type(number) is float for number in history.loss + history.validation_loss)
    assert all(seconds > 0 for seconds in history.seconds)


def test_no_validation_data_no_validation_loss(backend, data):
    assert bp.fit(network(backend), *data, epochs=2).validation_loss == []


@pytest.mark.parametrize("rows", [1, 10, 5000])  # 5,000 rows are looked at in two parts
def test_the_validation_loss_is_the_cost_after_the_epoch(backend, data, rng, rows):
    validation = rng.standard_normal((rows, 4)), rng.integers(2, size=rows)
    net = network(backend, l2=0.1)
    history = bp.fit(net, *data, epochs=2, validation_data=validation)
    X, Y = (backend.asarray(part) for part in validation)
    assert history.validation_loss[-1] == pytest.approx(float(net.cost(net.forward(X), Y)))
    assert history.validation_loss[0] != history.validation_loss[1]


def test_validation_does_not_change_the_training(backend, data):
    with_it, without = network(backend), network(backend)
    bp.fit(with_it, *data, epochs=3, validation_data=[data[0][:5], data[1][:5]])
    bp.fit(without, *data, epochs=3)
    assert np.array_equal(theta(with_it), theta(without))


def test_the_default_optimizer_is_adam(backend, data):
    default, adam = network(backend), network(backend)
    bp.fit(default, *data, epochs=2)
    bp.fit(adam, *data, epochs=2, optimizer=bp.Adam(1e-3), batch_size=32)
    assert np.array_equal(theta(default), theta(adam))


# -- no hidden copies, no hidden reads ---------------------------------------------------------


def test_host_data_are_moved_and_not_changed(backend, data):
    X, Y = data[0].copy(), data[1].copy()
    for given in ((X, Y), (X.tolist(), Y.tolist()), (backend.asarray(X), backend.asarray(Y))):
        net = network(backend)
        bp.fit(net, *given, epochs=2, validation_data=given)
        assert type(net.theta) is type(backend.asarray([1.0]))
    assert np.array_equal(X, data[0])
    assert np.array_equal(Y, data[1])


@pytest.fixture
def reads(backend, monkeypatch):
    """Counts what would wait for a device: reading an array, whole or as one number."""
    count = {"array": 0, "number": 0}

    def counting(kind, method):
        def counted(self, *arguments):
            count[kind] += 1
            return method(self, *arguments)

        return counted

    to_numpy = counting("array", type(backend).to_numpy)
    monkeypatch.setattr(type(backend), "to_numpy", to_numpy)
    array = type(backend.empty((1,), "float32"))
    if array is not np.ndarray:  # a built-in type, which cannot be watched
        for name in ("__float__", "__int__", "__bool__"):
            monkeypatch.setattr(array, name, counting("number", getattr(array, name)))
    return count


def test_nothing_is_read_back_inside_an_epoch(backend, data, reads):
    """The losses, and whether θ is finite, per epoch, however many batches it has."""
    seen = {}
    for epochs, batch_size in ((1, 23), (1, 1), (4, 1)):
        reads.update(array=0, number=0)
        bp.fit(network(backend), *data, epochs=epochs, batch_size=batch_size)
        seen[epochs, batch_size] = dict(reads)
    assert seen[1, 1] == seen[1, 23]
    assert seen[4, 1]["array"] - seen[1, 1]["array"] == 3
    watched = type(backend.empty((1,), "float32")) is not np.ndarray
    assert seen[4, 1]["number"] - seen[1, 1]["number"] == (3 if watched else 0)


# -- the progress bar --------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("progress", "stderr", "shown"),
    [
        (True, io.StringIO, True),
        (False, Terminal, False),
        (None, Terminal, True),
        (None, io.StringIO, False),
    ],
)
def test_the_bar_is_shown_when_asked_for_or_on_a_terminal(
    backend, data, monkeypatch, capsys, progress, stderr, shown
):
    stream = stderr()
    monkeypatch.setattr(sys, "stderr", stream)
    bp.fit(network(backend), *data, epochs=3, progress=progress, validation_data=data)
    text = stream.getvalue()
    assert ("3/3" in text) == shown
    assert ("loss=" in text and "val_loss=" in text and "val_acc=" in text) == shown
    assert bool(text) == shown
    assert capsys.readouterr().out == ""
