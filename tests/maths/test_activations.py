"""g and g' against Python's math module, at ordinary and at extreme z."""

from __future__ import annotations

import math
from math import erfc, exp, expm1, log1p, pi, sqrt

import numpy as np
import pytest
from cases import HIDDEN, LIMITS, OUTPUTS

import backprop_xp as bp
from backprop_xp.maths.activations import ACTIVATIONS, get_activation


def sigma(z):
    return 1 / (1 + exp(-z))


def phi(z):
    return 0.5 * erfc(-z / sqrt(2))


# name → (g, g'), in double precision
TRUTH = {
    "identity": (lambda z: z, lambda z: 1.0),
    "sigmoid": (sigma, lambda z: exp(-z) / (1 + exp(-z)) ** 2),
    "tanh": (math.tanh, lambda z: 1 / math.cosh(z) ** 2),
    "relu": (lambda z: max(z, 0.0), lambda z: float(z > 0)),
    "leaky_relu": (lambda z: z if z > 0 else 0.01 * z, lambda z: 1.0 if z > 0 else 0.01),
    "elu": (lambda z: z if z > 0 else expm1(z), lambda z: 1.0 if z > 0 else exp(z)),
    "gelu": (lambda z: z * phi(z), lambda z: phi(z) + z * exp(-z * z / 2) / sqrt(2 * pi)),
    "silu": (lambda z: z * sigma(z), lambda z: sigma(z) * (1 + z * (1 - sigma(z)))),
    "softplus": (lambda z: log1p(exp(z)), sigma),
}


def evaluate(backend, name, z, dtype="float64"):
    """g(z) and g'(z) of the library, as NumPy arrays, in the dtype that was asked for."""
    g, device = get_activation(name), backend.asarray(z, dtype)
    a = g.value(backend.xp, device)
    slope = g.slope(backend.xp, device, a)
    a, slope = backend.to_numpy(a), backend.to_numpy(slope)
    assert a.dtype == slope.dtype == dtype
    assert a.shape == slope.shape == z.shape
    return a, slope


def test_the_table_is_the_documented_one():
    assert tuple(ACTIVATIONS) == OUTPUTS
    assert tuple(TRUTH) == tuple(LIMITS) == HIDDEN


@pytest.mark.parametrize("name", HIDDEN)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-6), ("float64", 4e-15)])
def test_value_and_slope(backend, name, dtype, tolerance):
    z = np.linspace(-12.0, 12.0, 97).astype(dtype).reshape(1, 97, 1)  # 0 is among them
    a, slope = evaluate(backend, name, z, dtype)
    for got, truth in zip((a, slope), TRUTH[name], strict=True):
        wanted = np.array([truth(float(x)) for x in z.ravel()]).reshape(z.shape)
        np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", HIDDEN)
