"""I0: the distributions of W at the start."""

from __future__ import annotations

import math

import numpy as np
import pytest
from cases import HIDDEN

import backprop_xp as bp
from backprop_xp.maths.initializers import INITIALIZERS, get_initializer

FAN_IN, FAN_OUT = 300, 200

# name → (variance, bound of |W|), from the papers
TRUTH = {
    "glorot_uniform": (2 / (FAN_IN + FAN_OUT), math.sqrt(6 / (FAN_IN + FAN_OUT))),
    "glorot_normal": (2 / (FAN_IN + FAN_OUT), math.inf),
    "he_uniform": (2 / FAN_IN, math.sqrt(6 / FAN_IN)),
    "he_normal": (2 / FAN_IN, math.inf),
    "lecun_normal": (1 / FAN_IN, math.inf),
}


def test_the_table_is_the_documented_one():
    assert tuple(INITIALIZERS) == tuple(TRUTH)


@pytest.mark.parametrize("name", TRUTH)
def test_distribution(backend, name):
    net = bp.Network([FAN_IN, FAN_OUT], initializer=name, backend=backend)
    W = backend.to_numpy(net.W[1]).astype("float64")
    variance, bound = TRUTH[name]
    n = W.size
    assert W.shape == (FAN_OUT, FAN_IN)
    assert abs(W.mean()) < 4 * math.sqrt(variance / n)
    assert W.var() == pytest.approx(variance, rel=4 * math.sqrt(2 / n))
    inside = np.mean(np.abs(W) < math.sqrt(variance))  # 68 % of a normal, 58 % of a uniform one
    assert inside == pytest.approx(0.6827 if bound == math.inf else 1 / math.sqrt(3), abs=0.01)
    assert np.max(np.abs(W)) <= bound * (1 + 1e-6)
    assert not np.any(backend.to_numpy(net.b[1]))


@pytest.mark.parametrize("activation", [*HIDDEN, "own"])
def test_default_suits_the_activation(activation):
    relu_kin = ("relu", "leaky_relu", "elu", "gelu", "silu", "softplus")
    wanted = "he_normal" if activation in relu_kin else "glorot_uniform"
    assert get_initializer(None, activation) is INITIALIZERS[wanted]


def test_each_layer_has_its_default():
    """Layer by layer from one stream: relu's W[1], then the W[2] of a sigmoid output."""
    net = bp.Network([5, 4, 3], "relu", seed=8, dtype="float64", backend="numpy")
    rng = np.random.default_rng(8)
    np.testing.assert_array_equal(net.W[1], rng.normal(0.0, math.sqrt(2 / 5), (4, 5)))
    bound = math.sqrt(6 / 7)
    np.testing.assert_array_equal(net.W[2], rng.uniform(-bound, bound, (3, 4)))


def test_seed(backend):
    def theta(seed):
        net = bp.Network([4, 3, 2], seed=seed, backend=backend)
        return backend.to_numpy(net.theta).copy()

    np.testing.assert_array_equal(theta(5), theta(5))
    np.testing.assert_array_equal(theta(5), theta(np.random.default_rng(5)))
    assert not np.array_equal(theta(5), theta(6))
    shared = np.random.default_rng(5)
    assert not np.array_equal(theta(shared), theta(shared))  # the stream goes on


@pytest.mark.parametrize("wrong", ["glorot", "", 3, ["he_normal"]])
def test_unknown_initializer(wrong):
    with pytest.raises(bp.ConfigurationError, match=r"The choices are: glorot_uniform, .*"):
        bp.Network([2, 1], initializer=wrong, backend="numpy")


@pytest.mark.parametrize("wrong", [-1, 1.5, "0", True])
def test_bad_seed(wrong):
    with pytest.raises(bp.ConfigurationError, match="expected an integer ≥ 0"):
        bp.Network([2, 1], seed=wrong, backend="numpy")
