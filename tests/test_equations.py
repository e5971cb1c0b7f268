"""Each equation of the article by its name, on its two-layer network (tanh, σ, cross-entropy).

The truth is written here in the article's form, examples as columns, in NumPy, with SymPy where the
statement is symbolic, and with central differences of J. The library has examples as rows.
"""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from cases import random_network, windows

import backprop_xp as bp
from backprop_xp.maths.activations import get_activation
from backprop_xp.maths.losses import LOSSES

M = 5


@pytest.fixture
def lib(backend, rng):
    """The library's network, and all that one pass leaves behind, as NumPy arrays."""
    net = random_network(backend, rng, [3, 4, 2])
    X = rng.normal(size=(M, 3))
    Y = rng.integers(0, 2, (M, 2)).astype(float)
    trace = net.forward(backend.asarray(X))
    grads = net.backward(trace, backend.asarray(Y))
    J = net.cost(trace, backend.asarray(Y))
    host = backend.to_numpy
    lists = {name: [None, *map(host, getattr(trace, name)[1:])] for name in ("Z", "A", "dZ")}
    return SimpleNamespace(
        net=net, X=X, Y=Y, grads=grads, J=float(J), d=windows(net, grads.theta), **lists
    )


@pytest.fixture
def article(lib):
    """The article's numbers, straight from its equations, examples as columns."""
    p = windows(lib.net, lib.net.theta)
    W1, b1, W2, b2 = p["W[1]"], p["b[1]"][:, None], p["W[2]"], p["b[2]"][:, None]
    X, Y = lib.X.T, lib.Y.T
    Z1 = W1 @ X + b1
    A1 = np.tanh(Z1)
    Z2 = W2 @ A1 + b2
    A2 = 1 / (1 + np.exp(-Z2))
    dA1 = W2.T @ (A2 - Y) * (1 - np.tanh(Z1) ** 2)
    return SimpleNamespace(**{k: v for k, v in locals().items() if k not in ("lib", "p")})


@pytest.fixture
def sp():
    return pytest.importorskip("sympy")


def close(a, b, rtol=1e-12):
    np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-14)


def slopes_of_J(lib, name):
    """∂J/∂(every entry of W[l] or b[l]) by central differences of the article's J, in NumPy."""
    p = windows(lib.net, lib.net.theta)
    part = p[name]

    def J():
        A1 = np.tanh(p["W[1]"] @ lib.X.T + p["b[1]"][:, None])
        A2 = 1 / (1 + np.exp(-(p["W[2]"] @ A1 + p["b[2]"][:, None])))
        return np.sum(-lib.Y.T * np.log(A2) - (1 - lib.Y.T) * np.log(1 - A2)) / M

    slopes, h = np.empty_like(part), 1e-5
    for index in np.ndindex(part.shape):
        middle = part[index]
        part[index] = middle + h
        above = J()
        part[index] = middle - h
        slopes[index] = (above - J()) / (2 * h)
        part[index] = middle
    return slopes


def test_I0(backend):
    net = bp.Network([30, 16, 1], hidden="tanh", output="sigmoid", seed=3, backend=backend)
    start = windows(net, net.theta)
    for name in ("W[1]", "W[2]"):
        assert np.unique(start[name]).size == start[name].size  # all different: symmetry is broken
        assert abs(start[name].mean()) < 0.2 < start[name].std(ddof=1) * 2
    other = bp.Network([30, 16, 1], seed=4, backend=backend)
    assert not np.any(windows(other, other.theta)["W[1]"] == start["W[1]"])
    # "The aim of training is to correct W and b": one step moves every one of them.
    X, Y = np.random.default_rng(0).normal(size=(8, 30)), np.array([0, 1] * 4)
    bp.train_step(net, bp.SGD(0.1))(backend.asarray(X), backend.asarray(Y))
    for name, values in windows(net, net.theta).items():
        assert np.all(values != start[name])


def test_F1(lib, article):
    close(lib.Z[1], article.Z1.T)


def test_F2(lib, article, backend):
    close(lib.A[1], article.A1.T)
    close(lib.A[1].ravel(), [math.tanh(z) for z in lib.Z[1].ravel()])
    # … "g any activation", the user's own included.
    cube = bp.Activation("cube", lambda xp, z: z**3, lambda xp, z, a: 3 * z**2)
    net = bp.Network([3, 4, 2], hidden=cube, dtype="float64", backend=backend)
    net.theta = lib.net.theta
    close(backend.to_numpy(net.forward(backend.asarray(lib.X)).A[1]), article.Z1.T**3)


def test_F3(lib, article):
    close(lib.Z[2], article.Z2.T)


def test_F4(lib, article):
    close(lib.A[2], article.A2.T)


def test_J(lib, article):
    Y, A2 = article.Y, article.A2
    J = -Y * np.log(A2) - (1 - Y) * np.log(1 - A2)
    close(lib.J, J.sum(axis=0).mean())  # sum over outputs, mean over examples


