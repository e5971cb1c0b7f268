"""B3, B2 and their product where the output saturates: a factor may be infinite, never NaN."""

from __future__ import annotations

import numpy as np
import pytest

import backprop_xp as bp

X4 = np.array([[0.1, 0.2], [0.1, 0.9], [0.8, 0.2], [0.9, 0.8]])


def saturated(bias, output="sigmoid", loss=None):
    net = bp.Network([2, 3, 2], output=output, loss=loss, backend="numpy")
    net.b[2] = np.array(bias, dtype=np.float32)
    return net


def test_an_infinite_factor_is_told_and_its_product_is_the_limit():
    """A[2] is 1 to the last bit: (A−Y)/(A(1−A)) is 1/0 where Y = 0, and 0/0 where Y = 1."""
    Y = np.array([[0, 1], [1, 1], [0, 0], [1, 0]])
    explained = bp.explain(saturated([80, 80]), X4, Y)
    B3 = explained["dJ/dA[2]"]
    np.testing.assert_allclose(B3.value, np.where(Y == 0, np.inf, -0.25), rtol=1e-12)
    assert B3.note.startswith("infinite in 4 of 8 entries")
    assert np.array_equal(explained["dA[2]/dZ[2]"].value, np.zeros((4, 2)))
    assert np.array_equal(explained["dJ/dZ[2]"].value, np.where(Y == 0, 0.25, 0.0))
    assert explained["dJ/dZ[2]"].note.startswith("4 of 8 entries would be ∞ · 0")
    assert explained.report.passed
    text = str(explained)
    assert "∞" in text
    assert "nan" not in text


def test_the_other_end_of_sigmoid():
    Y = np.array([[0, 1], [1, 1], [0, 0], [1, 0]])
    explained = bp.explain(saturated([-800, -800]), X4, Y)
    B3 = explained["dJ/dA[2]"].value
    np.testing.assert_allclose(B3, np.where(Y == 1, -np.inf, 0.25), rtol=1e-12)
    assert np.array_equal(explained["dJ/dZ[2]"].value, np.where(Y == 1, -0.25, 0.0))


@pytest.mark.parametrize("loss", ["cross_entropy", "poisson"])
def test_a_saturated_softmax(loss):
    explained = bp.explain(saturated([0, 2000], "softmax", loss), X4, [0, 1, 1, 0])
    assert np.array_equal(np.isinf(explained["dJ/dA[2]"].value[:, 0]), [True, False, False, True])
    assert np.isfinite(explained["dJ/dZ[2]"].value).all()
    np.testing.assert_allclose(explained["dJ/dZ[2]"].value[0], [-0.25, 0.25])
    assert explained.backward_error == 0
    assert explained.report.passed


def test_too_many_jacobians():
    net = bp.Network([2, 300], output="softmax", backend="numpy")
    with pytest.raises(bp.ShapeError, match="300 × 300 for each of the 200 examples"):
        bp.explain(net, np.ones((200, 2)), np.arange(200))
