"""Leading axes are free: a stack of networks gives the numbers of its members, one by one."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from cases import HIDDEN, OPTIMIZERS, PAIRS, optimizer_id, targets

import backprop_xp as bp

SIZES = [3, 4, 5, 3]
STACKS = [(3,), (2, 3)]


def stacked(backend, rng, stack, **options):
    """A stack of networks, and its members as networks of their own."""
    one = bp.Network(SIZES, dtype="float64", backend=backend, **options)
    theta = rng.normal(0.0, 0.7, (*stack, *one.theta.shape))
    members = {i: one.with_theta(backend.asarray(theta[i].copy())) for i in np.ndindex(stack)}
    return one.with_theta(backend.asarray(theta)), members


def compare(stack, members, X, Y, shared):
    """Forward, cost and backward of the stack and of every member on its own data."""
    backend, host = stack.backend, stack.backend.to_numpy
    trace = stack.forward(backend.asarray(X))
    J = host(stack.cost(trace, backend.asarray(Y)))
    grads = stack.backward(trace, backend.asarray(Y))
    assert J.shape == stack.theta.shape[:-1]
    for i, member in members.items():
        own_X, own_Y = (backend.asarray(d if shared else d[i]) for d in (X, Y))
        own = member.forward(own_X)
        own_grads = member.backward(own, own_Y)
        pairs = [
            (J[i], member.cost(own, own_Y)),
            (host(grads.theta)[i], own_grads.theta),
            *((host(many)[i], one) for many, one in zip(trace.Z[1:], own.Z[1:], strict=True)),
            *((host(many)[i], one) for many, one in zip(trace.A[1:], own.A[1:], strict=True)),
            *((host(many)[i], one) for many, one in zip(trace.dZ[1:], own.dZ[1:], strict=True)),
            *((host(many)[i], one) for many, one in zip(grads.W, own_grads.W, strict=True)),
            *((host(many)[i], one) for many, one in zip(grads.b, own_grads.b, strict=True)),
        ]
        for many, one in pairs:
            one = host(one)
            assert many.shape == one.shape
            np.testing.assert_allclose(many, one, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize(("shape", "shared"), [((3,), False), ((2, 3), True)], ids=str)
@pytest.mark.parametrize(("output", "loss"), PAIRS)
def test_every_output_and_loss(backend, rng, output, loss, shape, shared):
    stack, members = stacked(backend, rng, shape, output=output, loss=loss)
    lead = () if shared else shape
    X, Y = rng.normal(size=(*lead, 6, 3)), targets(loss, rng, (*lead, 6, 3))
    compare(stack, members, X, Y, shared)


@pytest.mark.parametrize(("shape", "shared"), [((3,), True), ((2, 3), False)], ids=str)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_every_hidden_activation(backend, rng, hidden, shape, shared):
    stack, members = stacked(backend, rng, shape, hidden=hidden)
    lead = () if shared else shape
    X, Y = rng.normal(size=(*lead, 6, 3)), rng.integers(0, 2, (*lead, 6, 3))
    compare(stack, members, X, Y, shared)


@pytest.mark.parametrize("rows", [1, 2, 3, 4])
def test_as_many_rows_as_networks_or_units(backend, rng, rows):
    """Axes of equal length are not mixed up."""
    stack, members = stacked(backend, rng, (3,), output="softmax", l2=0.1, l1=0.05)
    compare(stack, members, rng.normal(size=(rows, 3)), np.eye(3)[[0, 2, 1, 1][:rows]], True)


def test_shared_labels(backend, rng):
    stack, _ = stacked(backend, rng, (2, 3), output="softmax")
    X, labels = backend.asarray(rng.normal(size=(5, 3))), np.array([0, 2, 1, 1, 0])
    trace = stack.forward(X)
    by_label = stack.cost(trace, backend.asarray(labels))
    by_row = stack.cost(trace, backend.asarray(np.eye(3)[labels]))
    np.testing.assert_array_equal(backend.to_numpy(by_label), backend.to_numpy(by_row))


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=optimizer_id)
@pytest.mark.parametrize("shape", STACKS, ids=str)
def test_optimizer_steps(backend, rng, optimizer, shape):
    stack, members = stacked(backend, rng, shape, output="softmax")
    X, Y = backend.asarray(rng.normal(size=(6, 3))), backend.asarray(np.eye(3)[[0, 1, 2, 0, 1, 2]])
    optimizer = copy.copy(optimizer)  # one for all: it keeps a state per network
    for net in (stack, *members.values()):
        for _ in range(3):
            optimizer.update(net, net.backward(net.forward(X), Y))
    theta = backend.to_numpy(stack.theta)
    for i, member in members.items():
        np.testing.assert_allclose(theta[i], backend.to_numpy(member.theta), rtol=1e-9, atol=1e-11)


def test_stack_of_large_layers(backend, rng):
    """Layers of more elements than one block of an elementwise kernel."""
    one = bp.Network([5, 70, 1], "gelu", dtype="float64", backend=backend)
    theta = rng.normal(0.0, 0.3, (2, *one.theta.shape))
    X, Y = backend.asarray(rng.normal(size=(300, 5))), backend.asarray(np.ones((300, 1)))
    for lead in [(2,), (1, 2), (2, 1)]:
        stack = one.with_theta(backend.asarray(theta.reshape(*lead, -1).copy()))
        together = backend.to_numpy(stack.backward(stack.forward(X), Y).theta).reshape(2, -1)
        for k in range(2):
            member = one.with_theta(backend.asarray(theta[k].copy()))
            alone = backend.to_numpy(member.backward(member.forward(X), Y).theta)
            np.testing.assert_allclose(together[k], alone, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("shape", [(2, 6, 3), (3, 1, 6, 3), (1, 6, 3), (3,), (3, 0, 3)])
def test_data_of_another_stack_are_refused(backend, rng, shape):
    stack, _ = stacked(backend, rng, (3,))
    with pytest.raises(bp.ShapeError, match="X has"):
        stack.forward(backend.asarray(np.zeros(shape)))


@pytest.mark.parametrize("shape", [(2, 6, 3), (3, 5, 3), (3, 6, 1)])
def test_targets_of_another_stack_are_refused(backend, rng, shape):
    stack, _ = stacked(backend, rng, (3,))
    trace = stack.forward(backend.asarray(np.zeros((6, 3))))
    with pytest.raises(bp.ShapeError, match="Y has"):
        stack.cost(trace, backend.asarray(np.zeros(shape)))
