"""The same seed is the same run on every backend, against NumPy's."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from cases import OPTIMIZERS, optimizer_id

import backprop_xp as bp
from backprop_xp.data.batches import Batches
from backprop_xp.data.rows import DeviceRows
from backprop_xp.maths.initializers import INITIALIZERS

# A GPU adds up in another order than a CPU.
TOLERANCE = {"numpy": 0.0, "numba": 1e-12, "strict": 1e-12, "cupy": 1e-9}


def bits(backend, array):
    return backend.to_numpy(array).tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("initializer", [None, *INITIALIZERS])
def test_initial_theta_is_bit_identical(backend, initializer, dtype):
    def theta(where):
        options = {"initializer": initializer, "dtype": dtype, "backend": where}
        net = bp.Network([5, 4, 4, 3], ["relu", "tanh"], "softmax", seed=11, **options)
        return bits(net.backend, net.theta)

    assert theta(backend) == theta("numpy")


@pytest.mark.parametrize("batch_size", [1, 4, 7, 23, 24, None])
def test_batches_are_bit_identical(backend, batch_size):
    X = np.random.default_rng(0).normal(size=(23, 3)).astype("float32")
    Y = np.arange(23.0, dtype="float32")[:, None]

    def passes(where):
        X_, Y_ = (DeviceRows(where, where.asarray(part)) for part in (X, Y))
        batches = Batches(where, X_, Y_, batch_size, np.random.default_rng(7))
        return [
            (bits(where, x), bits(where, y)) for _ in range(3) for x, y in batches.epoch().batches()
        ]

    assert passes(backend) == passes(bp.get_backend("numpy"))


def train(where, optimizer, output, dtype):
    rng = np.random.default_rng(3)
    X, classes = rng.normal(size=(40, 6)), rng.integers(0, 3, 40)
    Y = np.eye(3)[classes]
    options = {"seed": 5, "dtype": dtype, "backend": where}
    net = bp.Network([6, 8, 5, 3], ["tanh", "gelu"], output, **options)
    step = bp.train_step(net, copy.copy(optimizer))
    backend = net.backend
    X, Y = (DeviceRows(backend, backend.asarray(part)) for part in (X, Y))
    batches = Batches(backend, X, Y, 8, np.random.default_rng(9))
    J = [float(step(x, y)) for _ in range(10) for x, y in batches.epoch().batches()]  # 10 × 5 steps
    assert len(J) == 50
    assert np.mean(J[-5:]) < np.mean(J[:5])
    return J, backend.to_numpy(net.theta)


@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=optimizer_id)
def test_50_steps_agree(backend, optimizer, output):
    J, theta = train(backend, optimizer, output, "float64")
    wanted_J, wanted_theta = train("numpy", optimizer, output, "float64")
    tolerance = TOLERANCE[backend.name]
    np.testing.assert_allclose(theta, wanted_theta, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(J, wanted_J, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
def test_50_steps_agree_in_float32(backend, output):
    _, theta = train(backend, bp.Adam(0.01), output, "float32")
    _, wanted = train("numpy", bp.Adam(0.01), output, "float32")
    np.testing.assert_allclose(theta, wanted, rtol=1e-3, atol=1e-4)
