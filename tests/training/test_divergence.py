"""Divergence: where it is noticed, what is named, and which weights are kept."""

from __future__ import annotations

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.training import epoch_losses


def fit_to_the_end(net, *data, **options):
    with pytest.raises(bp.DivergenceError) as caught:
        bp.fit(net, *data, **options)
    return caught.value


def steep(backend, **options):
    """A network and data with which gradient descent at rate 10 explodes within a few steps."""
    net = bp.Network([2, 4, 1], "relu", "identity", backend=backend, **options)
    return net, np.full((6, 2), 100.0), np.ones(6)


def test_the_message_says_where_what_and_what_to_do(backend):
    """One report: no warnings of NumPy's come with it."""
    net, X, Y = steep(backend)
    error = fit_to_the_end(net, X, Y, epochs=50, batch_size=2, optimizer=bp.SGD(10.0))
    assert f"in epoch {error.epoch}, batch {error.batch} of 3: " in str(error)
    assert f"layer {error.layer}" in str(error)
    assert "smaller learning rate" in str(error)
    assert len(error.history.loss) == error.epoch - 1


@pytest.mark.parametrize("scale", [1.0, 100.0])
@pytest.mark.parametrize("kind", ["network", "population", "source"])
def test_scaling_is_advised_for_features_that_are_not_scaled(backend, scale, kind):
    members = 3 if kind == "population" else None
    net = bp.Network([2, 4, 1], "relu", "identity", members=members, backend=backend)
    X = np.stack([np.resize([1.0, -1.0], 6), scale * np.resize([1.0, -1.0, -1.0], 6)], axis=1)
    data = (bp.sources.arrays(X, np.ones(6)),) if kind == "source" else (X, np.ones(6))
    error = fit_to_the_end(net, *data, epochs=50, batch_size=2, optimizer=bp.SGD(1e4))
    scaling = "The features are not scaled: X[:, 1] has a root mean square of 100."
    assert (scaling in str(error)) == (scale > 1)
    assert ("mean 0" in str(error)) == (scale > 1)
    assert "smaller learning rate" in str(error)


def test_of_batches_that_cannot_be_had_again_the_scale_is_not_known(backend):
    batches = [(np.ones((2, 2)), np.ones(2))] * 3
    net = bp.Network([2, 4, 1], "relu", "identity", backend=backend)
    error = fit_to_the_end(net, batches, epochs=50, optimizer=bp.SGD(1e4))
    assert "Scale the features to mean 0 and deviation 1, if they are not" in str(error)


def test_the_weights_are_those_before_the_update_that_led_astray(backend):
    """Against steps taken by hand, up to the last finite loss."""
    net, X, Y = steep(backend)
    twin, _, _ = steep(backend)
    options = {"batch_size": None, "optimizer": bp.SGD(10.0)}
    error = fit_to_the_end(net, X, Y, epochs=50, **options)
    step = bp.train_step(twin, bp.SGD(10.0))
    X, Y = backend.asarray(X), backend.asarray(Y)
    before, finite, epoch = [], True, 0  # one batch per epoch
    with np.errstate(all="ignore"):
        while finite:
            before.append(backend.to_numpy(twin.theta).copy())
            finite, epoch = bool(np.isfinite(float(step(X, Y)))), epoch + 1
    kept = backend.to_numpy(net.theta)
    assert np.isfinite(kept).all()
    # The update shows it at once, unless the weights are finite still and only too large.
    assert error.epoch == (epoch if np.isfinite(before[-1]).all() else epoch - 1)
    assert np.array_equal(kept, before[error.epoch - 1])


@pytest.mark.parametrize("steps_between_reads", [1, 2, 3, 1024])
def test_it_does_not_matter_how_often_losses_are_read(backend, monkeypatch, steps_between_reads):
    def result():
        net, X, Y = steep(backend)
        error = fit_to_the_end(net, X, Y, epochs=9, batch_size=1, optimizer=bp.Momentum(10.0))
        return error.epoch, error.batch, error.layer, backend.to_numpy(net.theta)

    *expected, theta = result()
    monkeypatch.setattr(epoch_losses, "_STEPS_BETWEEN_READS", steps_between_reads)
    *given, kept = result()
    assert np.isfinite(kept).all()
    if steps_between_reads > 1:
        assert given == expected
        assert np.array_equal(kept, theta)


def poisoned(layer, backend):
    """A network whose W of that layer overflows in the products that follow."""
    net = bp.Network([3, 4, 4, 1], "relu", "identity", backend=backend)
    net.W[layer] = backend.asarray(np.full(net.W[layer].shape, 3e38), "float32")
    return net


@pytest.mark.parametrize("layer", [1, 2, 3])
def test_the_layer_is_the_first_that_is_not_finite(backend, layer):
    net = poisoned(layer, backend)
    for other in range(1, 4):
        if other != layer:
            net.W[other] = backend.asarray(np.full(net.W[other].shape, 0.5), "float32")
    before = backend.to_numpy(net.theta).copy()
    error = fit_to_the_end(net, np.ones((5, 3)), np.ones(5))
    assert (error.epoch, error.batch, error.layer) == (1, 1, layer)
    assert np.array_equal(backend.to_numpy(net.theta), before)


def test_a_last_update_that_overflows_does_not_go_unnoticed(backend):
    """The loss is that before the update: the last one is seen in the weights alone."""
    net = bp.Network([1, 1], output="identity", backend=backend)
    before = backend.to_numpy(net.theta).copy()
    error = fit_to_the_end(net, [[1e10]], [1e10], epochs=1, optimizer=bp.SGD(1e30))
    assert "weights" in str(error)
    assert np.array_equal(backend.to_numpy(net.theta), before)


def test_the_optimizer_goes_back_too(backend):
    net, X, Y = steep(backend)
    optimizer = bp.Momentum(10.0)
    fit_to_the_end(net, X, Y, epochs=50, batch_size=2, optimizer=optimizer)
    state = optimizer.state(net)
    assert all(np.isfinite(backend.to_numpy(slot)).all() for slot in state.slots)
    net.theta = backend.asarray(np.full(net.theta.shape, 0.01))
    history = bp.fit(net, X / 100, Y, epochs=3, optimizer=bp.SGD(1e-3))
    assert np.isfinite(history.loss).all()


def test_callbacks_hear_of_the_end_and_not_of_the_replay(backend):
    class Counting(bp.Callback):
        batches = ends = 0

        def on_batch_end(self, run):
            self.batches += 1

        def on_train_end(self, run):
            self.ends += 1

    net, X, Y = steep(backend)
    counting = Counting()
    options = {"epochs": 50, "batch_size": 2, "optimizer": bp.SGD(10.0)}
    error = fit_to_the_end(net, X, Y, callbacks=[counting], **options)
    assert counting.batches == 3 * error.epoch
    assert counting.ends == 1
