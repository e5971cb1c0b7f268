"""EarlyStopping: when it ends a run, and which weights remain."""

from __future__ import annotations

import numpy as np
import pytest

import backprop_xp as bp


class Scripted(bp.Callback):
    """Replaces the loss of every epoch, and notes the weights after it."""

    def __init__(self, losses, name="loss"):
        self.losses, self.name, self.thetas = losses, name, []

    def on_epoch_end(self, run):
        figures = run.history.loss if self.name == "loss" else run.history.metrics[self.name]
        figures[-1] = self.losses[run.epoch - 1]
        self.thetas.append(run.net.backend.to_numpy(run.net.theta).copy())


def run(backend, losses, stopping, name="loss", **options):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(20, 3)), np.arange(20) % 2
    net = bp.Network([3, 4, 1], backend=backend)
    scripted = Scripted(losses, name)
    callbacks = [scripted, stopping]
    history = bp.fit(net, X, Y, epochs=len(losses), callbacks=callbacks, **options)
    return history, scripted.thetas, backend.to_numpy(net.theta)


def test_it_ends_after_patience_and_puts_the_best_back(backend):
    stopping = bp.EarlyStopping(patience=3)
    history, thetas, theta = run(backend, [5, 3, 4, 3, 3.5, 1, 1], stopping)
    assert len(history.loss) == 5
    assert history.stopped == "early stopping: no better loss for 3 epochs"
    assert stopping.best_epoch == 2
    assert np.array_equal(theta, thetas[1])
    assert not np.array_equal(theta, thetas[-1])


def test_without_restore_best_the_last_weights_stay(backend):
    _, thetas, theta = run(backend, [1, 2, 2, 2], bp.EarlyStopping(2, restore_best=False))
    assert np.array_equal(theta, thetas[-1])


def test_the_best_comes_back_even_if_nothing_stops(backend):
    history, thetas, theta = run(backend, [3, 1, 2], bp.EarlyStopping(patience=10))
    assert history.stopped is None
    assert np.array_equal(theta, thetas[1])


def test_min_delta(backend):
    history, thetas, theta = run(backend, [5, 4.95, 4.9, 3], bp.EarlyStopping(2, min_delta=0.2))
    assert len(history.loss) == 3
    assert np.array_equal(theta, thetas[0])


def test_an_accuracy_rises(backend):
    rows = np.random.default_rng(1).normal(size=(6, 3))
    history, thetas, theta = run(
        backend,
        [0.5, 0.7, 0.6, 0.7],
        bp.EarlyStopping(2, monitor="validation_accuracy"),
        name="validation_accuracy",
        validation_data=(rows, np.arange(6) % 2),
    )
    assert len(history.loss) == 4
    assert np.array_equal(theta, thetas[1])


def test_an_object_that_has_served_begins_anew(backend):
    stopping = bp.EarlyStopping(patience=0)
    for _ in range(2):
        history, thetas, theta = run(backend, [2, 1, 3], stopping)
        assert len(history.loss) == 3
        assert np.array_equal(theta, thetas[1])


def test_it_watches_the_validation_loss_where_there_is_one(rng):
    """Overfitting on purpose: labels are noise, so that the validation loss soon rises."""
    X, Y = rng.normal(size=(60, 10)), rng.integers(0, 2, 60)
    net = bp.Network([10, 64, 1], "relu", backend="numpy")
    stopping = bp.EarlyStopping(patience=5)
    options = {"epochs": 500, "optimizer": bp.Adam(1e-2), "callbacks": [stopping]}
    history = bp.fit(net, X, Y, validation_fraction=0.3, **options)
    assert len(history.loss) < 100
    assert "validation_loss" in history.stopped
    assert stopping.best_epoch == np.argmin(history.validation_loss) + 1
    assert len(history.loss) == stopping.best_epoch + 5


@pytest.mark.parametrize(
    "options",
    [{"patience": -1}, {"patience": 1.5}, {"min_delta": -1.0}, {"monitor": 1}, {"restore_best": 1}],
)
def test_options_that_make_no_sense(options):
    with pytest.raises(bp.ConfigurationError, match=r"EarlyStopping: .*, but expected"):
        bp.EarlyStopping(**options)


def test_a_figure_that_is_not_there(backend):
    with pytest.raises(bp.ConfigurationError, match="Did you mean 'loss'"):
        run(backend, [1, 2], bp.EarlyStopping(monitor="los"))
