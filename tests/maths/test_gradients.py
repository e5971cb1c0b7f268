"""backward against central differences of cost, for all that may meet."""

from __future__ import annotations

import numpy as np
import pytest
from cases import HIDDEN, OUTPUTS, PAIRS, gradient_error, random_network, targets

import backprop_xp as bp

# depth L → sizes, all different, so that a missing transpose cannot hide
SIZES = {1: [3, 2], 2: [3, 4, 2], 3: [3, 4, 5, 2], 4: [3, 4, 2, 5, 3]}
BATCHES = [1, 37]
# The worst cases on NumPy are 2e-6 in float32 and 9e-8 in float64.
FLOAT32, FLOAT64 = 2e-5, 1e-6


def central_differences(net, X, Y, h=1e-5):
    """∂J/∂θ from 2 P evaluations of the cost, which run as one stack of 2 P networks."""
    theta = net.backend.to_numpy(net.theta)
    steps = h * np.eye(theta.size)
    moved = net.with_theta(net.backend.asarray(np.concatenate([theta + steps, theta - steps])))
    above, below = np.split(net.backend.to_numpy(moved.cost(moved.forward(X), Y)), 2)
    return (above - below) / (2 * h)


def check(net, rng, rows):
    """Gradients of a float64 network against differences, and in float32 against float64."""
    backend = net.backend
    # Numbers that float32 holds exactly, so that both precisions differentiate the same J.
    net.theta = backend.asarray(backend.to_numpy(net.theta).astype("float32"))
    X = rng.normal(size=(rows, net.sizes[0])).astype("float32")
    Y = targets(net.loss.name, rng, (rows, net.sizes[-1])).astype("float32")
    X, Y = backend.asarray(X), backend.asarray(Y)
    gradient = backend.to_numpy(net.backward(net.forward(X), Y).theta)
    assert gradient.dtype == "float64"
    assert gradient_error(net, gradient, central_differences(net, X, Y)) < FLOAT64

    single = net.with_theta(backend.asarray(net.theta, "float32"))
    in_single = backend.to_numpy(single.backward(single.forward(X), Y).theta)
    assert in_single.dtype == "float32"
    assert gradient_error(net, in_single.astype("float64"), gradient) < FLOAT32


@pytest.mark.parametrize("rows", BATCHES)
@pytest.mark.parametrize(("output", "loss"), PAIRS)
def test_every_output_and_loss(backend, rng, output, loss, rows):
    check(random_network(backend, rng, [3, 4, 3], output=output, loss=loss), rng, rows)


@pytest.mark.parametrize("rows", BATCHES)
@pytest.mark.parametrize("depth", SIZES)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_every_hidden_activation_and_depth(backend, rng, hidden, depth, rows):
    check(random_network(backend, rng, SIZES[depth], hidden=hidden), rng, rows)


@pytest.mark.parametrize(("output", "loss"), [("softmax", None), ("identity", "huber")])
@pytest.mark.parametrize("depth", SIZES)
def test_every_depth_with_other_outputs(backend, rng, depth, output, loss):
    check(random_network(backend, rng, SIZES[depth], output=output, loss=loss), rng, 37)


def test_an_activation_per_layer(backend, rng):
    hidden = ["silu", "tanh", "softplus"]
    check(random_network(backend, rng, SIZES[4], hidden=hidden, output="softmax"), rng, 37)


@pytest.mark.parametrize("place", ["hidden", "output"])
def test_a_users_activation(backend, rng, place):
    bent = bp.Activation(
        "bent",
        lambda xp, z: (xp.sqrt(z * z + 1.0) - 1.0) / 2.0 + z,
        lambda xp, z, a: z / (2.0 * xp.sqrt(z * z + 1.0)) + 1.0,
    )
    check(random_network(backend, rng, SIZES[3], **{place: bent}), rng, 37)


