"""The six slips of the article: what it prints is wrong, and what this library does is right."""

from __future__ import annotations

import numpy as np
import pytest
from cases import random_network, windows

import backprop_xp as bp
from backprop_xp.maths.activations import get_activation
from backprop_xp.maths.losses import LOSSES


@pytest.fixture
def sp():
    return pytest.importorskip("sympy")


@pytest.fixture
def scalar(sp):
    """One neuron of the output layer in symbols: J(a), a = σ(z), z = w a1 + b."""
    a, y, z, w, a1, b = sp.symbols("a y z w a1 b", positive=True)
    J = -y * sp.log(a) - (1 - y) * sp.log(1 - a)
    return a, y, z, w, a1, b, J, 1 / (1 + sp.exp(-z)), w * a1 + b


@pytest.fixture
def one(backend, rng):
    """The article's case: one example, one output; returns what the equations speak of."""
    net = random_network(backend, rng, [3, 4, 1])
    X, Y = rng.normal(size=(1, 3)), np.array([[1.0]])
    trace = net.forward(backend.asarray(X))
    d = windows(net, net.backward(trace, backend.asarray(Y)).theta)
    A1, A2 = (backend.to_numpy(trace.A[l]).T for l in (1, 2))  # columns, as in the article
    return windows(net, net.theta), X.T, Y.T, A1, A2, d


def same(a, b):
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-12, atol=0)


def test_slip_1(backend):
    """One hidden layer and one output layer, not "two hidden layers"."""
    article = bp.Network([30, 16, 1], hidden="tanh", output="sigmoid", backend=backend)
    assert len(article.W) == len(article.b) == 2  # W[1], b[1], W[2], b[2]: all that the article has
    assert [g.name for g in article.hidden] == ["tanh"]
    assert article.output.name == "sigmoid"
    printed = bp.Network([30, 16, 16, 1], hidden="tanh", output="sigmoid", backend=backend)
    assert len(printed.hidden) == 2
    assert len(printed.W) == 3  # a W[3] that none of the article's equations mentions


def test_slip_2(backend, scalar, sp):
    """B2 is ∂A[2]/∂Z[2]; ∂J/∂A[2], which is printed, is something else."""
    a, _, z, *_, J, sigma, _ = scalar
    assert sp.simplify(sp.diff(sigma, z) - sigma * (1 - sigma)) == 0
    assert sp.simplify(sp.diff(J, a) - a * (1 - a)) != 0
    A, Y = np.linspace(0.1, 0.9, 9), np.ones(9)
    Z, h = np.log(A / (1 - A)), 1e-5
    device = backend.asarray(A)
    slope = get_activation("sigmoid").slope(backend.xp, backend.asarray(Z), device)
    slope = backend.to_numpy(slope)
    dA_dZ = (1 / (1 + np.exp(-Z - h)) - 1 / (1 + np.exp(-Z + h))) / (2 * h)
    dJ_dA = (-np.log(A + h) + np.log(A - h)) / (2 * h)
    np.testing.assert_allclose(slope, dA_dZ, rtol=1e-8)
    assert not np.any(np.isclose(slope, dJ_dA, rtol=1e-2))
    loss_slope = LOSSES["binary_cross_entropy"].slope(backend.xp, device, backend.asarray(Y))
    np.testing.assert_allclose(backend.to_numpy(loss_slope), dJ_dA, rtol=1e-7)


def test_slip_3(backend, scalar, sp):
    """B3's middle step has a plus; with the printed minus, its own end result does not follow."""
    a, y, *_, J, _, _ = scalar
    end = (a - y) / (a * (1 - a))
    corrected, printed = -y / a + (1 - y) / (1 - a), -y / a - (1 - y) / (1 - a)
    assert sp.simplify(sp.diff(J, a) - corrected) == 0
    assert sp.simplify(corrected - end) == 0
    assert sp.simplify(printed - end) != 0
    A, Y = np.linspace(0.1, 0.9, 9), np.linspace(0.0, 0.9, 9)
    slope = LOSSES["binary_cross_entropy"].slope(backend.xp, backend.asarray(A), backend.asarray(Y))
    slope = backend.to_numpy(slope)
    np.testing.assert_allclose(slope, -Y / A + (1 - Y) / (1 - A), rtol=1e-12, atol=1e-12)
    assert not np.any(np.isclose(slope, -Y / A - (1 - Y) / (1 - A), rtol=1e-2))


def test_slip_4(one, scalar, sp):
    """B6's chain gives ∂J/∂b[2]; ∂A[2]/∂b[2], which is printed, lacks the factor ∂J/∂A[2]."""
    a, _, z, _, _, b, J, sigma, Z = scalar
    whole = J.subs(a, sigma).subs(z, Z)
    chain = sp.diff(J, a).subs(a, sigma).subs(z, Z) * sp.diff(sigma, z).subs(z, Z) * sp.diff(Z, b)
    assert sp.simplify(chain - sp.diff(whole, b)) == 0
    assert sp.simplify(chain - sp.diff(sigma.subs(z, Z), b)) != 0
    _, _, Y, _, A2, d = one
    dJ_dA = -Y / A2 + (1 - Y) / (1 - A2)
    dA_db = A2 * (1 - A2)
    assert same(d["b[2]"], (dJ_dA * dA_db)[:, 0])
    assert not same(d["b[2]"], dA_db[:, 0])


def test_slip_5(one, scalar, sp):
    """A[2] − Y is ∂J/∂b[2]; ∂Z[2]/∂W[2], which is printed, is A[1] (B4)."""
    a, y, z, w, a1, b, J, sigma, Z = scalar
    result = (a - y).subs(a, sigma).subs(z, Z)
    assert sp.simplify(sp.diff(J.subs(a, sigma).subs(z, Z), b) - result) == 0
    assert sp.diff(Z, w) == a1
    assert sp.simplify(sp.diff(Z, w) - result) != 0
    _, _, Y, A1, A2, d = one
    assert same(d["b[2]"], (A2 - Y)[:, 0])
    assert A1.shape != (A2 - Y).shape  # ∂Z[2]/∂W[2] has not even the shape that is printed


def test_slip_6(one):
    """B5, B7 and B8 need transposes and an order of factors; as printed the shapes do not fit."""
    p, X, Y, A1, A2, d = one
    dZ2, W2, slope = A2 - Y, p["W[2]"], 1 - A1**2
    assert X.shape == (3, 1)  # columns, as in the article

    with pytest.raises(ValueError, match="matmul"):
        dZ2 @ A1  # B5 as printed: (1, 1) by (4, 1)
    assert same(d["W[2]"], dZ2 @ A1.T)

    printed = (dZ2 @ W2) * slope  # B8 as printed: a row times a column makes a matrix
    assert printed.shape == (4, 4)
    dZ1 = (W2.T @ dZ2) * slope
    assert same(d["b[1]"], dZ1[:, 0])

    with pytest.raises(ValueError, match="matmul"):
        printed @ X  # B7 as printed: (4, 4) by (3, 1)
    assert same(d["W[1]"], dZ1 @ X.T)