def test_slope_is_the_derivative(backend, name):
    z, h = np.linspace(-5.05, 5.0, 100), 1e-5
    above, _ = evaluate(backend, name, z + h)
    below, _ = evaluate(backend, name, z - h)
    _, slope = evaluate(backend, name, z)
    np.testing.assert_allclose(slope, (above - below) / (2 * h), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", ["sigmoid", "gelu", "silu", "softplus", "elu"])
def test_lower_tail_keeps_its_digits(backend, name):
    """Small values are not the rounded difference of large ones."""
    z = np.array([-1e-9, -0.3, -5.0, -20.0, -35.0])
    a, _ = evaluate(backend, name, z)
    np.testing.assert_allclose(a, [TRUTH[name][0](x) for x in z], rtol=2e-13)


@pytest.mark.parametrize("name", HIDDEN)
@pytest.mark.parametrize("size", [100.0, 1e4, 3e38])
def test_limits_in_float32(backend, name, size):
    a, slope = evaluate(backend, name, np.array([-size, size]), "float32")
    low, low_slope, high, high_slope = LIMITS[name]
    wanted = np.array([low(-size), high(size)], dtype="float32")
    np.testing.assert_allclose(a, wanted, rtol=1e-6, atol=1e-30)
    np.testing.assert_allclose(slope, [low_slope, high_slope], rtol=1e-6, atol=1e-30)


def test_kinks(backend):
    """At z = 0 the slope is the one from the left, where the two sides differ."""
    slopes = {name: evaluate(backend, name, np.array([0.0]))[1] for name in ("relu", "leaky_relu")}
    assert slopes == {"relu": [0.0], "leaky_relu": [0.01]}


def softmax(z):
    """Softmax of one row, and its Jacobian, from the definition."""
    a = np.array([1 / sum(exp(other - own) for other in z) for own in z])
    return a, np.diag(a) - np.outer(a, a)


def test_softmax(backend, rng):
    z, dA = rng.normal(0.0, 3.0, (2, 5, 4)), rng.normal(size=(2, 5, 4))
    g, xp, device = get_activation("softmax"), backend.xp, backend.asarray(z)
    a = g.value(xp, device)
    pulled = g.pull_back(xp, device, a, backend.asarray(dA))
    pulled_log = g.pull_back_log(xp, device, a, backend.asarray(dA))
    diagonal = backend.to_numpy(g.slope(xp, device, a))
    log_diagonal = backend.to_numpy(g.log_slope(xp, device, a))
    log_a = backend.to_numpy(g.log_value(xp, device))
    for i in np.ndindex(2, 5):
        row, jacobian = softmax(z[i])
        np.testing.assert_allclose(backend.to_numpy(a)[i], row, rtol=1e-13)
        np.testing.assert_allclose(log_a[i], np.log(row), rtol=1e-13, atol=1e-14)
        np.testing.assert_allclose(backend.to_numpy(pulled)[i], jacobian @ dA[i], atol=1e-14)
        log_jacobian = jacobian / row[:, None]
        np.testing.assert_allclose(
            backend.to_numpy(pulled_log)[i], log_jacobian.T @ dA[i], atol=1e-14
        )
        np.testing.assert_allclose(diagonal[i], np.diag(jacobian), rtol=1e-13, atol=1e-14)
        np.testing.assert_allclose(log_diagonal[i], np.diag(log_jacobian), rtol=1e-13, atol=1e-14)


def test_softmax_limits_in_float32(backend):
    z = np.array([[1e4, -1e4, 0.0], [1e4, 1e4, -1e4], [-1e38, 0.0, 1e38]])
    g, device = get_activation("softmax"), backend.asarray(z, "float32")
    a, log_a = g.value(backend.xp, device), g.log_value(backend.xp, device)
    wanted = [[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]
    np.testing.assert_array_equal(backend.to_numpy(a), np.float32(wanted))
    half = math.log(2)
    wanted = [[0.0, -2e4, -1e4], [-half, -half, -2e4 - half], [-2e38, -1e38, 0.0]]
    np.testing.assert_allclose(backend.to_numpy(log_a), wanted, rtol=1e-6)
    np.testing.assert_array_equal(backend.to_numpy(g.slope(backend.xp, device, a))[0], 0.0)


@pytest.mark.parametrize("name", ["sigmoid", "softplus"])
def test_log_of_positive_activations(backend, name):
    """log g and g'/g, down to where g itself has long been zero."""
    z = np.array([-1e4, -740.0, -37.5, -36.5, -5.0, -0.1, 0.0, 2.0, 30.0, 1e4])
    ordinary = (z > -700) & (z < 700)
    g, device = get_activation(name), backend.asarray(z)
    log_a = backend.to_numpy(g.log_value(backend.xp, device))
    a = g.value(backend.xp, device)
    log_slope = backend.to_numpy(g.log_slope(backend.xp, device, a))
    value, slope = TRUTH[name]
    wanted = [math.log(value(x)) for x in z[ordinary]]
    np.testing.assert_allclose(log_a[ordinary], wanted, rtol=1e-13, atol=1e-12)
    wanted = [slope(x) / value(x) for x in z[ordinary]]
    np.testing.assert_allclose(log_slope[ordinary], wanted, rtol=1e-12)
    np.testing.assert_array_equal(log_a[:2], z[:2])  # log g(z) → z
    np.testing.assert_allclose(log_slope[:2], 1.0, rtol=1e-15)
    high = {"sigmoid": (0.0, 0.0), "softplus": (math.log(1e4), 1e-4)}[name]
    np.testing.assert_allclose((log_a[-1], log_slope[-1]), high, rtol=1e-14)


def test_get_activation():
    own = bp.Activation("own", lambda xp, z: z, lambda xp, z, a: z**0)
    assert get_activation(own) is own
    assert get_activation("tanh") is ACTIVATIONS["tanh"]


@pytest.mark.parametrize("wrong", ["tahn", "", None, 3, ["tanh"]])
def test_unknown_activation(wrong):
    with pytest.raises(bp.ConfigurationError, match=r"The choices are: identity, .*, softmax\."):
        get_activation(wrong)


def test_unknown_activation_names_the_nearest():
    with pytest.raises(bp.ConfigurationError, match="Did you mean 'tanh'"):
        get_activation("tahn")


@pytest.mark.parametrize(
    "arguments", [(1, abs, abs), ("own", 1, abs), ("own", abs, None)], ids=repr
)
def test_activation_checks_its_arguments(arguments):
    with pytest.raises(bp.ConfigurationError, match="a name and two functions"):
        bp.Activation(*arguments)
