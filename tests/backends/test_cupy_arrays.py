"""Arrays on the GPU of other libraries are taken as they are; those of another GPU are refused."""

from __future__ import annotations

import numpy as np
import pytest

import backprop_xp as bp

cupy = pytest.importorskip("cupy")


class Foreign:
    """What another library's array on the GPU shows of itself: torch.Tensor, numba's arrays …"""

    def __init__(self, array):
        self._array = array

    @property
    def __cuda_array_interface__(self):
        return self._array.__cuda_array_interface__


@pytest.fixture
def data(cupy_backend, rng):
    X, Y = rng.standard_normal((12, 3)), rng.integers(2, size=12).astype("float64")
    return X, Y, cupy.asarray(X), cupy.asarray(Y)


def calls(net, X, Y, weights):
    """Every entry point, as a function of nothing that returns something on the host."""
    to_numpy, step = net.backend.to_numpy, bp.train_step(net, bp.SGD(0.1))

    def fitted(**options):
        options = {"epochs": 2, "batch_size": 5, "optimizer": bp.SGD(0.1)} | options
        return bp.fit(net, X, Y, sample_weight=weights, **options).loss

    return {
        "forward": lambda: to_numpy(net.forward(X).A[-1]),
        "predict": lambda: to_numpy(net.predict(X)),
        "cost": lambda: to_numpy(net.cost(net.forward(X), Y, weights)),
        "backward": lambda: to_numpy(net.backward(net.forward(X), Y, weights).theta),
        "step": lambda: to_numpy(step(X, Y, weights)),
        "fit": fitted,
        "validation": lambda: fitted(validation_data=(X, Y)),
        "gradients": lambda: bp.check_gradients(net, X, Y).max_relative_error < 1e-6,
        "population": lambda: to_numpy(bp.Network([3, 4, 1], members=2, backend="cupy").predict(X)),
        "cross-validation": lambda: bp.cross_validate([3, 1], X, Y, folds=2, epochs=1).columns,
        "theta": lambda: to_numpy(net.with_theta(net.theta).theta),
    }


ENTRY_POINTS = [
    "forward", "predict", "cost", "backward", "step", "fit", "validation", "gradients",
    "population", "cross-validation",
]  # fmt: skip


@pytest.mark.parametrize("entry", ENTRY_POINTS)
def test_arrays_of_other_libraries_are_taken(cupy_backend, data, monkeypatch, entry):
    monkeypatch.setenv("BACKEND", "cupy")
    X, Y = data[2:]
    weights = cupy.linspace(0.5, 1.0, 12)
    results = []
    for wrap in (lambda array: array, Foreign):
        net = bp.Network([3, 4, 1], seed=0, backend=cupy_backend)
        results.append(calls(net, wrap(X), wrap(Y), wrap(weights))[entry]())
    assert repr(results[0]) == repr(results[1])


def test_nothing_is_copied(cupy_backend, data):
    array = cupy_backend.asarray(Foreign(data[2]))
    assert type(array) is cupy.ndarray
    assert array.data.ptr == data[2].data.ptr


@pytest.fixture
def another_gpu(cupy_backend, monkeypatch):
    """The backend believes to be on a second GPU, so that all arrays are on the wrong one."""

    def believe():
        monkeypatch.setattr(cupy_backend, "device", Second())

    class Second:
        id = 1

        def __eq__(self, other):
            return False

        __hash__ = None

    return believe


@pytest.mark.parametrize("entry", ENTRY_POINTS[:7])
def test_arrays_of_another_gpu_are_refused(cupy_backend, data, another_gpu, entry):
    net = bp.Network([3, 4, 1], seed=0, dtype="float64", backend=cupy_backend)
    before = cupy_backend.to_numpy(net.theta).copy()
    listed = calls(net, data[2], data[3][:, None], None)
    another_gpu()
    with pytest.raises(bp.BackendError, match=r"X is on GPU 0, but this backend is on GPU 1"):
        listed[entry]()
    assert np.array_equal(cupy_backend.to_numpy(net.theta), before)


@pytest.mark.parametrize("entry", ["forward", "predict", "cost", "backward", "step"])
def test_numpy_and_cupy_are_not_mixed(cupy_backend, data, entry):
    net = bp.Network([3, 4, 1], seed=0, backend=cupy_backend)
    X, Y, on_gpu, _ = data
    mixed = (on_gpu, Y) if entry in ("cost", "backward") else (X, Y)
    with pytest.raises(bp.BackendError, match="is an array of numpy, but this backend is cupy"):
        calls(net, *mixed, None)[entry]()


def test_cupy_is_refused_on_numpy(cupy_backend, data):
    net = bp.Network([3, 4, 1], seed=0, backend="numpy")
    for entry in ("forward", "predict", "step", "fit"):
        with pytest.raises(bp.BackendError, match="is an array of cupy, but this backend is numpy"):
            calls(net, data[2], data[3], None)[entry]()
