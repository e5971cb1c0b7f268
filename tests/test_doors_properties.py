"""X and Y at the doors, drawn by Hypothesis: any shape, any place of a bad value, any stride."""

from __future__ import annotations

import numpy as np
import pytest

import backprop_xp as bp

pytest.importorskip("hypothesis")

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

# The backends keep nothing from one example to the next, so one fixture serves them all.
drawn = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
NUMBERS = st.floats(-4, 4, width=32)
ROWS = st.integers(1, 7)


def theta_of(net):
    return net.backend.to_numpy(net.theta).copy()


def stepped(net, X, Y):
    """θ after one step, or None if the step was refused and has left θ alone, bit by bit."""
    before = theta_of(net)
    try:
        bp.train_step(net, bp.SGD(0.1))(net.backend.asarray(X), net.backend.asarray(Y))
    except bp.BackpropError:
        assert np.array_equal(theta_of(net), before)
        return None
    return theta_of(net)


@drawn
@given(shape=SHAPES)
def test_any_shape_of_x(backend, shape):
    fits = len(shape) == 2 and shape[0] > 0 and shape[1] == 3
    net = bp.Network([3, 4, 1], backend=backend)
    X = backend.asarray(np.ones(shape, "f4"))
    if fits:
        assert net.predict(X).shape == (shape[0], 1)
        assert stepped(net, X, np.zeros(shape[0])) is not None
    else:
        with pytest.raises(bp.ShapeError, match="X has"):
            net.predict(X)
        assert stepped(net, X, np.zeros(shape[0] if shape else 1)) is None


@drawn
@given(shape=SHAPES, rows=ROWS, outputs=st.integers(1, 3))
def test_any_shape_of_y(backend, shape, rows, outputs):
    """(m, n_L), and (m,) for one output; above all (m, 1) never meets (m,) to make (m, m)."""
    fits = shape == (rows, outputs) or (outputs == 1 and shape == (rows,))
    net = bp.Network([3, 4, outputs], output="identity", backend=backend)
    X = np.ones((rows, 3), "f4")
    assert (stepped(net, X, np.ones(shape, "f4")) is not None) == fits
    trace = net.forward(backend.asarray(X))
    if fits:
        assert net.cost(trace, backend.asarray(np.ones(shape))).shape == ()
    else:
        with pytest.raises(bp.ShapeError, match="Y has"):
            net.cost(trace, backend.asarray(np.ones(shape)))


@drawn
@given(labels=st.lists(st.integers(-1, 4), min_size=1, max_size=8), column=st.booleans())
def test_any_labels(backend, labels, column):
    """Labels in range are one-hot rows; the first that is not is named and nothing trained."""
    net = bp.Network([2, 4], output="softmax", backend=backend)
    before = theta_of(net)
    X = np.linspace(-1, 1, 2 * len(labels)).reshape(-1, 2)
    Y = np.array(labels)[:, None] if column else np.array(labels)
    wrong = [i for i, label in enumerate(labels) if not 0 <= label < 4]
    if wrong:
        with pytest.raises(bp.DataError, match=rf"^Y\[{wrong[0]}\] is {labels[wrong[0]]}, but"):
            bp.fit(net, X, Y, epochs=1)
        assert np.array_equal(theta_of(net), before)
    else:
        twin = bp.Network([2, 4], output="softmax", backend=backend)
        assert bp.fit(net, X, Y, epochs=1).loss == bp.fit(twin, X, np.eye(4)[labels], epochs=1).loss
        assert np.array_equal(theta_of(net), theta_of(twin))


@drawn
@given(data=st.data(), rows=ROWS, bad=st.sampled_from([np.nan, np.inf, -np.inf]))
def test_any_place_of_a_bad_value(backend, data, rows, bad):
    i, k = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, 2))
    X, Y = np.ones((rows, 3)), np.ones((rows, 3))
    data.draw(st.sampled_from([X, Y]), label="where")[i, k] = bad
    name = "X" if not np.isfinite(X).all() else "Y"
    net = bp.Network([3, 3], output="identity", backend=backend)
    before = theta_of(net)
    for train in (bp.fit, bp.check_gradients):
        with pytest.raises(bp.DataError, match=rf"^{name}\[{i}, {k}\] = {bad} is not finite"):
            train(net, X, Y)
    assert np.array_equal(theta_of(net), before)


@drawn
@given(
    data=st.data(),
    X=hnp.arrays("f4", st.tuples(st.integers(4, 9), st.integers(3, 9)), elements=NUMBERS),
)
def test_any_view_of_x(backend, data, X):
    """Slices with any stride, backwards too, and transposes give what their copies give."""
    view = X.T if data.draw(st.booleans(), label="transposed") else X
    view = view[data.draw(st.slices(view.shape[0])), data.draw(st.slices(view.shape[1]))]
    if 0 in view.shape:
        return
    net = bp.Network([view.shape[1], 4, 1], backend=backend)
    twin = bp.Network([view.shape[1], 4, 1], backend=backend)
    Y = np.arange(view.shape[0]) % 2
    assert np.allclose(stepped(net, view, Y), stepped(twin, view.copy(), Y), rtol=1e-5, atol=1e-6)


@drawn
@given(
    X=hnp.arrays("f8", (3, 2), elements=st.sampled_from([0, 0.5, 1, -2, 3, 1e300, np.inf, np.nan])),
    given_dtype=st.sampled_from(["?", "i1", "u2", "i8", "f2", "f4", "f8"]),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_any_dtype_of_x(backend, X, given_dtype, dtype):
    """fit converts to the dtype of the network, and trains if the values are finite in it."""
    with np.errstate(all="ignore"):
        X = X.astype(given_dtype)
        converted = X.astype(dtype)
    net, twin = (bp.Network([2, 3, 1], dtype=dtype, backend=backend) for _ in range(2))
    Y = [0, 1, 1]
    if not np.isfinite(converted).all():
        with pytest.raises(bp.DataError, match="is not finite in"):
            bp.fit(net, X, Y, epochs=1)
    elif np.abs(converted).max() < 1e18:  # larger ones are numbers, but training would overflow
        assert bp.fit(net, X, Y, epochs=1).loss == bp.fit(twin, converted, Y, epochs=1).loss
        assert net.theta.dtype == getattr(backend.xp, dtype)
