"""explain: factors that are real derivatives, gradients that are their products."""

from __future__ import annotations

import numpy as np
import pytest
from cases import HIDDEN, PAIRS, random_network, targets

import backprop_xp as bp
from backprop_xp.maths.activations import ACTIVATIONS

X4 = np.array([[0.1, 0.2], [0.1, 0.9], [0.8, 0.2], [0.9, 0.8]])
XOR = np.array([0, 1, 1, 0])
HOST = bp.get_backend("numpy")

# j(y, a) of every output, written out from the documentation.
LOSSES = {
    "binary_cross_entropy": lambda y, a: -y * np.log(a) - (1 - y) * np.log(1 - a),
    "cross_entropy": lambda y, a: -y * np.log(a),
    "squared_error": lambda y, a: (a - y) ** 2 / 2,
    "absolute_error": lambda y, a: np.abs(a - y),
    "huber": lambda y, a: np.where(np.abs(a - y) < 1, (a - y) ** 2 / 2, np.abs(a - y) - 0.5),
    "poisson": lambda y, a: a - y * np.log(a),
}


@pytest.fixture
def explained(backend, rng):
    """The article's network: tanh, σ, cross-entropy, on four rows."""
    return bp.explain(random_network(backend, rng, [2, 3, 1]), X4, XOR)


def article(net):
    """J as a function of its four parameters, in NumPy, straight from the article."""
    host = net.backend.to_numpy
    parts = {"W[1]": net.W[1], "b[1]": net.b[1], "W[2]": net.W[2], "b[2]": net.b[2]}
    parts = {name: host(part).copy() for name, part in parts.items()}

    def J():
        A1 = np.tanh(X4 @ parts["W[1]"].T + parts["b[1]"])
        a = 1 / (1 + np.exp(-(A1 @ parts["W[2]"].T + parts["b[2]"])))[:, 0]
        return np.mean(-XOR * np.log(a) - (1 - XOR) * np.log(1 - a))

    return parts, J


def slopes(J, part, h=1e-6):
    """∂J/∂(every entry of a part) by central differences; the part is changed in place."""
    found = np.empty_like(part)
    for index in np.ndindex(part.shape):
        middle = part[index]
        part[index] = middle + h
        above = J()
        part[index] = middle - h
        found[index] = (above - J()) / (2 * h)
        part[index] = middle
    return found


# -- the article's network ---------------------------------------------------------------------


def test_every_equation_of_the_article_is_there_in_its_order(explained):
    names = [term.equation for term in explained.terms]
    assert " ".join(names) == (
        "X Y I0 I0 I0 I0 F1 F2 F3 F4 J J B1 B3 B2 B2·B3 B4 B5 B6 B6 "
        "B7 B7 B7 B7 B7 B7 B7 B8 B8 U1 U2 U3 U4 J"
    )


def test_values_and_J_are_those_of_the_network(explained, backend):
    net = explained.net
    trace = net.forward(backend.asarray(X4))
    for l in (1, 2):
        assert np.array_equal(explained[f"Z[{l}]"].value, backend.to_numpy(trace.Z[l]))
        assert np.array_equal(explained[f"A[{l}]"].value, backend.to_numpy(trace.A[l]))
    _, J = article(net)
    assert float(explained["J"].value) == pytest.approx(J(), rel=1e-12)
    assert explained["j"].value.mean() == pytest.approx(J(), rel=1e-12)


