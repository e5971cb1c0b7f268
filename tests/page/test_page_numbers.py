"""The page's script against Python: every number, for every activation and loss."""

from __future__ import annotations

import numpy as np
import pytest
from cases import HIDDEN, PAIRS, random_network, targets

import backprop_xp as bp

HOST = bp.get_backend("numpy")


def shown(page, symbol):
    """A value as the page has it, flat; ∞ and NaN do not survive JSON, so they go as text."""
    script = "name => values[name].flat(3).map(String)"
    return np.array([float(x.replace("Infinity", "inf")) for x in page.evaluate(script, symbol)])


def assert_same_numbers(page, explanation):
    symbols = [term.symbol for term in explanation.terms if term.kind != "chain"]
    assert len(set(symbols)) == len(symbols)
    for symbol in symbols:
        expected = explanation[symbol].value.ravel()
        finite = np.abs(expected[np.isfinite(expected)])
        scale = max(1.0, finite.max(initial=0.0))
        np.testing.assert_allclose(
            shown(page, symbol), expected, rtol=0, atol=1e-9 * scale, err_msg=symbol
        )


@pytest.mark.parametrize("k", range(len(PAIRS)), ids=["-".join(pair) for pair in PAIRS])
def test_every_activation_and_loss(opened, rng, k):
    """All pairs of output and loss, each with a hidden activation of its own in turn."""
    (output, loss), hidden = PAIRS[k], HIDDEN[k % len(HIDDEN)]
    net = random_network(HOST, rng, [3, 4, 2], hidden=hidden, output=output, loss=loss)
    Y = targets(loss, rng, (5, 2))
    if output == "softmax" and loss == "cross_entropy":
        Y = np.eye(2)[[0, 1, 1, 0, 1]]
    explanation = bp.explain(net, rng.normal(size=(5, 3)), Y)
    page = opened(explanation, steps=1)
    assert_same_numbers(page, explanation)
    assert "The numbers of this page are Python's" in page.inner_text("#agreement")
    agree = page.evaluate(
        """() => PAGE.steps.filter(step => step.gradient)
             .map(step => checkGradient(PAGE, state, values, step.symbol).error)"""
    )
    assert len(agree) == 4
    assert max(agree) <= 1e-6


@pytest.mark.parametrize(
    ("output", "loss"),
    [
        ("sigmoid", "binary_cross_entropy"),
        ("softmax", "cross_entropy"),
        ("softplus", "poisson"),
        ("sigmoid", "poisson"),
        ("softmax", "poisson"),
    ],
)
def test_saturated_outputs_give_their_limits(opened, rng, output, loss):
    net = random_network(HOST, rng, [2, 3, 2], output=output, loss=loss, scale=400.0)
    Y = np.eye(2)[[0, 1, 0, 1]]
    explanation = bp.explain(net, rng.normal(size=(4, 2)), Y)
    page = opened(explanation, steps=1)
    for symbol in ("Z[2]", "A[2]", "j", "J", "∂J/∂Z[2]", "∂J/∂W[1]", "∂J/∂W[2]"):
        expected = explanation[symbol].value.ravel()
        assert np.isfinite(expected).all()
        np.testing.assert_allclose(shown(page, symbol), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("hidden", [(), (4,), (3, 2), (8, 8, 8)])
@pytest.mark.parametrize("penalties", [{}, {"l2": 0.1}, {"l1": 0.2}, {"l2": 0.1, "l1": 0.2}])
def test_depths_and_penalties(opened, rng, hidden, penalties):
    net = random_network(HOST, rng, [2, *hidden, 1], **penalties)
    explanation = bp.explain(net, rng.normal(size=(3, 2)), [0, 1, 1], learning_rate=0.3)
    assert_same_numbers(opened(explanation, steps=1), explanation)


def test_recorded_moments(opened, rng):
    """At every moment of the slider the page shows what explain says of the network there."""
    net = random_network(HOST, rng, [2, 3, 1])
    X, Y = rng.normal(size=(4, 2)), [0, 1, 1, 0]
    page = opened(bp.explain(net, X, Y, learning_rate=0.5), steps=80)
    for moment in (40, 13, 0):
        page.locator("#moment").fill(str(moment))
        step = page.evaluate("RUN.step[moment]")
        twin = net.with_theta(net.theta.copy())
        for _ in range(step):
            bp.SGD(0.5).update(twin, twin.backward(twin.forward(X), Y))
        explanation = bp.explain(twin, X, Y, learning_rate=0.5)
        assert_same_numbers(page, explanation)
        assert page.inner_text("#moment-words").startswith(f"step {step} of 80: J = ")
        J = float(explanation["J"].value)
        assert page.evaluate("RUN.J[moment]") == pytest.approx(J, abs=1e-12)


def test_a_wrong_gradient_is_found(opened, rng):
    explanation = bp.explain(random_network(HOST, rng, [2, 3, 1]), np.eye(2), [0, 1])
    page = opened(explanation, steps=1)
    error = page.evaluate(
        """() => {
             const wrong = entrywise(d => 1.01 * d + 1e-4, values["∂J/∂W[1]"]);
             return checkGradient(PAGE, state, {...values, "∂J/∂W[1]": wrong}, "∂J/∂W[1]").error;
           }"""
    )
    assert error > 1e-4


def test_a_kink_is_no_fault(opened):
    """relu at exactly 0: every slope between both sides is right."""
    net = bp.Network([2, 3, 1], hidden="relu", seed=0, dtype="float64", backend="numpy")
    explanation = bp.explain(net, np.zeros((2, 2)), [1, 1])
    assert explanation.report.passed
    page = opened(explanation, steps=1)
    error = page.evaluate('checkGradient(PAGE, state, values, "∂J/∂b[1]").error')
    assert error <= 1e-6