@pytest.mark.parametrize("penalty", [{"l2": 0.3}, {"l1": 0.2}, {"l2": 0.3, "l1": 0.2}], ids=str)
def test_penalties(backend, rng, penalty):
    """(l2/2) Σ W² + l1 Σ |W| is added to J whatever the batch size, and b is free."""
    net = random_network(backend, rng, SIZES[3], **penalty)
    bare = random_network(backend, rng, SIZES[3])
    bare.theta = net.theta
    weights = np.concatenate([backend.to_numpy(W).ravel() for W in net.W])
    l2, l1 = penalty.get("l2", 0.0), penalty.get("l1", 0.0)
    wanted = l2 / 2 * np.sum(weights**2) + l1 * np.sum(np.abs(weights))
    for rows in BATCHES:
        X, Y = backend.asarray(rng.normal(size=(rows, 3))), backend.asarray(np.ones((rows, 2)))
        with_it, without = (float(n.cost(n.forward(X), Y)) for n in (net, bare))
        assert with_it - without == pytest.approx(wanted, rel=1e-12)
    for rows in BATCHES:
        check(net, rng, rows)


def test_integer_labels_are_one_hot_rows(backend, rng):
    net = random_network(backend, rng, [3, 4, 5], output="softmax")
    X, labels = backend.asarray(rng.normal(size=(7, 3))), rng.integers(0, 5, 7)
    trace = net.forward(X)
    rows = net.backward(trace, backend.asarray(np.eye(5)[labels])).theta
    for Y in (labels, labels[:, None]):
        got = net.backward(trace, backend.asarray(Y)).theta
        np.testing.assert_array_equal(backend.to_numpy(got), backend.to_numpy(rows))


def test_backward_leaves_the_forward_pass_alone(backend, rng):
    """Two calls give the same gradient: nothing that backward needs is overwritten by it."""
    net = random_network(backend, rng, SIZES[3], hidden="relu")
    X, Y = backend.asarray(rng.normal(size=(4, 3))), backend.asarray(np.ones((4, 2)))
    trace = net.forward(X)
    first, second = (backend.to_numpy(net.backward(trace, Y).theta) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(backend.to_numpy(trace.A[-1]), backend.to_numpy(net.predict(X)))


@pytest.mark.parametrize(
    "options",
    [*({"output": g, "loss": loss} for g, loss in PAIRS), *({"hidden": g} for g in HIDDEN)],
    ids=lambda options: "-".join(options.values()),
)
def test_large_batches_are_the_mean_of_small_ones(backend, rng, options):
    """A backend may cut large arrays into blocks; their seams must not show."""
    net = random_network(backend, rng, [3, 8, 11], **options)
    X, Y = rng.normal(size=(2500, 3)), targets(net.loss.name, rng, (2500, 11))

    def cost_and_gradient(part):
        x, y = backend.asarray(X[part]), backend.asarray(Y[part])
        trace = net.forward(x)
        J, gradient = net.cost(trace, y), net.backward(trace, y).theta
        return np.append(backend.to_numpy(gradient), float(J))

    parts = np.mean([cost_and_gradient(slice(i, i + 500)) for i in range(0, 2500, 500)], axis=0)
    np.testing.assert_allclose(cost_and_gradient(slice(None)), parts, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("output", "loss"), PAIRS)
@pytest.mark.parametrize("scale", [100.0, 1e4])
def test_saturated_networks_stay_finite(backend, output, loss, scale):
    """|z| up to 1e4 in float32 through the whole chain; warnings are errors."""
    net = bp.Network([2, 2, 2], "relu", output, loss, backend=backend)
    net.theta = backend.asarray([1.0, 0, 0, 1, 0, 0, 1, -1, -1, 1, 0, 0])
    X = backend.asarray(scale * np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
    for Y in ([[1, 0]] * 3, [[0, 1]] * 3):
        trace = net.forward(X)
        z = backend.to_numpy(trace.Z[2])
        assert (z.min(), z.max()) == (-scale, scale)
        results = net.cost(trace, Y), net.backward(trace, Y).theta, trace.A[-1]
        assert all(np.all(np.isfinite(backend.to_numpy(r))) for r in results)


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("output", OUTPUTS)
def test_saturated_hidden_layers_stay_finite(backend, hidden, output):
    net = bp.Network([1, 2, 2], hidden, output, backend=backend)
    net.theta = backend.asarray([1.0, -1.0, 0.0, 0.0, 0.1, 0.0, 0.0, 0.1, 0.0, 0.0])
    trace = net.forward(backend.asarray([[1e4], [-1e4]]))
    results = net.cost(trace, [[1, 0]] * 2), net.backward(trace, [[1, 0]] * 2).theta
    assert all(np.all(np.isfinite(backend.to_numpy(r))) for r in results)
