"""θ and its views: one memory, seen in two ways."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import backprop_xp as bp

SIZES = [2, 3, 1]
COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda net: pickle.loads(pickle.dumps(net)),
}


@pytest.fixture
def net(backend):
    """θ = 0, 1, 2 …, 12, so that every number tells where it belongs."""
    net = bp.Network(SIZES, dtype="float64", backend=backend)
    net.theta = backend.asarray(np.arange(13.0))
    return net


def host(net, array):
    return net.backend.to_numpy(array).copy()


def assert_in_place(net, theta):
    """θ holds these numbers, the views show them at their places, and forward uses them."""
    np.testing.assert_array_equal(host(net, net.theta), theta)
    W1, b1, W2, b2 = theta[:6].reshape(3, 2), theta[6:9], theta[9:12].reshape(1, 3), theta[12:]
    for window, wanted in zip((*net.W, *net.b), (W1, W2, b1, b2), strict=True):
        np.testing.assert_array_equal(host(net, window), wanted)
    X = np.array([[0.1, -0.2]])
    trace = net.forward(net.backend.asarray(X))
    np.testing.assert_allclose(host(net, trace.Z[1]), X @ W1.T + b1, rtol=1e-14)
    np.testing.assert_allclose(host(net, trace.Z[2]), np.tanh(X @ W1.T + b1) @ W2.T + b2)


def test_layout(net):
    assert_in_place(net, np.arange(13.0))
    assert [tuple(W.shape) for W in net.W] == [(3, 2), (1, 3)]
    assert [tuple(b.shape) for b in net.b] == [(3,), (1,)]
    assert len(net.W) == len(net.b) == 2
    assert repr(net.W) == "<W[1] (3, 2), W[2] (1, 3)>"


def test_writes_through_theta(net):
    theta = np.linspace(-1.0, 1.0, 13)
    W1 = net.W[1]
    net.theta = net.backend.asarray(theta)
    assert_in_place(net, theta)
    np.testing.assert_array_equal(host(net, W1), theta[:6].reshape(3, 2))  # the view is the same
    net.theta[3] = 7.0
    net.theta *= 2.0
    theta[3] = 7.0
    assert_in_place(net, 2.0 * theta)
    net.theta = [float(i) for i in range(13)]  # host data that is no array is moved
    assert_in_place(net, np.arange(13.0))


def test_writes_through_windows(net):
    theta = np.arange(13.0)
    net.W[1][2, 0] = -1.0
    net.b[1][...] = net.backend.asarray([5.0, 6.0, 7.0])
    net.W[2] += 1.0
    net.b[2] *= 0.5
    theta[4], theta[6:9], theta[9:12], theta[12] = -1.0, [5.0, 6.0, 7.0], theta[9:12] + 1.0, 6.0
    assert_in_place(net, theta)


def test_assignment_writes_into_the_window(net):
    theta, xp = np.arange(13.0), net.backend
    values = xp.asarray([[3.0, 2.0, 1.0]])
    net.W[2] = values
    net.b[2] = xp.asarray([-3.0])
    net.W[1] = 0.25  # broadcast
    theta[9:12], theta[12], theta[:6] = [3.0, 2.0, 1.0], -3.0, 0.25
    assert_in_place(net, theta)
    values[...] = 100.0  # the values were copied: what becomes of them later does not matter
    assert_in_place(net, theta)


def test_gradients_have_the_same_form(net):
    grads = net.backward(net.forward(net.backend.asarray([[1.0, 2.0]])), [1.0])
    assert grads.theta.shape == net.theta.shape
    flat = [part.ravel() for l in (1, 2) for part in (host(net, grads.W[l]), host(net, grads.b[l]))]
    np.testing.assert_array_equal(np.concatenate(flat), host(net, grads.theta))
    grads.W[1][...] = 0.0
    assert not np.any(host(net, grads.theta)[:6])


@pytest.mark.parametrize("l", [0, 3, -1, "1", slice(1, 2), 1.0])
@pytest.mark.parametrize("name", ["W", "b"])
def test_layers_are_numbered_from_1(net, name, l):
    layers = getattr(net, name)
    with pytest.raises(IndexError, match=rf"{name}\[1\] … {name}\[2\]"):
        layers[l]
    with pytest.raises(IndexError, match=rf"{name}\[1\] … {name}\[2\]"):
        layers[l] = 0.0
    assert_in_place(net, np.arange(13.0))


@pytest.mark.parametrize("shape", [(12,), (1, 13), (14,), ()])
def test_theta_of_another_shape_is_refused(net, shape):
    with pytest.raises(bp.ShapeError, match=r"expected \(13,\)"):
        net.theta = net.backend.asarray(np.zeros(shape))
    assert_in_place(net, np.arange(13.0))


@pytest.mark.parametrize("shape", [(12,), (3, 14), ()])
def test_with_theta_checks_the_last_axis(net, shape):
    with pytest.raises(bp.ShapeError, match=r"expected \(…, 13\)"):
        net.with_theta(net.backend.asarray(np.zeros(shape)))


def test_with_theta_checks_the_dtype(net):
    with pytest.raises(bp.ConfigurationError, match="expected 'float32' or 'float64'"):
        net.with_theta(net.backend.asarray(np.arange(13)))


def test_with_theta_shares_memory_and_leaves_the_first_alone(net):
    theta = net.backend.asarray(np.zeros(13))
    twin = net.with_theta(theta)
    twin.W[1][...] = 1.0
    assert host(net, theta).sum() == 6.0
    assert_in_place(net, np.arange(13.0))
    assert twin.dtype == "float64"
    assert net.with_theta(net.backend.asarray(theta, "float32")).dtype == "float32"


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_copies_keep_their_windows(net, how, dtype):
    net = net.with_theta(net.backend.asarray(net.theta, dtype))
    twin = COPIES[how](net)
    assert (twin.dtype, twin.backend, twin.sizes) == (dtype, net.backend, net.sizes)
    assert (twin.loss.name, twin.output.name) == (net.loss.name, net.output.name)
    twin.W[1] = 9.0
    assert host(net, twin.theta)[:6].tolist() == [9.0] * 6
    twin.theta[12] = -1.0
    assert float(twin.b[2][0]) == -1.0
    assert host(net, net.theta).tolist() == list(range(13))  # the first network has its own memory


@pytest.mark.parametrize("how", COPIES)
def test_copies_go_on_training(backend, how):
    """The copy of a softmax network, too, takes integer labels and takes the same steps."""
    net = bp.Network([2, 3, 3], output="softmax", l2=0.1, backend=backend)
    twin = COPIES[how](net)
    X, Y = backend.asarray([[0.0, 1.0], [1.0, 0.5]]), backend.asarray([2, 0])
    for each in (net, twin):
        bp.SGD(0.1).update(each, each.backward(each.forward(X), Y))
    np.testing.assert_array_equal(host(net, net.theta), host(net, twin.theta))


@pytest.mark.parametrize("how", COPIES)
def test_stacks_can_be_copied(net, how):
    stack = net.with_theta(net.backend.asarray(np.arange(26.0).reshape(2, 13)))
    twin = COPIES[how](stack)
    twin.b[2] = 0.0
    assert host(net, twin.theta)[:, 12].tolist() == [0.0, 0.0]
    assert host(net, stack.theta)[:, 12].tolist() == [12.0, 25.0]
