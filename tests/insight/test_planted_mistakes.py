"""Mistakes that people make in backward: each is caught, and the right layer is blamed.

`Textbook.backward` spells the way back out, a method for each line. Every mistake below overrides
one line, in one layer of a network of three.
"""

from __future__ import annotations

import numpy as np
import pytest

import backprop_xp as bp


class Textbook(bp.Network):
    """The way back, line by line, in the words of the article."""

    def backward(self, trace, Y):
        xp = self.backend.xp
        Y = self.as_targets(Y, trace.rows)
        grads = self.gradient()
        dZ = self.output_factor(trace.A[3], Y, trace.rows)
        for l in (3, 2, 1):
            grads.W[l] = self.weights(l, dZ, trace.A[l - 1])
            grads.b[l] = self.biases(l, dZ)
            grads.W[l] += self.penalty(l)
            if l > 1:
                dA = self.inputs(l, dZ)
                dZ = dA * self.slope(xp, l - 1, trace.Z[l - 1], trace.A[l - 1])
        return grads

    def output_factor(self, A, Y, m):
        return (A - Y) / m

    def weights(self, l, dZ, A):
        return dZ.T @ A

    def biases(self, l, dZ):
        return self.backend.xp.sum(dZ, axis=0)

    def penalty(self, l):
        return self.architecture.l2 * self.W[l]

    def inputs(self, l, dZ):
        return dZ @ self.W[l]

    def slope(self, xp, l, Z, A):
        return self.hidden[l - 1].slope(xp, Z, A)


class MissingOneOverM(Textbook):
    def output_factor(self, A, Y, m):
        return A - Y


class WrongSignAtTheOutput(Textbook):
    def output_factor(self, A, Y, m):
        return (Y - A) / m


class OutputSlopeTwice(Textbook):
    """σ' once more, though it has cancelled against the denominator of B3."""

    def output_factor(self, A, Y, m):
        return (A - Y) * A * (1 - A) / m


class HiddenSlopeTwice(Textbook):
    def slope(self, xp, l, Z, A):
        right = super().slope(xp, l, Z, A)
        return right * right if l == 1 else right


class HiddenSlopeForgotten(Textbook):
    def slope(self, xp, l, Z, A):
        return Z**0 if l == 1 else super().slope(xp, l, Z, A)


class ReluSlopeIsZ(Textbook):
    """z where z > 0, instead of 1."""

    def slope(self, xp, l, Z, A):
        return xp.maximum(Z, 0.0) if l == 2 else super().slope(xp, l, Z, A)


class InputsNotTransposed(Textbook):
    """The shapes fit, because layer 2 is square; what goes wrong is the layer below."""

    def inputs(self, l, dZ):
        return dZ @ self.W[l].T if l == 2 else super().inputs(l, dZ)


class WeightsNotTransposed(Textbook):
    def weights(self, l, dZ, A):
        return (dZ.T @ A).T if l == 2 else super().weights(l, dZ, A)


class BiasesNotSummed(Textbook):
    """The first example's, instead of the sum."""

    def biases(self, l, dZ):
        return dZ[0, :] if l == 2 else super().biases(l, dZ)


class BiasesAveraged(Textbook):
    """1/m once too often."""

    def biases(self, l, dZ):
        return super().biases(l, dZ) / dZ.shape[0] if l == 3 else super().biases(l, dZ)


class WrongSignOfWeights(Textbook):
    def weights(self, l, dZ, A):
        return -(dZ.T @ A) if l == 1 else super().weights(l, dZ, A)


class PenaltyForgotten(Textbook):
    def penalty(self, l):
        return 0.0 * self.W[l] if l == 2 else super().penalty(l)


class PenaltyForgottenEverywhere(Textbook):
    def penalty(self, l):
        return 0.0 * self.W[l]


class StaleActivation(Textbook):
    """dW[2] with the A[1] of an earlier batch."""

    def weights(self, l, dZ, A):
        if l == 2:
            earlier = self.backend.asarray(np.linspace(-1, 1, 12 * 3).reshape(12, 3), self.dtype)
            A = self.forward(earlier).A[1]
        return super().weights(l, dZ, A)


# Mistake → the layer to blame: the first wrong one on the way back.
MISTAKES = {
    MissingOneOverM: 3,
    WrongSignAtTheOutput: 3,
    OutputSlopeTwice: 3,
    HiddenSlopeTwice: 1,
    HiddenSlopeForgotten: 1,
    ReluSlopeIsZ: 2,
    InputsNotTransposed: 1,
    WeightsNotTransposed: 2,
    BiasesNotSummed: 2,
    BiasesAveraged: 3,
    WrongSignOfWeights: 1,
    PenaltyForgotten: 2,
    PenaltyForgottenEverywhere: 3,
    StaleActivation: 2,
}
# Mistakes that leave all other parameters right.
ALONE = {
    WeightsNotTransposed: "W[2]",
    BiasesNotSummed: "b[2]",
    BiasesAveraged: "b[3]",
    WrongSignOfWeights: "W[1]",
    PenaltyForgotten: "W[2]",
    StaleActivation: "W[2]",
}


def report_of(kind, backend, rng, sizes=(3, 5, 5, 2), hidden=("tanh", "relu")):
    net = kind(sizes, hidden, "sigmoid", seed=2, backend=backend, l2=0.05)
    X, Y = rng.standard_normal((12, 3)), rng.integers(2, size=(12, 2))
    return bp.check_gradients(net, X, Y)


def test_the_textbook_passes(backend, rng):
    assert report_of(Textbook, backend, rng).passed


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_caught_in_its_layer(backend, rng, mistake):
    report = report_of(mistake, backend, rng)
    assert not report.passed
    assert report.layer == MISTAKES[mistake], str(report)
    assert report.max_relative_error > 1e-2


@pytest.mark.parametrize("mistake", ALONE)
def test_a_mistake_is_caught_in_its_parameter(backend, rng, mistake):
    report = report_of(mistake, backend, rng)
    assert [line.name for line in report.lines if not line.passed] == [ALONE[mistake]]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_caught_along_random_directions(backend, rng, mistake):
    report = report_of(mistake, backend, rng, sizes=(3, 45, 45, 2))
    assert report.lines[0].checked == 20
    assert report.layer == MISTAKES[mistake], str(report)


@pytest.mark.parametrize("layer", [1, 2])
def test_a_wrong_slope_of_an_own_activation_is_caught_in_its_layer(backend, rng, layer):
    cube = bp.Activation("cube", lambda xp, z: z**3, lambda xp, z, a: 3 * z**2)
    wrong = bp.Activation("wrong cube", lambda xp, z: z**3, lambda xp, z, a: 2 * z**2)
    assert report_of(bp.Network, backend, rng, hidden=[cube, cube]).passed
    hidden = [wrong, cube] if layer == 1 else [cube, wrong]
    assert report_of(bp.Network, backend, rng, hidden=hidden).layer == layer
