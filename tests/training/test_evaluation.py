"""Evaluation: J and the metric on held-out rows, against NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.training import evaluation


@pytest.fixture(params=[4096, 7])
def rows_at_once(request, monkeypatch):
    monkeypatch.setattr(evaluation, "ROWS_AT_ONCE", request.param)


def validated(net, X, Y):
    """The figures of one epoch at a rate too small to matter, and the predictions."""
    optimizer = bp.SGD(1e-30)
    history = bp.fit(net, X, Y, epochs=1, optimizer=optimizer, validation_data=(X, Y))
    backend = net.backend
    return history.latest(), backend.to_numpy(net.predict(backend.asarray(X)))


def network(backend, outputs, output):
    return bp.Network([3, 6, outputs], output=output, dtype="float64", backend=backend)


@pytest.mark.usefixtures("rows_at_once")
def test_classes(backend, rng):
    X, Y = rng.normal(size=(40, 3)), rng.integers(0, 4, 40)
    figures, A = validated(network(backend, 4, "softmax"), X, Y)
    assert figures["validation_accuracy"] == np.mean(A.argmax(axis=1) == Y)
    loss = -np.log(A[np.arange(40), Y]).mean()
    assert figures["validation_loss"] == pytest.approx(loss)


@pytest.mark.usefixtures("rows_at_once")
@pytest.mark.parametrize("outputs", [1, 3])
def test_sigmoids(backend, rng, outputs):
    X, Y = rng.normal(size=(40, 3)), rng.integers(0, 2, (40, outputs))
    figures, A = validated(network(backend, outputs, "sigmoid"), X, Y)
    assert figures["validation_accuracy"] == pytest.approx(np.mean((A > 0.5) == Y))


@pytest.mark.usefixtures("rows_at_once")
def test_regression(backend, rng):
    X, Y = rng.normal(size=(40, 3)), rng.normal(size=(40, 2)) * [1.0, 50.0] + 100.0
    figures, A = validated(network(backend, 2, "identity"), X, Y)
    r2 = 1 - ((Y - A) ** 2).sum(axis=0) / ((Y - Y.mean(axis=0)) ** 2).sum(axis=0)
    assert figures["validation_r2"] == pytest.approx(r2.mean())
    assert "validation_accuracy" not in figures


def test_targets_that_do_not_vary_have_no_r2(backend, rng):
    X, Y = rng.normal(size=(10, 3)), np.ones((10, 1))
    figures, _ = validated(network(backend, 1, "identity"), X, Y)
    assert np.isnan(figures["validation_r2"])


def test_dropout_is_off_and_penalties_are_in(backend, rng):
    X, Y = rng.normal(size=(10, 3)), rng.integers(0, 2, 10)
    options = {"dtype": "float64", "backend": backend, "seed": 1}
    plain = bp.Network([3, 6, 1], **options)
    net = bp.Network([3, 6, 1], dropout=0.5, l2=0.1, **options)
    penalty = 0.05 * sum(float((backend.to_numpy(W) ** 2).sum()) for W in net.W)
    loss = validated(plain, X, Y)[0]["validation_loss"]
    assert validated(net, X, Y)[0]["validation_loss"] == pytest.approx(loss + penalty)