@pytest.mark.parametrize("name", ["W[1]", "b[1]", "W[2]", "b[2]"])
def test_gradients_are_the_slopes_of_J(explained, name):
    """By differences of the article's J in NumPy: neither backward nor cost is asked."""
    parts, J = article(explained.net)
    wanted = slopes(J, parts[name])
    term = explained[f"dJ/d{name}"]
    assert (term.kind, term.symbol) == ("gradient", f"∂J/∂{name}")
    np.testing.assert_allclose(term.value, wanted, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(term.difference, wanted, rtol=1e-5, atol=1e-8)
    assert term.check.passed


def test_gradients_are_the_products_of_the_factors(explained):
    """The lines of the article, B1–B8, with the factors as they are shown."""
    e = {key: explained[key].value for key in (term.symbol for term in explained.terms)}
    dZ2 = e["∂J/∂A[2]"] * e["∂A[2]/∂Z[2]"]
    np.testing.assert_allclose(e["∂J/∂Z[2]"], dZ2, rtol=1e-14)
    np.testing.assert_allclose(dZ2[:, 0], (e["A[2]"][:, 0] - XOR) / 4, rtol=1e-12)
    np.testing.assert_allclose(e["∂J/∂W[2]"], dZ2.T @ e["∂Z[2]/∂W[2]"], rtol=1e-13)
    np.testing.assert_allclose(e["∂J/∂b[2]"], e["∂Z[2]/∂b[2]"] @ dZ2, rtol=1e-13)
    dZ1 = (dZ2 @ e["∂Z[2]/∂A[1]"]) * e["∂A[1]/∂Z[1]"]
    np.testing.assert_allclose(e["∂J/∂W[1]"], dZ1.T @ e["∂Z[1]/∂W[1]"], rtol=1e-13)
    np.testing.assert_allclose(e["∂J/∂b[1]"], e["∂Z[1]/∂b[1]"] @ dZ1, rtol=1e-13)


def test_the_factors_are_the_article_s(explained):
    e = {term.symbol: term.value for term in explained.terms}
    a = e["A[2]"][:, 0]
    np.testing.assert_allclose(e["∂J/∂A[2]"][:, 0], (-XOR / a + (1 - XOR) / (1 - a)) / 4)
    z = e["Z[2]"][:, 0]
    np.testing.assert_allclose(e["∂A[2]/∂Z[2]"][:, 0], np.exp(-z) / (1 + np.exp(-z)) ** 2)
    assert np.array_equal(e["∂Z[2]/∂W[2]"], e["A[1]"])
    assert np.array_equal(e["∂Z[2]/∂A[1]"], e["W[2]"])
    np.testing.assert_allclose(e["∂A[1]/∂Z[1]"], 1 / np.cosh(e["Z[1]"]) ** 2)
    assert np.array_equal(e["∂Z[1]/∂W[1]"], X4)


@pytest.mark.parametrize("learning_rate", [0.1, 2.0])
def test_the_update_is_a_step_of_gradient_descent(backend, rng, learning_rate):
    net = random_network(backend, rng, [2, 3, 1])
    explained = bp.explain(net, X4, XOR, learning_rate=learning_rate)
    bp.train_step(net, bp.SGD(learning_rate))(backend.asarray(X4), backend.asarray(XOR))
    for name, part in (("W[1]", net.W[1]), ("b[1]", net.b[1]), ("W[2]", net.W[2])):
        got = explained[f"new {name}"].value
        np.testing.assert_allclose(got, backend.to_numpy(part), rtol=1e-12, atol=1e-15)
    _, J = article(net)
    assert float(explained["new J"].value) == pytest.approx(J(), rel=1e-12)


def test_the_network_is_left_alone(backend):
    net = bp.Network([2, 3, 1], backend=backend)
    before = backend.to_numpy(net.theta).copy()
    bp.explain(net, X4, XOR)
    assert np.array_equal(backend.to_numpy(net.theta), before)
    assert net.dtype == "float32"


# -- any network -------------------------------------------------------------------------------


@pytest.mark.parametrize(("output", "loss"), PAIRS)
def test_every_pair_of_output_and_loss(backend, rng, output, loss):
    net = random_network(backend, rng, [3, 4, 3], output=output, loss=loss)
    X, Y = rng.normal(size=(5, 3)), targets(loss, rng, (5, 3))
    explained = bp.explain(net, X, Y)
    assert explained.report.passed, str(explained.report)
    assert explained.backward_error < 1e-12
    for term in explained.terms:
        if term.kind == "gradient":
            np.testing.assert_allclose(term.value, term.difference, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("output", "loss"), PAIRS)
def test_B3_and_B2_are_each_a_derivative(rng, output, loss):
    net = random_network(HOST, rng, [3, 4, 3], output=output, loss=loss)
    X, Y = rng.normal(size=(5, 3)), targets(loss, rng, (5, 3))
    explained, h = bp.explain(net, X, Y), 1e-6
    A, Z = explained["A[2]"].value, explained["Z[2]"].value
    slope = (LOSSES[loss](Y, A + h) - LOSSES[loss](Y, A - h)) / (2 * h) / 5
    np.testing.assert_allclose(explained["∂J/∂A[2]"].value, slope, rtol=1e-4, atol=1e-7)
    g, given = ACTIVATIONS[output].value, explained["∂A[2]/∂Z[2]"].value
    for k in range(3):  # column k of every Jacobian, or the slope of output k
        up, down = Z.copy(), Z.copy()
        up[:, k] += h
        down[:, k] -= h
        slope = (g(np, up) - g(np, down)) / (2 * h)
        column = given[:, :, k] if output == "softmax" else given * np.eye(3)[k]
        np.testing.assert_allclose(column, slope, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("hidden", HIDDEN)
def test_every_hidden_activation(rng, hidden):
    net = random_network(HOST, rng, [2, 3, 4, 1], hidden=hidden)
    explained = bp.explain(net, X4, XOR)
    assert explained.report.passed
    assert explained.backward_error < 1e-12
    Z, h = explained["Z[1]"].value, 1e-6
    g = ACTIVATIONS[hidden].value
    slope = (g(np, Z + h) - g(np, Z - h)) / (2 * h)
    np.testing.assert_allclose(explained["∂A[1]/∂Z[1]"].value, slope, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("sizes", [[2, 1], [2, 4, 3, 1], [2, 4, 3, 3, 2, 1]])
def test_any_depth(backend, rng, sizes):
    """The output layer has the names of the article's second layer, the rest of its first."""
    explained = bp.explain(random_network(backend, rng, sizes), X4, XOR)
    L = len(sizes) - 1
    assert explained.backward_error < 1e-12
    assert explained[f"Z[{L}]"].equation == "F3"
    assert explained[f"dJ/dW[{L}]"].equation == "B5"
    for l in range(1, L):
        assert explained[f"Z[{l}]"].equation == "F1"
        assert explained[f"dJ/dW[{l}]"].equation == "B7"
        assert explained[f"new b[{l}]"].equation == "U4"


@pytest.mark.parametrize(("l2", "l1"), [(0.1, 0.0), (0.0, 0.05), (0.1, 0.05)])
def test_penalties_have_a_term_of_their_own(backend, rng, l2, l1):
    net = random_network(backend, rng, [2, 3, 1], l2=l2, l1=l1)
    explained = bp.explain(net, X4, XOR)
    assert explained.report.passed
    assert explained.backward_error < 1e-12
    W, penalty = explained["W[1]"].value, explained["dpenalty/dW[1]"].value
    np.testing.assert_allclose(penalty, l2 * W + l1 * np.sign(W))
    data = explained["dJ/dZ[1]"].value.T @ X4
    np.testing.assert_allclose(explained["dJ/dW[1]"].value, data + penalty)


def test_an_activation_of_the_user_s(rng):
    cube = bp.Activation("my_cube $^{", lambda xp, z: z**3, lambda xp, z, a: 3 * z**2)
    explained = bp.explain(random_network(HOST, rng, [2, 3, 1], hidden=cube), X4, XOR)
    assert explained["A[1]"].formula == "my_cube $^{(Z[1])"
    assert explained["∂A[1]/∂Z[1]"].formula == "my_cube $^{'(Z[1])"
    assert explained.report.passed


# -- saturation --------------------------------------------------------------------------------


def saturated(bias, output="sigmoid", loss=None):
    net = bp.Network([2, 3, 2], output=output, loss=loss, backend="numpy")
    net.b[2] = np.array(bias, dtype=np.float32)
    return net


def test_an_infinite_factor_is_told_and_its_product_is_the_limit():
    """A[2] is 1 to the last bit: (A−Y)/(A(1−A)) is 1/0 where Y = 0, and 0/0 where Y = 1."""
    Y = np.array([[0, 1], [1, 1], [0, 0], [1, 0]])
    explained = bp.explain(saturated([80, 80]), X4, Y)
    B3 = explained["dJ/dA[2]"]
    np.testing.assert_allclose(B3.value, np.where(Y == 0, np.inf, -0.25), rtol=1e-12)
    assert B3.note.startswith("infinite in 4 of 8 entries")
    assert np.array_equal(explained["dA[2]/dZ[2]"].value, np.zeros((4, 2)))
    assert np.array_equal(explained["dJ/dZ[2]"].value, np.where(Y == 0, 0.25, 0.0))
    assert explained["dJ/dZ[2]"].note.startswith("4 of 8 entries would be ∞ · 0")
    assert explained.report.passed
    text = str(explained)
    assert "∞" in text
    assert "nan" not in text


def test_the_other_end_of_sigmoid():
    Y = np.array([[0, 1], [1, 1], [0, 0], [1, 0]])
    explained = bp.explain(saturated([-800, -800]), X4, Y)
    B3 = explained["dJ/dA[2]"].value
    np.testing.assert_allclose(B3, np.where(Y == 1, -np.inf, 0.25), rtol=1e-12)
    assert np.array_equal(explained["dJ/dZ[2]"].value, np.where(Y == 1, -0.25, 0.0))


@pytest.mark.parametrize("loss", ["cross_entropy", "poisson"])
def test_a_saturated_softmax(loss):
    explained = bp.explain(saturated([0, 2000], "softmax", loss), X4, [0, 1, 1, 0])
    assert np.array_equal(np.isinf(explained["dJ/dA[2]"].value[:, 0]), [True, False, False, True])
    assert np.isfinite(explained["dJ/dZ[2]"].value).all()
    np.testing.assert_allclose(explained["dJ/dZ[2]"].value[0], [-0.25, 0.25])
    assert explained.backward_error == 0
    assert explained.report.passed


def test_no_notes_where_nothing_is_infinite(explained):
    assert all(term.note == "" for term in explained.terms)


# -- what is wrong is seen ---------------------------------------------------------------------


class Wrong(bp.Network):
    """Forgets the factor g'."""

    def backward(self, trace, Y):
        grads = super().backward(trace, Y)
        grads.W[1][...] = grads.W[1] * 2.0
        return grads


def test_a_wrong_backward_does_not_go_unnoticed():
    explained = bp.explain(Wrong([2, 3, 1], backend="numpy"), X4, XOR)
    assert not explained.report.passed
    assert explained.backward_error > 0.01
    term = explained["dJ/dW[1]"]
    assert not term.check.passed
    np.testing.assert_allclose(term.value, term.difference, rtol=1e-5)  # the products are right
    assert "✗ WRONG" in str(explained)
    assert "The products differ from net.backward" in str(explained)


# -- wrong use ---------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0, -1.0, np.inf, "fast", True])
def test_a_learning_rate_that_makes_no_sense(rate):
    with pytest.raises(bp.ConfigurationError, match="learning_rate="):
        bp.explain(bp.Network([2, 1], backend="numpy"), X4, XOR, learning_rate=rate)


def test_data_that_do_not_fit(backend):
    net = bp.Network([2, 1], backend=backend)
    with pytest.raises(bp.ShapeError, match="3 features"):
        bp.explain(net, np.ones((4, 3)), XOR)
    with pytest.raises(bp.DataError, match=r"X\[1, 0\]"):
        bp.explain(net, [[0.0, 1.0], [np.nan, 1.0]], [0, 1])
    with pytest.raises(bp.ConfigurationError, match="expected a backprop_xp"):
        bp.explain("net", X4, XOR)
    stack = net.with_theta(backend.xp.stack([net.theta, net.theta]))
    with pytest.raises(bp.ShapeError, match="explain takes a single network"):
        bp.explain(stack, X4, XOR)


def test_too_many_jacobians():
    net = bp.Network([2, 300], output="softmax", backend="numpy")
    with pytest.raises(bp.ShapeError, match="300 × 300 for each of the 200 examples"):
        bp.explain(net, np.ones((200, 2)), np.arange(200))


def test_an_unknown_symbol_is_told_the_known_ones(explained):
    with pytest.raises(KeyError, match=r"'dJ/dW\[3\]'.*no such symbol.*∂J/∂W\[2\]"):
        explained["dJ/dW[3]"]
