"""j(y, a) and its derivatives against their definitions, at ordinary and at extreme z."""

from __future__ import annotations

import numpy as np
import pytest
from cases import LIMITS, OUTPUTS, PAIRS, targets

import backprop_xp as bp
from backprop_xp.maths.activations import get_activation
from backprop_xp.maths.losses import LOSSES, get_loss

# name → j(y, a), straight from the definition
TRUTH = {
    "binary_cross_entropy": lambda y, a: -y * np.log(a) - (1 - y) * np.log1p(-a),
    "cross_entropy": lambda y, a: -y * np.log(a),
    "squared_error": lambda y, a: (a - y) ** 2 / 2,
    "absolute_error": lambda y, a: np.abs(a - y),
    "huber": lambda y, a: np.where(np.abs(a - y) <= 1, (a - y) ** 2 / 2, np.abs(a - y) - 0.5),
    "poisson": lambda y, a: a - y * np.log(a),
}
SLOPES = {
    "squared_error": lambda e: e,
    "absolute_error": lambda e: np.sign(e),
    "huber": lambda e: np.clip(e, -1, 1),
}
ELEMENTWISE = [pair for pair in PAIRS if pair[0] != "softmax"]
WITH_SOFTMAX = [pair[1] for pair in PAIRS if pair[0] == "softmax"]


def evaluate(backend, output, loss, z, y, dtype="float64"):
    """j, ∂j/∂z and a of the library, as NumPy arrays."""
    xp, g, loss = backend.xp, get_activation(output), get_loss(loss, get_activation(output))
    z, y = backend.asarray(z, dtype), backend.asarray(y, dtype)
    a = g.value(xp, z)
    results = loss.value(xp, g, z, a, y), loss.gradient(xp, g, z, a, y), a
    results = tuple(backend.to_numpy(r) for r in results)
    assert all(r.dtype == dtype and r.shape == tuple(z.shape) for r in results)
    return results


def test_the_table_is_the_documented_one():
    assert tuple(LOSSES) == tuple(TRUTH)


@pytest.mark.parametrize(("output", "loss"), PAIRS)
def test_value(backend, rng, output, loss):
    z, y = rng.normal(0.0, 2.0, (6, 3)), targets(loss, rng, (6, 3))
    j, _, a = evaluate(backend, output, loss, z, y)
    np.testing.assert_allclose(j, TRUTH[loss](y, a), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("output", "loss"), PAIRS)
