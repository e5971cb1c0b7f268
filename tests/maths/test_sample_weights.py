"""Sample weights: J is the weighted mean, and weights that count rows are repeated rows."""

from __future__ import annotations

import numpy as np
import pytest

import backprop_xp as bp

WEIGHTS = np.array([3, 0, 1, 2, 1])


def problem(backend, output, rng, **options):
    net = bp.Network([3, 4, 2], "tanh", output, dtype="float64", backend=backend, **options)
    Y = {"softmax": rng.integers(0, 2, 5), "sigmoid": rng.integers(0, 2, (5, 2)) * 1.0}
    return net, rng.normal(size=(5, 3)), Y.get(output, rng.normal(size=(5, 2)))


@pytest.mark.parametrize("output", ["identity", "sigmoid", "softmax"])
def test_integer_weights_are_repeated_rows(backend, rng, output):
    net, X, Y = problem(backend, output, rng, l2=0.1, l1=0.01)
    rows = np.repeat(np.arange(5), WEIGHTS)
    X_, Y_ = backend.asarray(X), backend.asarray(Y)
    trace = net.forward(X_)
    repeated = net.forward(backend.asarray(X[rows]))
    Y_rows = backend.asarray(Y[rows])
    weights = backend.asarray(WEIGHTS)
    assert float(net.cost(trace, Y_, weights)) == pytest.approx(float(net.cost(repeated, Y_rows)))
    weighted = backend.to_numpy(net.backward(trace, Y_, weights).theta)
    np.testing.assert_allclose(
        weighted, backend.to_numpy(net.backward(repeated, Y_rows).theta), rtol=1e-12, atol=1e-15
    )


def test_the_scale_of_the_weights_does_not_matter_and_they_do_not_stay(backend, rng):
    net, X, Y = problem(backend, "identity", rng)
    X, Y, weights = (backend.asarray(a) for a in (X, Y, WEIGHTS[:, None] * 1.0))
    trace = net.forward(X)
    plain = float(net.cost(trace, Y))
    weighted = float(net.cost(trace, Y, weights))
    assert weighted != pytest.approx(plain)
    assert float(net.cost(trace, Y, weights * 1e-6)) == pytest.approx(weighted)
    assert float(net.cost(trace, Y, weights * 1e6)) == pytest.approx(weighted)
    assert float(net.cost(trace, Y)) == plain


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_batch_without_weight_changes_nothing(backend, rng, dtype):
    net = bp.Network([3, 4, 1], dtype=dtype, backend=backend)
    before = backend.to_numpy(net.theta).copy()
    step = bp.train_step(net, bp.SGD(0.5))
    J = step(
        backend.asarray(rng.normal(size=(5, 3))), backend.asarray(np.ones(5)), np.zeros(5).tolist()
    )
    assert float(J) == 0.0
    assert np.array_equal(backend.to_numpy(net.theta), before)


def test_a_compiled_step_with_weights(backend, rng):
    """Weighted and plain steps of one batch size take turns, before and after recording."""
    (net, X, Y), other = problem(backend, "softmax", rng), None
    other = net.with_theta(backend.asarray(backend.to_numpy(net.theta).copy()))
    X, Y = backend.asarray(X), backend.asarray(Y)
    step, optimizer = bp.train_step(net, bp.Momentum(0.1)), bp.Momentum(0.1)
    for t in range(60):
        weights = None if t % 2 else backend.asarray(rng.uniform(size=5))
        trace = other.forward(X)
        J = float(other.cost(trace, Y, weights))
        optimizer.update(other, other.backward(trace, Y, weights))
        assert float(step(X, Y, weights)) == pytest.approx(J, rel=1e-12)


@pytest.mark.parametrize(
    ("weights", "error", "words"),
    [
        (np.ones(4), bp.ShapeError, r"sample_weight has the shape \(4,\); expected \(5,\)"),
        (np.ones((5, 2)), bp.ShapeError, r"\(5, 2\)"),
        (1.0, bp.ShapeError, r"\(\)"),
        (["a"] * 5, bp.DataError, "sample_weight: not real numbers but text"),
    ],
)
def test_wrong_weights(rng, weights, error, words):
    net, X, Y = problem("numpy", "identity", rng)
    with pytest.raises(error, match=words):
        net.cost(net.forward(X), Y, weights)
