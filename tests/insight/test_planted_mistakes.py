"""Mistakes that people make in backward: each is caught, and the right layer is blamed.

A mistake is one line of the textbook's `backward` written otherwise. Deeper networks, relu and
penalties, which the textbook does not have, follow below.
"""

from __future__ import annotations

import pytest

import backprop_xp as bp
from backprop_xp.lessons import planted
from backprop_xp.lessons.planted import Mistake

# Those of lesson 4, and more.
MISTAKES = {
    mistake.name: mistake
    for mistake in (
        *planted.MISTAKES,
        Mistake("slip 3 of the article", "-Y / A2 + (1 - Y)", "-Y / A2 - (1 - Y)", 2),
        Mistake("slope of the sigmoid forgotten", "dJ_dA2 * dA2_dZ2", "dJ_dA2", 2),
        Mistake("A1 of other examples", "dZ2_dW2 = A1", "dZ2_dW2 = self.forward(X[::-1, :])[0]", 2),
        Mistake("db2 not summed", "self.xp.sum(dJ_dZ2, axis=0)", "dJ_dZ2[0, :]", 2),
        Mistake("db2 averaged", "self.xp.sum(dJ_dZ2, axis=0)", "self.xp.mean(dJ_dZ2, axis=0)", 2),
        Mistake("slope of tanh twice", "dJ_dA1 * dA1_dZ1", "dJ_dA1 * dA1_dZ1 * dA1_dZ1", 1),
    )
}
# Mistakes that leave all other parameters right.
ALONE = {
    "dW2 transposed": "W[2]",
    "A1 of other examples": "W[2]",
    "db2 not summed": "b[2]",
    "db2 averaged": "b[2]",
    "wrong sign of dW1": "W[1]",
    "db1 averaged": "b[1]",
}


def report_of(kind, backend, rng, width=3, hidden="tanh", sizes=None, **options):
    """The gradient check of a network whose second layer is square, so that shapes tell nothing."""
    net = kind(sizes or (4, width, width), hidden, "sigmoid", seed=2, backend=backend, **options)
    X, Y = rng.standard_normal((12, 4)), rng.integers(2, size=(12, net.sizes[-1]))
    return bp.check_gradients(net, X, Y)


def mistaken(name):
    return planted.planted(MISTAKES[name])


def test_the_textbook_passes(backend, rng):
    assert report_of(planted.TextbookNetwork, backend, rng).passed


def test_a_mistake_that_the_textbook_has_no_place_for():
    with pytest.raises(ValueError, match="is not in the textbook once"):
        planted.planted(Mistake("nowhere", "dJ_dW3", "", 2))


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_caught_in_its_layer(backend, rng, mistake):
    report = report_of(mistaken(mistake), backend, rng)
    assert not report.passed
    assert report.layer == MISTAKES[mistake].layer, str(report)
    assert report.max_relative_error > 1e-2


@pytest.mark.parametrize("mistake", ALONE)
def test_a_mistake_is_caught_in_its_parameter(backend, rng, mistake):
    report = report_of(mistaken(mistake), backend, rng)
    assert [line.name for line in report.lines if not line.passed] == [ALONE[mistake]]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_caught_along_random_directions(backend, rng, mistake):
    report = report_of(mistaken(mistake), backend, rng, width=45)
    assert report.lines[0].checked == 20
    assert report.layer == MISTAKES[mistake].layer, str(report)


# -- deeper networks ---------------------------------------------------------------------------

DEEP = {"sizes": (4, 5, 5, 2), "hidden": ("tanh", "relu"), "l2": 0.05}


class Off(bp.Network):
    """The right gradient, and something added to one part of it."""

    def backward(self, trace, Y):
        grads = super().backward(trace, Y)
        self.spoil(grads)
        return grads

    def spoil(self, grads):
        raise NotImplementedError


def off(spoil):
    return type("Spoiled", (Off,), {"spoil": spoil})


@pytest.mark.parametrize("layer", [1, 2, 3])
@pytest.mark.parametrize("sizes", [(4, 5, 5, 2), (4, 45, 45, 2)])
def test_a_forgotten_penalty_is_caught_in_its_layer(backend, rng, layer, sizes):
    def forget(net, grads):
        grads.W[layer] -= net.architecture.l2 * net.W[layer]

    report = report_of(off(forget), backend, rng, **{**DEEP, "sizes": sizes})
    assert [line.name for line in report.lines if not line.passed] == [f"W[{layer}]"]
    assert report.layer == layer


def test_a_penalty_that_is_forgotten_everywhere_is_blamed_on_the_last_layer(backend, rng):
    def forget(net, grads):
        for l in (1, 2, 3):
            grads.W[l] -= net.architecture.l2 * net.W[l]

    assert report_of(off(forget), backend, rng, **DEEP).layer == 3


@pytest.mark.parametrize("layer", [1, 2, 3])
def test_wrong_biases_are_caught_in_their_layer(backend, rng, layer):
    def double(net, grads):
        grads.b[layer] *= 2.0

    report = report_of(off(double), backend, rng, **DEEP)
    assert [line.name for line in report.lines if not line.passed] == [f"b[{layer}]"]


def test_the_right_deep_network_passes(backend, rng):
    assert report_of(bp.Network, backend, rng, **DEEP).passed


def test_relu_whose_slope_is_z_is_caught_in_its_layer(backend, rng):
    """z where z > 0, instead of 1."""
    relu = bp.Activation(
        "relu", lambda xp, z: xp.maximum(z, 0.0), lambda xp, z, a: xp.maximum(z, 0.0)
    )
    report = report_of(bp.Network, backend, rng, **{**DEEP, "hidden": ["tanh", relu]})
    assert report.layer == 2


@pytest.mark.parametrize("layer", [1, 2])
def test_a_wrong_slope_of_an_own_activation_is_caught_in_its_layer(backend, rng, layer):
    cube = bp.Activation("cube", lambda xp, z: z**3, lambda xp, z, a: 3 * z**2)
    wrong = bp.Activation("wrong cube", lambda xp, z: z**3, lambda xp, z, a: 2 * z**2)
    deep = {"sizes": DEEP["sizes"]}
    assert report_of(bp.Network, backend, rng, hidden=[cube, cube], **deep).passed
    hidden = [wrong, cube] if layer == 1 else [cube, wrong]
    assert report_of(bp.Network, backend, rng, hidden=hidden, **deep).layer == layer