def test_gradient_is_the_derivative(backend, rng, output, loss):
    z, y, h = rng.normal(0.0, 2.0, (6, 3)), targets(loss, rng, (6, 3)), 1e-5
    _, gradient, _ = evaluate(backend, output, loss, z, y)
    for k, step in enumerate(h * np.eye(3)):
        above, _, _ = evaluate(backend, output, loss, z + step, y)
        below, _, _ = evaluate(backend, output, loss, z - step, y)
        difference = (above - below).sum(axis=-1) / (2 * h)  # softmax couples the outputs of a row
        np.testing.assert_allclose(gradient[:, k], difference, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("loss", LOSSES)
def test_slope_is_the_derivative_in_a(backend, rng, loss):
    a, y, h = rng.uniform(0.1, 0.9, (8, 3)), targets(loss, rng, (8, 3)), 1e-6
    slope = LOSSES[loss].slope(backend.xp, backend.asarray(a), backend.asarray(y))
    difference = (TRUTH[loss](y, a + h) - TRUTH[loss](y, a - h)) / (2 * h)
    np.testing.assert_allclose(backend.to_numpy(slope), difference, rtol=1e-7, atol=1e-8)


def limits(output, loss, z, y):
    """j and ∂j/∂z where the output saturates: what the definitions tend to as |z| grows."""
    low, low_slope, high, high_slope = LIMITS[output]
    a, slope = (low(z), low_slope) if z < 0 else (high(z), high_slope)
    if loss == "binary_cross_entropy":
        return max(-z, 0) * y + max(z, 0) * (1 - y), a - y
    if loss == "poisson":  # log a → z below; above, log a → 0 (sigmoid) or log z (softplus)
        log_a = z if z < 0 else np.log(a)
        log_slope = 1.0 if z < 0 else slope / a
        return a - y * log_a, slope - y * log_slope
    return TRUTH[loss](y, a), SLOPES[loss](a - y) * slope


@pytest.mark.parametrize(("output", "loss"), ELEMENTWISE)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_limits(backend, output, loss, dtype):
    """Saturated outputs, labels 0 and 1 (and others that the loss takes): no NaN, no warning."""
    y = [0.0, 1.0, 0.25] if loss == "binary_cross_entropy" else [0.0, 1.0, 7.0]
    z, y = np.meshgrid([-1e4, -100.0, 100.0, 1e4], y)
    j, gradient, _ = evaluate(backend, output, loss, z, y, dtype)
    wanted = [limits(output, loss, *each) for each in zip(z.ravel(), y.ravel(), strict=True)]
    wanted_j, wanted_gradient = np.array(wanted, dtype=float).T.reshape(2, *z.shape)
    np.testing.assert_allclose(j, wanted_j, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(gradient, wanted_gradient, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("loss", WITH_SOFTMAX)
@pytest.mark.parametrize("size", [200.0, 1e4])
@pytest.mark.parametrize("label", [0, 1, 2])
def test_softmax_limits(backend, loss, size, label):
    a, y = np.array([[1.0, 0.0, 0.0]]), np.eye(3)[[label]]
    z = size * np.array([[1.0, -1.0, 0.0]])
    log_a = z - size
    wanted_j = {"cross_entropy": -y * log_a, "poisson": a - y * log_a}
    j, gradient, _ = evaluate(backend, "softmax", loss, z, y, "float32")
    wanted = wanted_j[loss] if loss in wanted_j else TRUTH[loss](y, a)
    np.testing.assert_allclose(j, wanted, rtol=1e-6, atol=1e-6)
    wanted = a - y if loss in wanted_j else np.zeros((1, 3))
    np.testing.assert_allclose(gradient, wanted, atol=1e-6)


def test_matched_pairs_keep_their_digits(backend):
    """B2·B3 as A − Y: a tiny error far out is not lost in 0/0 or in 1 − 1."""
    z = np.array([[-40.0], [-700.0]])
    j, gradient, _ = evaluate(backend, "sigmoid", "binary_cross_entropy", z, np.zeros((2, 1)))
    np.testing.assert_allclose(j, np.exp(z), rtol=1e-13)
    np.testing.assert_allclose(gradient, np.exp(z), rtol=1e-13)


@pytest.mark.parametrize(
    ("output", "loss"),
    [
        ("sigmoid", "binary_cross_entropy"),
        ("softmax", "cross_entropy"),
        *((g, "squared_error") for g in OUTPUTS if g not in ("sigmoid", "softmax")),
    ],
)
def test_default_loss(output, loss):
    assert get_loss(None, get_activation(output)).name == loss


@pytest.mark.parametrize(
    ("output", "loss"), sorted({(g, loss) for g in OUTPUTS for loss in LOSSES} - set(PAIRS))
)
def test_pairs_that_may_not_meet(output, loss):
    with pytest.raises(bp.ConfigurationError, match=f"{loss}.*output=.*or loss='squared_error'"):
        get_loss(loss, get_activation(output))


def test_a_users_activation_meets_the_losses_that_ask_nothing_of_it():
    own = bp.Activation("own", lambda xp, z: z, lambda xp, z, a: z**0)
    assert get_loss(None, own).name == "squared_error"
    assert get_loss("huber", own).name == "huber"
    with pytest.raises(bp.ConfigurationError, match="not defined for the output activation 'own'"):
        get_loss("poisson", own)


@pytest.mark.parametrize("wrong", ["hubert", "", 3, ["huber"]])
def test_unknown_loss(wrong):
    with pytest.raises(bp.ConfigurationError, match=r"The choices are: binary_cross_entropy, .*"):
        get_loss(wrong, get_activation("sigmoid"))


@pytest.mark.parametrize("name", ["identity", "sigmoid", "softmax"])
def test_a_users_activation_may_have_the_name_of_one_of_ours(backend, rng, name):
    """The short gradient A − Y belongs to the activation, not to its name."""
    twice = bp.Activation(name, lambda xp, z: 2.0 * z, lambda xp, z, a: 2.0 * a**0)
    net = bp.Network([3, 4, 2], output=twice, backend=backend)
    assert net.loss.name == "squared_error"
    X, Y = rng.standard_normal((6, 3)), rng.standard_normal((6, 2))
    assert bp.check_gradients(net, X, Y).passed


def test_poisson_with_a_log_link(backend, rng):
    """EXP has no name, but the loss takes it, and B2·B3 is then A − Y."""
    from backprop_xp.maths.activations import EXP

    assert get_loss(None, EXP).name == "poisson"
    z, y = rng.normal(size=(5, 2)), rng.poisson(3.0, (5, 2)).astype(float)
    j, gradient, a = evaluate(backend, EXP, "poisson", z, y)
    np.testing.assert_allclose(a, np.exp(z), rtol=1e-14)
    np.testing.assert_allclose(j, np.exp(z) - y * z, rtol=1e-13)
    np.testing.assert_allclose(gradient, np.exp(z) - y, rtol=1e-13)
    xp, device = backend.xp, backend.asarray(z)
    slope = backend.to_numpy(EXP.slope(xp, device, EXP.value(xp, device)))
    np.testing.assert_allclose(slope, np.exp(z), rtol=1e-14)
    pulled = EXP.pull_back_log(xp, device, EXP.value(xp, device), backend.asarray(y))
    np.testing.assert_allclose(backend.to_numpy(pulled), y)  # (log g)' = 1
    np.testing.assert_allclose(backend.to_numpy(EXP.log_value(xp, device)), z)