def test_B1(lib, article, sp):
    # Symbolic: the product of the three factors is the derivative of J in W[2] …
    w, a1, b, y, z, a = sp.symbols("w a1 b y z a", positive=True)
    J = -y * sp.log(a) - (1 - y) * sp.log(1 - a)
    A = 1 / (1 + sp.exp(-z))
    Z = w * a1 + b
    product = (sp.diff(J, a) * sp.diff(A, z)).subs(a, A).subs(z, Z) * sp.diff(Z, w)
    assert sp.simplify(product - sp.diff(J.subs(a, A).subs(z, Z), w)) == 0
    # … and numeric: so is the library's gradient.
    factors = sp.lambdify((a, z, a1, y), sp.diff(J, a) * sp.diff(A, z) * a1)
    every = factors(
        article.A2[:, None], article.Z2[:, None], article.A1[None], article.Y[:, None]
    )  # (n_2, n_1, m)
    close(lib.d["W[2]"], every.mean(axis=-1))
    close(lib.d["W[2]"], slopes_of_J(lib, "W[2]"), rtol=1e-7)


def test_B2(backend, sp):
    z = sp.symbols("z", real=True)
    a = 1 / (1 + sp.exp(-z))
    derivative = sp.diff(a, z)
    assert sp.simplify(derivative - sp.exp(-z) / (1 + sp.exp(-z)) ** 2) == 0
    assert sp.simplify(derivative - a * (1 - a)) == 0
    values = np.linspace(-6.0, 6.0, 25)
    sigmoid, device = get_activation("sigmoid"), backend.asarray(values)
    slope = sigmoid.slope(backend.xp, device, sigmoid.value(backend.xp, device))
    close(backend.to_numpy(slope), sp.lambdify(z, derivative)(values))


def test_B3(backend, sp):
    a, y = sp.symbols("a y", positive=True)
    derivative = sp.diff(-y * sp.log(a) - (1 - y) * sp.log(1 - a), a)
    assert sp.simplify(derivative - (-y / a + (1 - y) / (1 - a))) == 0
    assert sp.simplify(derivative - (a - y) / (a * (1 - a))) == 0
    A, Y = np.meshgrid(np.linspace(0.05, 0.95, 10), [0.0, 0.3, 1.0])
    slope = LOSSES["binary_cross_entropy"].slope(backend.xp, backend.asarray(A), backend.asarray(Y))
    close(backend.to_numpy(slope), sp.lambdify((a, y), derivative)(A, Y))


def test_B4(lib, article):
    # Z[2] is linear in W[2], so a step of 1 gives ∂Z[2]_i/∂W[2]_ij = A[1]_j exactly.
    for j in range(4):
        moved = lib.net.with_theta(lib.net.backend.asarray(lib.net.theta) + 0.0)
        moved.W[2][:, j] += 1.0
        Z2 = lib.net.backend.to_numpy(moved.forward(lib.net.backend.asarray(lib.X)).Z[2])
        close((Z2 - lib.Z[2]).T, np.tile(article.A1[j], (2, 1)), rtol=1e-11)


def test_B5(lib, article):
    close(lib.dZ[2], (article.A2 - article.Y).T / M)
    close(lib.d["W[2]"], (article.A2 - article.Y) @ article.A1.T / M)
    close(lib.d["W[2]"], slopes_of_J(lib, "W[2]"), rtol=1e-7)


def test_B6(lib, article):
    close(lib.d["b[2]"], (article.A2 - article.Y).mean(axis=1))
    close(lib.d["b[2]"], slopes_of_J(lib, "b[2]"), rtol=1e-7)


def test_B7(lib, article):
    close(lib.dZ[1], article.dA1.T / M)
    close(lib.d["W[1]"], article.dA1 @ article.X.T / M)
    close(lib.d["W[1]"], slopes_of_J(lib, "W[1]"), rtol=1e-7)


def test_B7_chain(sp):
    """The five factors of B7 multiply to ∂J/∂W[1], and to the result that the article prints."""
    x, y, w1, b1, w2, b2, z1, a1, z2, a2 = sp.symbols("x y w1 b1 w2 b2 z1 a1 z2 a2", real=True)
    A2, Z2, A1, Z1 = 1 / (1 + sp.exp(-z2)), w2 * a1 + b2, sp.tanh(z1), w1 * x + b1
    J = -y * sp.log(a2) - (1 - y) * sp.log(1 - a2)

    def whole(term):
        return term.subs(a2, A2).subs(z2, Z2).subs(a1, A1).subs(z1, Z1)

    factors = sp.diff(J, a2), sp.diff(A2, z2), sp.diff(Z2, a1), sp.diff(A1, z1), sp.diff(Z1, w1)
    derivative = sp.diff(whole(J), w1)
    assert sp.simplify(whole(sp.prod(factors)) - derivative) == 0
    assert sp.simplify(whole((a2 - y) * w2 * sp.diff(A1, z1) * x) - derivative) == 0


def test_B8(lib, article):
    close(lib.d["b[1]"], article.dA1.mean(axis=1))
    close(lib.d["b[1]"], slopes_of_J(lib, "b[1]"), rtol=1e-7)


def check_update(lib, name):
    before, slopes = windows(lib.net, lib.net.theta)[name], slopes_of_J(lib, name)
    bp.SGD(0.3).update(lib.net, lib.grads)
    close(windows(lib.net, lib.net.theta)[name], before - 0.3 * slopes, rtol=1e-8)


def test_U1(lib):
    check_update(lib, "W[2]")


def test_U2(lib):
    check_update(lib, "b[2]")


def test_U3(lib):
    check_update(lib, "W[1]")


def test_U4(lib):
    check_update(lib, "b[1]")
