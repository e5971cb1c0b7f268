"""Φ and φ against Python's math module."""

from __future__ import annotations

import math

import numpy as np
import pytest

from backprop_xp.maths.special import normal_cdf, normal_density


def cdf(z):
    return 0.5 * math.erfc(-z * math.sqrt(0.5))


@pytest.mark.parametrize(
    ("low", "high"), [(-5.0, 9.0), (-20.0, -5.0), (-37.0, -20.0)], ids=["body", "tail", "far tail"]
)
def test_normal_cdf(backend, low, high):
    z = np.linspace(low, high, 2001)
    got = backend.to_numpy(normal_cdf(backend.xp, backend.asarray(z)))
    wanted = np.array([cdf(x) for x in z])
    # Rounding z²/2 alone changes e^(−z²/2) by up to z²/2 units in the last place.
    tolerance = 1e-14 + 0.5 * z * z * np.finfo(float).eps
    assert np.max(np.abs(got - wanted) / wanted / tolerance) < 1.0


def test_normal_cdf_is_symmetric(backend):
    z = np.linspace(0.0, 9.0, 91)
    lower, upper = (backend.to_numpy(normal_cdf(backend.xp, backend.asarray(x))) for x in (-z, z))
    np.testing.assert_allclose(lower + upper, 1.0, rtol=1e-15)
    assert lower[0] == pytest.approx(0.5, rel=1e-15)


def test_normal_cdf_in_float32(backend):
    z = np.linspace(-12.0, 6.0, 500).astype("float32")
    got = backend.to_numpy(normal_cdf(backend.xp, backend.asarray(z)))
    assert got.dtype == "float32"
    np.testing.assert_allclose(got, [cdf(float(x)) for x in z], rtol=2e-5)


def test_normal_density(backend):
    z = np.linspace(-30.0, 30.0, 601)
    got = backend.to_numpy(normal_density(backend.xp, backend.asarray(z)))
    wanted = [math.exp(-x * x / 2) / math.sqrt(2 * math.pi) for x in z]
    np.testing.assert_allclose(got, wanted, rtol=1e-13)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_limits(backend, dtype):
    z = backend.asarray([-3e38, -1e4, 1e4, 3e38], dtype)
    cdf_limits = backend.to_numpy(normal_cdf(backend.xp, z))
    np.testing.assert_array_equal(cdf_limits, [0.0, 0.0, 1.0, 1.0])
    np.testing.assert_array_equal(backend.to_numpy(normal_density(backend.xp, z)), 0.0)
