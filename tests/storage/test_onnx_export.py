"""Networks in ONNX, run by onnxruntime."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from cases import HIDDEN, OUTPUTS, random_network

import backprop_xp as bp

onnx = pytest.importorskip("onnx")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.onnx"


def run(path, X):
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (A,) = session.run(None, {"X": X})
    return A


def relative_error(got, wanted):
    return np.max(np.abs(got - wanted) / np.maximum(np.abs(wanted), 1.0))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("output", OUTPUTS)
def test_every_activation(backend, rng, path, output, dtype):
    """Saturated units, values beyond e^100 and all: to 1e-5, in float64 (but for gelu) to 1e-12."""
    hidden = output if output in HIDDEN else "tanh"
    net = random_network(backend, rng, [4, 7, 3], hidden=hidden, output=output, dtype=dtype)
    X = np.concatenate([rng.normal(0, s, (20, 4)) for s in (0.01, 1, 10, 300)]).astype(dtype)
    net.to_onnx(path)
    got, wanted = run(path, X), backend.to_numpy(net.predict(backend.asarray(X)))
    assert got.dtype == wanted.dtype
    assert got.shape == wanted.shape
    assert np.isfinite(got).all()
    assert relative_error(got, wanted) < (
        1e-12 if dtype == "float64" and output != "gelu" else 1e-5
    )


@pytest.mark.parametrize("name", HIDDEN)
def test_activations_where_they_bend(path, name):
    """A single unit with W = 1, b = 0: the activation itself, around zero and far out."""
    net = bp.Network([1, 1], output=name, loss="squared_error", dtype="float64", backend="numpy")
    net.W[1], net.b[1] = np.ones((1, 1)), np.zeros(1)
    net.to_onnx(path)
    z = np.linspace(-30, 30, 601)[:, None]
    assert np.max(np.abs(run(path, z) - net.predict(z))) < (1e-5 if name == "gelu" else 1e-14)


def test_any_depth_and_any_number_of_rows(rng, path):
    hidden = ["relu", "gelu", "elu", "silu"]
    net = bp.Network([6, 5, 4, 3, 2, 3], hidden=hidden, output="softmax", backend="numpy")
    net.to_onnx(path)
    for rows in (1, 2, 100):
        X = rng.normal(size=(rows, 6)).astype("float32")
        assert relative_error(run(path, X), net.predict(X)) < 1e-5


def test_the_model_is_valid_and_says_what_it_is(path):
    bp.Network([6, 5, 3], output="softmax", backend="numpy").to_onnx(path)
    onnx.checker.check_model(str(path), full_check=True)
    model = onnx.load(path)
    assert (model.producer_name, model.producer_version) == ("backprop_xp", bp.__version__)
    shapes = {
        value.name: [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }
    assert shapes == {"X": ["rows", 6], "A": ["rows", 3]}
    assert {"W[1]", "b[1]", "W[2]", "b[2]"} <= {c.name for c in model.graph.initializer}


def test_the_weights_are_those_of_the_moment(path, rng):
    net = bp.Network([2, 3, 1], backend="numpy", dtype="float64")
    X = rng.normal(size=(8, 2))
    net.to_onnx(path)
    before = net.predict(X)
    bp.fit(net, X, [0, 1] * 4, epochs=5, progress=False)
    assert relative_error(run(path, X), before) < 1e-12
    net.to_onnx(path)  # in the place of the old one
    assert relative_error(run(path, X), net.predict(X)) < 1e-12


@pytest.mark.parametrize("name", ["cube", "tanh"])
def test_an_own_activation_is_refused(path, name):
    own = bp.Activation(name, lambda xp, z: z**3, lambda xp, z, a: 3 * z**2)
    net = bp.Network([2, 3, 1], hidden=own, backend="numpy")
    with pytest.raises(bp.ConfigurationError, match=f"no activation of your own, '{name}'"):
        net.to_onnx(path)
    assert not path.exists()


def test_a_stack_is_refused_and_its_networks_are_not(path, rng):
    net = bp.Network([2, 3, 1], backend="numpy")
    stack = net.with_theta(rng.normal(size=(4, 13)).astype("float32"))
    with pytest.raises(bp.ConfigurationError, match=r"a stack of networks of the shape \(4,\)"):
        stack.to_onnx(path)
    one = net.with_theta(stack.theta[0, :])
    one.to_onnx(path)
    X = rng.normal(size=(5, 2)).astype("float32")
    assert relative_error(run(path, X), one.predict(X)) < 1e-5


def test_places_that_cannot_be_written_to(tmp_path):
    net = bp.Network([2, 1], backend="numpy")
    with pytest.raises(bp.CheckpointError, match="there is no directory"):
        net.to_onnx(tmp_path / "no" / "model.onnx")
    with pytest.raises(bp.ConfigurationError, match="expected the name of a file"):
        net.to_onnx(3)


def test_networks_beyond_the_format_are_refused(path, monkeypatch):
    monkeypatch.setattr("backprop_xp.storage.onnx_export._LARGEST", 51)
    net = bp.Network([2, 3, 1], backend="numpy")
    with pytest.raises(bp.CheckpointError, match="52 bytes are too many for ONNX"):
        net.to_onnx(path)


def test_without_onnx_the_extra_is_named(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(bp.ConfigurationError, match=r'pip install "backprop-xp\[onnx\]"'):
        bp.Network([2, 1], backend="numpy").to_onnx(path)
