"""predict: the output of forward, whole or in parts, with nothing kept in between."""

from __future__ import annotations

import numpy as np
import pytest
from cases import HIDDEN

import backprop_xp as bp
from backprop_xp.maths import prediction


@pytest.mark.parametrize("g", [*HIDDEN, "softmax"])
def test_predict_is_the_last_layer_of_forward(backend, rng, g):
    hidden = "relu" if g == "softmax" else g
    net = bp.Network([4, 5, 6, 3], hidden, g, "squared_error", dtype="float64", backend=backend)
    X = backend.asarray(rng.normal(size=(7, 4)))
    A, whole = backend.to_numpy(net.predict(X)), backend.to_numpy(net.forward(X).A[-1])
    np.testing.assert_array_equal(A, whole)


@pytest.mark.parametrize("stack", [(), (3,)])
@pytest.mark.parametrize("rows", [256, 257, 700])
def test_many_rows_are_predicted_in_parts(backend, rng, monkeypatch, stack, rows):
    one = bp.Network([4, 5, 3], output="softmax", dtype="float64", backend=backend)
    net = one.with_theta(backend.asarray(rng.normal(size=(*stack, *one.theta.shape))))
    X = backend.asarray(rng.normal(size=(rows, 4)))
    whole = backend.to_numpy(net.predict(X))
    monkeypatch.setattr(type(backend), "layer_elements", 1)
    seen = []
    outputs = prediction._outputs

    def counted(net, part, own_forward):
        seen.append(part.shape[0])
        return outputs(net, part, own_forward)

    monkeypatch.setattr(prediction, "_outputs", counted)
    parts = backend.to_numpy(net.predict(X))
    assert max(seen) == 256
    assert sum(seen) == rows
    np.testing.assert_allclose(parts, whole, rtol=1e-14)
