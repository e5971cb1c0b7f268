"""Gradients against PyTorch's autograd, and training against torch.optim."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from cases import HIDDEN, PAIRS, gradient_error, random_network, targets

import backprop_xp as bp

ACTIVATIONS = {
    "identity": lambda z: z,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "gelu": F.gelu,
    "silu": F.silu,
    "softplus": lambda z: F.softplus(z, threshold=100.0),  # by default it is z from 20 on
    "softmax": lambda z: torch.softmax(z, dim=-1),
}
LOSSES = {  # of Z[L], A[L] and Y; with logits where torch's form with A loses digits near 1
    "binary_cross_entropy": lambda z, a, y: F.binary_cross_entropy_with_logits(
        z, y, reduction="none"
    ),
    "cross_entropy": lambda z, a, y: F.cross_entropy(z, y, reduction="none")[:, None],
    "squared_error": lambda z, a, y: F.mse_loss(a, y, reduction="none") / 2,
    "absolute_error": lambda z, a, y: F.l1_loss(a, y, reduction="none"),
    "huber": lambda z, a, y: F.huber_loss(a, y, reduction="none", delta=1.0),
    "poisson": lambda z, a, y: F.poisson_nll_loss(a, y, log_input=False, eps=0.0, reduction="none"),
}
SIZES = {1: [3, 2], 2: [3, 4, 2], 3: [3, 4, 5, 2], 4: [3, 4, 2, 5, 3]}
BATCHES = [1, 37]


def peer_cost(net, theta, X, Y):
    """J of the same network in PyTorch, from a flat θ laid out as W[1], b[1], W[2] …"""
    A, start = X, 0
    for W, g in zip(net.W, [*net.hidden, net.output], strict=True):
        n_out, n_in = W.shape
        W, b = theta[start : start + W.size].reshape(n_out, n_in), theta[start + W.size :][:n_out]
        start += n_out * (n_in + 1)
        Z = F.linear(A, W, b)
        A = ACTIVATIONS[g.name](Z)
    return LOSSES[net.loss.name](Z, A, Y).sum(dim=-1).mean()


def peer_theta(net):
    return torch.tensor(net.backend.to_numpy(net.theta).copy(), requires_grad=True)


def check(net, rng, rows):
    backend = net.backend
    X = rng.normal(size=(rows, net.sizes[0]))
    Y = targets(net.loss.name, rng, (rows, net.sizes[-1]))
    theta = peer_theta(net)
    J = peer_cost(net, theta, torch.tensor(X), torch.tensor(Y))
    J.backward()
    trace = net.forward(backend.asarray(X))
    assert float(net.cost(trace, backend.asarray(Y))) == pytest.approx(J.item(), rel=1e-12)
    grads = net.backward(trace, backend.asarray(Y))
    assert gradient_error(net, backend.to_numpy(grads.theta), theta.grad.numpy()) < 1e-10


@pytest.mark.parametrize("rows", BATCHES)
@pytest.mark.parametrize("depth", SIZES)
@pytest.mark.parametrize(("output", "loss"), PAIRS)
def test_every_output_and_loss(backend, rng, output, loss, depth, rows):
    check(random_network(backend, rng, SIZES[depth], output=output, loss=loss), rng, rows)


@pytest.mark.parametrize("rows", BATCHES)
@pytest.mark.parametrize("depth", SIZES)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_every_hidden_activation_and_depth(backend, rng, hidden, depth, rows):
    check(random_network(backend, rng, SIZES[depth], hidden=hidden), rng, rows)


# (ours, torch's) with the same options; torch's eps is outside the root, as ours is
OPTIMIZERS = {
    "SGD": (bp.SGD(0.1), lambda p: torch.optim.SGD(p, lr=0.1)),
    "Momentum": (bp.Momentum(0.05, 0.9), lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9)),
    "Nesterov": (
        bp.Nesterov(0.05, 0.9),
        lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    ),
    "RMSprop": (
        bp.RMSprop(0.01, 0.95, 1e-6),
        lambda p: torch.optim.RMSprop(p, lr=0.01, alpha=0.95, eps=1e-6),
    ),
    "Adam": (
        bp.Adam(0.02, 0.85, 0.99, 1e-7),
        lambda p: torch.optim.Adam(p, lr=0.02, betas=(0.85, 0.99), eps=1e-7),
    ),
    "Adam, defaults": (bp.Adam(), torch.optim.Adam),
    "AdamW": (
        bp.AdamW(0.02, weight_decay=0.1),
        lambda p: torch.optim.AdamW(p, lr=0.02, weight_decay=0.1),
    ),
    "AdamW, defaults": (bp.AdamW(), torch.optim.AdamW),
}


def train_both(backend, rng, name, dtype):
    """30 steps from the same θ on the same batch: J before each, and θ at the end."""
    ours, theirs = OPTIMIZERS[name]
    start = random_network(backend, rng, [4, 6, 5, 3], output="softmax")
    net = start.with_theta(backend.asarray(start.theta, dtype))
    X, Y = rng.normal(size=(20, 4)).astype(dtype), np.eye(3, dtype=dtype)[rng.integers(0, 3, 20)]
    theta = peer_theta(net)
    step, peer = bp.train_step(net, copy.copy(ours)), theirs([theta])
    J, peer_J = [], []
    for _ in range(30):
        J.append(float(step(backend.asarray(X), backend.asarray(Y))))
        peer.zero_grad()
        loss = peer_cost(net, theta, torch.tensor(X), torch.tensor(Y))
        loss.backward()
        peer.step()
        peer_J.append(loss.item())
    assert J[-1] < J[0]
    return J, peer_J, backend.to_numpy(net.theta), theta.detach().numpy()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer(backend, rng, name):
    J, peer_J, theta, peer = train_both(backend, rng, name, "float64")
    np.testing.assert_allclose(J, peer_J, rtol=1e-11)
    np.testing.assert_allclose(theta, peer, rtol=1e-10, atol=1e-11)


def test_adam_in_float32(backend, rng):
    J, peer_J, theta, peer = train_both(backend, rng, "Adam, defaults", "float32")
    assert theta.dtype == peer.dtype == "float32"
    np.testing.assert_allclose(J, peer_J, rtol=1e-5)
    np.testing.assert_allclose(theta, peer, rtol=1e-5, atol=1e-5)
