"""Without nvmath-python CuPy's backend works step by step, and says what is lost."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.backends import survey


@pytest.fixture
def without_nvmath(cupy_backend, monkeypatch, caplog):
    """A backend that was made where nvmath is not installed."""
    monkeypatch.delitem(sys.modules, "backprop_xp.backends.cublas", raising=False)
    monkeypatch.setitem(sys.modules, "nvmath.bindings", None)
    backend = type(cupy_backend)()
    assert len(caplog.records) == 1
    assert "nvmath-python fails" in caplog.records[0].message
    return backend


def test_it_trains_as_it_does_with_it(without_nvmath, cupy_backend, rng, caplog):
    X, Y = rng.standard_normal((30, 4)), rng.integers(2, size=30)
    thetas, losses = [], []
    for backend in (without_nvmath, cupy_backend):
        net = bp.Network([4, 8, 1], seed=0, backend=backend)
        losses.append(bp.fit(net, X, Y, epochs=3, batch_size=7).loss)
        step = bp.train_step(net, bp.Adam(1e-2))
        for _ in range(3):
            step(*(backend.asarray(a, "float32") for a in (X, Y)))
        thetas.append(backend.to_numpy(net.theta))
    assert np.allclose(*losses, rtol=1e-5)
    assert np.allclose(*thetas, rtol=1e-4, atol=1e-6)
    assert not caplog.records  # it was said when the backend was made


def test_backends_says_what_is_lost(without_nvmath, monkeypatch):
    monkeypatch.setattr("backprop_xp.backends._load", lambda name: without_nvmath)
    (line,) = {status.detail for status in survey()}
    assert "not replayed as CUDA graphs, since nvmath-python fails" in line
