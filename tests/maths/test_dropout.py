"""Dropout: which units, how many, in forward and backward, and never in predict."""

from __future__ import annotations

import numpy as np
import pytest
from cases import HIDDEN

import backprop_xp as bp


def network(backend, dropout=0.5, sizes=(6, 40, 30, 2), **options):
    options = {"hidden": "tanh", "output": "identity", "dtype": "float64"} | options
    return bp.Network(sizes, seed=1, dropout=dropout, backend=backend, **options)


def factors(net, rows=50, pattern=0):
    X = net.backend.asarray(np.random.default_rng(0).normal(size=(rows, net.sizes[0])), net.dtype)
    trace = net.forward(X, dropout=pattern)
    return [net.backend.to_numpy(D) for D in trace.D[1:] if D is not None]


def test_units_are_dropped_at_the_rate_and_the_rest_is_scaled(backend):
    net = network(backend, [0.2, 0.75], (3, 400, 300, 1))
    for D, rate in zip(factors(net, rows=200), (0.2, 0.75), strict=True):
        assert set(np.unique(D)) == {0.0, 1 / (1 - rate)}
        deviation = np.sqrt(rate * (1 - rate) / D.size)
        assert abs((D == 0).mean() - rate) < 5 * deviation


def test_places_steps_and_layers_are_independent():
    """Correlations of the patterns with shifted, later and other ones are those of chance."""
    net = network("numpy", 0.5, (3, 256, 256, 1))
    first, second = (factors(net, 256, pattern) for pattern in (7, 8))
    masks = [D.ravel() - 1.0 for D in (*first, *second)]
    size = masks[0].size
    products = [a @ b / size for i, a in enumerate(masks) for b in masks[:i]]
    products += [m[lag:] @ m[:-lag] / size for m in masks for lag in (1, 2, 16, 256, 4096)]
    assert np.abs(products).max() < 5 / np.sqrt(size)
    rows = first[0].mean(axis=0), first[0].mean(axis=1)
    assert np.abs(np.concatenate(rows) - 1).max() < 5 / np.sqrt(256)


def test_many_patterns_cover_every_place():
    net = network("numpy", 0.9, (2, 5, 1))
    kept = sum((factors(net, 4, pattern)[0] > 0).astype(int) for pattern in range(2000))
    assert np.abs(kept / 2000 - 0.1).max() < 5 * np.sqrt(0.09 / 2000)


def test_a_pattern_is_the_same_on_every_backend(backend):
    for D, on_numpy in zip(factors(network(backend)), factors(network("numpy")), strict=True):
        assert np.array_equal(D, on_numpy)


def test_forward_and_backward_are_the_formulas_with_the_factors_in_between(backend):
    net = network(backend, [0.5, 0.0], (3, 5, 4, 2), hidden=["relu", "tanh"])
    rng = np.random.default_rng(3)
    X, Y = rng.normal(size=(7, 3)), rng.normal(size=(7, 2))
    trace = net.forward(backend.asarray(X), dropout=11)
    grads = net.backward(trace, backend.asarray(Y))
    W = [None, *(backend.to_numpy(w) for w in net.W)]
    b = [None, *(backend.to_numpy(v) for v in net.b)]
    D = backend.to_numpy(trace.D[1])
    Z1 = X @ W[1].T + b[1]
    H1 = np.maximum(Z1, 0) * D
    A2 = np.tanh(H1 @ W[2].T + b[2])
    A3 = A2 @ W[3].T + b[3]
    np.testing.assert_allclose(backend.to_numpy(trace.A[3]), A3, rtol=1e-12)
    dZ3 = (A3 - Y) / 7
    dZ2 = dZ3 @ W[3] * (1 - A2**2)
    dZ1 = dZ2 @ W[2] * D * (Z1 > 0)
    np.testing.assert_allclose(backend.to_numpy(grads.W[2]), dZ2.T @ H1, atol=1e-13)
    np.testing.assert_allclose(backend.to_numpy(grads.W[1]), dZ1.T @ X, atol=1e-13)
    np.testing.assert_allclose(backend.to_numpy(grads.b[1]), dZ1.sum(axis=0), atol=1e-13)
    assert trace.D[2] is None


@pytest.mark.parametrize("hidden", HIDDEN)
def test_gradient_check(backend, hidden):
    net = network(backend, 0.4, (4, 6, 5, 3), hidden=hidden, output="softmax", l2=0.1)
    X, Y = np.random.default_rng(0).normal(size=(9, 4)), np.arange(9) % 3
    report = bp.check_gradients(net, X, Y, sample_weight=np.linspace(0, 2, 9))
    assert report.passed, report


def test_predict_drops_nothing(backend):
    net, plain = network(backend), network(backend, 0.0)
    X = backend.asarray(np.ones((5, 6)))
    for result in (net.predict(X), net.forward(X).A[-1]):
        assert np.array_equal(backend.to_numpy(result), backend.to_numpy(plain.predict(X)))


def test_a_compiled_step_takes_the_patterns_of_its_numbers(backend):
    """Against the same steps by forward, backward and update, before and after recording."""
    net, other = network(backend, hidden="relu"), network(backend, hidden="relu")
    rng = np.random.default_rng(5)
    X, Y = backend.asarray(rng.normal(size=(8, 6))), backend.asarray(rng.normal(size=(8, 2)))
    step, optimizer = bp.train_step(net, bp.Adam(1e-2), seed=40), bp.Adam(1e-2)
    for t in range(30):
        trace = other.forward(X, dropout=40 + t)
        J = float(other.cost(trace, Y))
        optimizer.update(other, other.backward(trace, Y))
        assert float(step(X, Y)) == pytest.approx(J, rel=1e-12)
    theta = backend.to_numpy(net.theta)
    np.testing.assert_allclose(theta, backend.to_numpy(other.theta), rtol=1e-10, atol=1e-14)


def test_it_regularizes():
    """With as many weights as here, dropout keeps the validation loss lower."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 20)).astype("float32")
    Y = (X[:, 0] + rng.normal(size=400) > 0).astype("float32")

    def validation_loss(dropout):
        net = bp.Network([20, 128, 1], "relu", seed=0, dropout=dropout, backend="numpy")
        data = {"validation_data": (X[200:], Y[200:])}
        history = bp.fit(net, X[:200], Y[:200], epochs=60, optimizer=bp.Adam(3e-3), **data)
        return history.validation_loss[-1]

    assert validation_loss(0.5) < 0.8 * validation_loss(0.0)


@pytest.mark.parametrize(
    ("dropout", "words"),
    [
        (1.0, "dropout=1.0: expected a rate"),
        (-0.1, "expected a rate"),
        ("0.5", "expected a rate"),
        (True, "expected a rate"),
        (float("nan"), "expected a rate"),
        ([], "dropout lists 0 rates"),
        ([0.5], "dropout lists 1 rate for 2 hidden layers"),
        ([0.5, 0.5, 0.5], "dropout lists 3 rates for 2 hidden layers"),
        ([0.5, None], "expected a rate"),
        (None, "expected a rate"),
    ],
)
def test_wrong_rates(dropout, words):
    with pytest.raises(bp.ConfigurationError, match=words):
        network("numpy", dropout)


@pytest.mark.parametrize("pattern", [-1, 0.5, True, "0"])
def test_wrong_patterns(pattern):
    with pytest.raises(bp.ConfigurationError, match="pattern's number"):
        network("numpy").forward(np.ones((2, 6)), dropout=pattern)
