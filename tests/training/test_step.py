"""train_step: one call that equals forward, cost, backward and update by hand."""

from __future__ import annotations

import numpy as np
import pytest

import backprop_xp as bp

OPTIMIZERS = [bp.SGD, bp.Momentum, bp.Nesterov, bp.RMSprop, bp.Adam, bp.AdamW]
KINDS = [
    *((optimizer, "softmax", None) for optimizer in OPTIMIZERS),
    (bp.Adam, "sigmoid", None),
    (bp.Adam, "identity", "huber"),
    (bp.Adam, "softplus", "poisson"),
]


def batch(rng, backend, m, outputs=3):
    Y = np.eye(outputs)[rng.integers(outputs, size=m)]
    return backend.asarray(rng.standard_normal((m, 4))), backend.asarray(Y)


def by_hand(net, optimizer, X, Y):
    trace = net.forward(X)
    J = net.cost(trace, Y)
    optimizer.update(net, net.backward(trace, Y))
    return J


@pytest.mark.parametrize(("optimizer", "output", "loss"), KINDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_step_is_forward_cost_backward_and_update(backend, rng, optimizer, output, loss, dtype):
    """Batches of several sizes in turn: each finds its own arrays again."""
    fast, slow = (
        bp.Network([4, 6, 5, 3], ["relu", "gelu"], output, loss, 3, dtype, backend, l2=0.01)
        for _ in range(2)
    )
    step, manual = bp.train_step(fast, optimizer(0.01)), optimizer(0.01)
    for m in (8, 3, 8, 1, 3, 8):
        X, Y = batch(rng, backend, m)
        J, expected = step(X, Y), by_hand(slow, manual, X, Y)
        tolerance = 1e-5 if dtype == "float32" else 1e-13
        assert float(J) == pytest.approx(float(expected), rel=tolerance)
        thetas = backend.to_numpy(fast.theta), backend.to_numpy(slow.theta)
        assert np.allclose(*thetas, rtol=tolerance, atol=tolerance)


def test_j_is_from_before_the_update(backend, rng):
    net = bp.Network([4, 5, 3], output="softmax", dtype="float64", backend=backend)
    X, Y = batch(rng, backend, 8)
    before = float(net.cost(net.forward(X), Y))
    J = bp.train_step(net, bp.SGD(0.5))(X, Y)
    assert float(J) == pytest.approx(before, rel=1e-14)
    assert float(net.cost(net.forward(X), Y)) < before


def test_j_is_a_0d_array_of_the_backend(backend, rng):
    net = bp.Network([4, 5, 3], output="softmax", backend=backend)
    J = bp.train_step(net, bp.SGD(0.5))(*batch(rng, backend, 8))
    assert J.shape == ()
    assert J.dtype == backend.xp.float32
    assert type(J) is type(net.theta)


def test_returns_stay_valid_after_the_next_steps(backend, rng):
    net = bp.Network([4, 5, 3], output="softmax", backend=backend)
    X, Y = batch(rng, backend, 8)
    step = bp.train_step(net, bp.SGD(0.5))
    kept, read_at_once = [], []
    for _ in range(5):
        kept.append(step(X, Y))
        read_at_once.append(float(kept[-1]))
    assert [float(J) for J in kept] == read_at_once
    assert len(set(read_at_once)) == 5


def test_a_trace_and_a_prediction_stay_valid_after_a_step(backend, rng):
    """Steps have arrays of their own: they do not write into what forward has returned."""
    net = bp.Network([4, 5, 3], output="softmax", backend=backend)
    X, Y = batch(rng, backend, 8)
    step = bp.train_step(net, bp.SGD(0.5))
    step(X, Y)
    trace = net.forward(X)
    before = backend.to_numpy(trace.A[1]).copy()
    step(X, Y)
    net.predict(X)
    assert np.array_equal(backend.to_numpy(trace.A[1]), before)


def test_the_windows_move_with_theta(backend, rng):
    """θ changes in place: W[l] and b[l] taken before are what the network uses after."""
    net = bp.Network([4, 5, 3], output="softmax", backend=backend)
    theta, W, b = net.theta, net.W[1], net.b[2]
    start = backend.to_numpy(W).copy()
    bp.train_step(net, bp.SGD(0.5))(*batch(rng, backend, 8))
    assert net.theta is theta
    assert not np.array_equal(backend.to_numpy(W), start)
    assert np.array_equal(backend.to_numpy(W).ravel(), backend.to_numpy(theta)[:20])
    assert np.array_equal(backend.to_numpy(b), backend.to_numpy(theta)[-3:])


def test_weights_set_by_hand_between_steps_count(backend, rng):
    X, Y = batch(rng, backend, 8)
    net, fresh = (bp.Network([4, 5, 3], output="softmax", backend=backend) for _ in range(2))
    start = backend.asarray(backend.to_numpy(net.theta).copy())
    step = bp.train_step(net, bp.SGD(0.5))
    step(X, Y)
    net.theta = start
    assert float(step(X, Y)) == float(bp.train_step(fresh, bp.SGD(0.5))(X, Y))


def test_an_optimizer_keeps_its_moments_from_call_to_call(backend, rng):
    """The state belongs to the pair of optimizer and network, not to the step."""
    X, Y = batch(rng, backend, 8)
    one, two = (bp.Network([4, 5, 3], output="softmax", backend=backend) for _ in range(2))
    adam = bp.Adam(0.01)
    for _ in range(4):
        bp.train_step(one, adam)(X, Y)
    step = bp.train_step(two, bp.Adam(0.01))
    for _ in range(4):
        step(X, Y)
    assert np.array_equal(backend.to_numpy(one.theta), backend.to_numpy(two.theta))


def test_one_optimizer_serves_two_networks(backend, rng):
    X, Y = batch(rng, backend, 8)
    nets = [bp.Network([4, 5, 3], output="softmax", backend=backend) for _ in range(2)]
    adam = bp.Adam(0.01)
    steps = [bp.train_step(net, adam) for net in nets]
    for _ in range(3):
        assert len({float(step(X, Y)) for step in steps}) == 1


def test_nan_in_a_batch_is_not_looked_for(backend):
    """That would wait for the device: J says so, and fit looks before it starts."""
    net = bp.Network([2, 3, 1], backend=backend)
    J = bp.train_step(net, bp.SGD(0.1))(backend.asarray([[np.nan, 1.0]]), backend.asarray([1.0]))
    assert np.isnan(float(J))


def test_a_stack_steps_as_its_members_do(backend, rng):
    X, Y = batch(rng, backend, 8)
    members = [
        bp.Network([4, 5, 3], output="softmax", seed=s, dtype="float64", backend=backend)
        for s in range(3)
    ]
    thetas = np.stack([backend.to_numpy(net.theta) for net in members])
    stack = members[0].with_theta(backend.asarray(thetas))
    together = bp.train_step(stack, bp.Adam(0.01))
    alone = [bp.train_step(net, bp.Adam(0.01)) for net in members]
    for _ in range(3):
        J = backend.to_numpy(together(X, Y))
        assert np.allclose(J, [float(step(X, Y)) for step in alone], rtol=1e-12)
    for theta, net in zip(backend.to_numpy(stack.theta), members, strict=True):
        assert np.allclose(theta, backend.to_numpy(net.theta), rtol=1e-10, atol=1e-12)


def test_training_learns_xor(backend):
    net = bp.Network([2, 8, 1], dtype="float64", backend=backend)
    step = bp.train_step(net, bp.Adam(0.05))
    X = backend.asarray([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    Y = backend.asarray([0.0, 1.0, 1.0, 0.0])
    for _ in range(300):
        step(X, Y)
    assert np.allclose(backend.to_numpy(net.predict(X))[:, 0], [0, 1, 1, 0], atol=0.1)


# -- clipping ----------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1e-3, 0.5, 1e6])
def test_a_long_gradient_is_shortened_to_the_limit(backend, rng, limit):
    """One step of gradient descent at rate 1 shows the gradient."""
    X, Y = backend.asarray(rng.normal(size=(8, 3))), backend.asarray(rng.normal(size=(8, 2)) * 9)
    net = bp.Network([3, 5, 2], output="identity", dtype="float64", backend=backend)
    g = backend.to_numpy(net.backward(net.forward(X), Y).theta)
    before = backend.to_numpy(net.theta).copy()
    bp.train_step(net, bp.SGD(1.0), clip_norm=limit)(X, Y)
    norm = np.linalg.norm(g)
    moved = before - backend.to_numpy(net.theta)
    np.testing.assert_allclose(moved, g * min(1.0, limit / norm), rtol=1e-12, atol=1e-15)


def test_a_gradient_of_zero_stays(backend):
    net = bp.Network([2, 1], output="identity", backend=backend)
    net.theta = [0.0, 0.0, 0.0]
    bp.train_step(net, bp.SGD(1.0), clip_norm=1.0)([[1.0, 1.0]], [0.0])
    assert backend.to_numpy(net.theta).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("clip_norm", [0, -1.0, "1", True, float("inf"), float("nan")])
def test_limits_that_make_no_sense(clip_norm):
    with pytest.raises(bp.ConfigurationError, match="clip_norm="):
        bp.train_step(bp.Network([2, 1], backend="numpy"), bp.SGD(1.0), clip_norm=clip_norm)


@pytest.mark.parametrize("seed", [-1, 0.5, True, "0"])
def test_seeds_that_make_no_sense(seed):
    with pytest.raises(bp.ConfigurationError, match="seed="):
        bp.train_step(bp.Network([2, 1], backend="numpy"), bp.SGD(1.0), seed=seed)
