"""Predictions, losses and gradients against scikit-learn's MLPClassifier and MLPRegressor."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor

import backprop_xp as bp

RATE = 0.2
SGD = {
    "solver": "sgd",
    "learning_rate_init": RATE,
    "momentum": 0.0,
    "alpha": 0.0,
    "batch_size": 60,
    "shuffle": False,
    "random_state": 4,
}


def binary(X):
    return (X[:, 0] * X[:, 1] > 0).astype(int)


def classes(X):
    return (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5).astype(int)


def curve(X):
    return np.sin(2 * X[:, 0]) + X[:, 1]


# name → (their class, activation, hidden sizes, Y from X, our sizes, hidden, output)
CASES = {
    "binary": (MLPClassifier, "tanh", (7,), binary, [3, 7, 1], "tanh", "sigmoid"),
    "classes": (MLPClassifier, "logistic", (6, 5), classes, [3, 6, 5, 3], "sigmoid", "softmax"),
    "regression": (MLPRegressor, "relu", (8, 4), curve, [3, 8, 4, 1], "relu", "identity"),
}


@pytest.fixture(params=CASES)
def peers(request, backend, rng):
    """A fitted peer, our network with its weights, and the data."""
    theirs, activation, layers, target, sizes, hidden, output = CASES[request.param]
    X = rng.normal(size=(60, 3))
    Y = target(X)
    peer = theirs(hidden_layer_sizes=layers, activation=activation, **SGD)
    for _ in range(5):
        fit_once(peer, X, Y)
    net = bp.Network(sizes, hidden, output, dtype="float64", backend=backend)
    for l, (W, b) in enumerate(zip(peer.coefs_, peer.intercepts_, strict=True), start=1):
        net.W[l] = backend.asarray(W.T)
        net.b[l] = backend.asarray(b)
    return peer, net, X, Y


def fit_once(peer, X, Y):
    """One step of gradient descent on the whole batch."""
    if isinstance(peer, MLPClassifier):
        peer.partial_fit(X, Y, classes=np.unique(Y))
    else:
        peer.partial_fit(X, Y)


def predictions(peer, X):
    if isinstance(peer, MLPRegressor):
        return peer.predict(X)[:, None]
    probabilities = peer.predict_proba(X)
    return probabilities[:, 1:] if len(peer.classes_) == 2 else probabilities


def test_predictions(peers):
    peer, net, X, _ = peers
    ours = net.backend.to_numpy(net.predict(net.backend.asarray(X)))
    np.testing.assert_allclose(ours, predictions(peer, X), rtol=1e-6, atol=1e-6)


def test_loss_and_gradient(peers):
    """Their step of gradient descent, W' = W − α ∂J/∂W, tells their gradient."""
    peer, net, X, Y = peers
    backend = net.backend
    trace = net.forward(backend.asarray(X))
    J, grads = float(net.cost(trace, backend.asarray(Y))), net.backward(trace, backend.asarray(Y))
    before = [w.copy() for w in (*peer.coefs_, *peer.intercepts_)]
    fit_once(peer, X, Y)
    after = (*peer.coefs_, *peer.intercepts_)
    assert peer.loss_curve_[-1] == pytest.approx(J, rel=1e-12)
    ours = [*(backend.to_numpy(W).T for W in grads.W), *map(backend.to_numpy, grads.b)]
    for old, new, gradient in zip(before, after, ours, strict=True):
        np.testing.assert_allclose((old - new) / RATE, gradient, rtol=1e-9, atol=1e-13)


def test_training_follows_the_same_curve(peers):
    peer, net, X, Y = peers
    backend = net.backend
    history = bp.fit(net, X, Y, epochs=40, batch_size=None, optimizer=bp.SGD(RATE), progress=False)
    for _ in range(40):
        fit_once(peer, X, Y)
    assert history.loss[-1] < history.loss[0]
    np.testing.assert_allclose(history.loss, peer.loss_curve_[-40:], rtol=1e-9)
    ours = backend.to_numpy(net.predict(backend.asarray(X)))
    np.testing.assert_allclose(ours, predictions(peer, X), rtol=1e-6, atol=1e-6)
