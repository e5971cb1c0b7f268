"""Penalties that the rows of a batch share, which is what scikit-learn means by alpha."""

from __future__ import annotations

import numpy as np
import pytest

import backprop_xp as bp

L2, L1, RATE = 0.3, 0.2, 0.05


def net_and_data(backend, rng, l2=L2, l1=L1):
    net = bp.Network([3, 4, 2], "tanh", "identity", dtype="float64", backend=backend, l2=l2, l1=l1)
    return net, rng.normal(size=(6, 3)), rng.normal(size=(6, 2))


@pytest.mark.parametrize(("l2", "l1"), [(L2, 0.0), (0.0, L1), (L2, L1)])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_step(backend, rng, l2, l1, weighted):
    """J and the step are those of a network whose penalties are divided by m, or Σw, by hand."""
    net, X, Y = net_and_data(backend, rng, l2, l1)
    weights = rng.uniform(0.5, 2.0, 6) if weighted else None
    total = 6.0 if weights is None else weights.sum()
    same = bp.Network(
        [3, 4, 2],
        "tanh",
        "identity",
        dtype="float64",
        backend=backend,
        l2=l2 / total,
        l1=l1 / total,
    )
    X, Y = backend.asarray(X), backend.asarray(Y)
    own = () if weights is None else (backend.asarray(weights),)
    step, plain = (
        bp.train_step(net, bp.SGD(RATE), penalty_per_row=True),
        bp.train_step(same, bp.SGD(RATE)),
    )
    for _ in range(25):  # long enough to be recorded
        assert float(step(X, Y, *own)) == pytest.approx(float(plain(X, Y, *own)), rel=1e-12)
    ours, wanted = backend.to_numpy(net.theta), backend.to_numpy(same.theta)
    np.testing.assert_allclose(ours, wanted, rtol=1e-12)


def test_batches_of_several_sizes_with_and_without_weights(backend, rng):
    """One step object serves them all."""
    net, X, Y = net_and_data(backend, rng)
    step = bp.train_step(net, bp.SGD(1e-9), penalty_per_row=True)
    penalty = sum(
        L2 / 2 * (W**2).sum() + L1 * np.abs(W).sum() for W in map(backend.to_numpy, net.W)
    )
    for rows, weight in ((6, None), (4, None), (6, 0.5), (6, None), (4, 3.0)):
        X_batch, Y_batch = backend.asarray(X[:rows]), backend.asarray(Y[:rows])
        A = backend.to_numpy(net.predict(X_batch))
        own = () if weight is None else (backend.asarray(np.full(rows, weight)),)
        wanted = ((A - Y[:rows]) ** 2).sum() / 2 / rows + penalty / (rows * (weight or 1.0))
        assert float(step(X_batch, Y_batch, *own)) == pytest.approx(wanted, rel=1e-6)


def test_a_batch_that_weighs_nothing_changes_nothing(backend, rng):
    net, X, Y = net_and_data(backend, rng)
    before = backend.to_numpy(net.theta).copy()
    step = bp.train_step(net, bp.SGD(RATE), penalty_per_row=True)
    J = step(backend.asarray(X), backend.asarray(Y), backend.asarray(np.zeros(6)))
    assert float(J) == 0.0
    np.testing.assert_array_equal(backend.to_numpy(net.theta), before)
