"""X and Y at every door: they work as documented, or are refused before any weight has changed."""

from __future__ import annotations

import numpy as np
import pytest

import backprop_xp as bp

M = 6  # rows of the good data

NETWORKS = {
    "sigmoid": ([3, 4, 1], "sigmoid", None),
    "softmax": ([3, 4, 3], "softmax", None),
    "softmax, squared": ([3, 4, 3], "softmax", "squared_error"),
    "identity": ([3, 4, 2], "identity", None),
    "counts": ([3, 4, 2], "softplus", "poisson"),
}
GOOD_Y = {
    "sigmoid": np.array([0, 1, 1, 0, 1, 0]),
    "softmax": np.array([0, 2, 1, 0, 1, 2]),
    "softmax, squared": np.array([0, 2, 1, 0, 1, 2]),
    "identity": np.linspace(-2, 2, 2 * M).reshape(M, 2),
    "counts": np.arange(2 * M).reshape(M, 2) % 5,
}
X_DOORS = ["forward", "predict", "step", "fit", "validation", "check"]
Y_DOORS = ["cost", "backward", "step", "fit", "validation", "check"]
# Looking at values would wait for the device: only these do.
VALUE_DOORS = ["fit", "validation", "check"]


def good_x():
    """Halves, which every dtype but the integers holds exactly."""
    return np.random.default_rng(1).integers(-6, 7, (M, 3)) / 2


def network(kind, backend, dtype="float32"):
    sizes, output, loss = NETWORKS[kind]
    return bp.Network(sizes, "tanh", output, loss, dtype=dtype, backend=backend)


def on(backend, x):
    """Numbers as an array of the backend, as forward and step want them; others as lists."""
    if isinstance(x, np.ndarray):
        return backend.asarray(x) if x.dtype.kind in "fiub" else x.tolist()
    return x


def enter(door, net, X, Y):
    """Hand X and Y to a door."""
    if door == "fit":
        return bp.fit(net, X, Y, epochs=1, batch_size=4)
    if door == "validation":
        kind_y = np.zeros((M, net.sizes[-1]))
        kind_y[:, 0] = 1.0
        return bp.fit(net, good_x(), kind_y, epochs=1, validation_data=(X, Y))
    if door == "check":
        return bp.check_gradients(net, X, Y)
    X, Y = on(net.backend, X), on(net.backend, Y)
    if door in ("forward", "predict"):
        return getattr(net, door)(X)
    if door == "step":
        return bp.train_step(net, bp.SGD(0.1))(X, Y)
    return getattr(net, door)(net.forward(X), Y)


def refused(net, door, X, Y, error, message):
    """The error comes, and θ is what it was, bit by bit."""
    before = net.backend.to_numpy(net.theta).tobytes()
    with pytest.raises(error, match=message):
        enter(door, net, X, Y)
    assert net.backend.to_numpy(net.theta).tobytes() == before


# -- what does not fit, at every door ----------------------------------------------------------


@pytest.mark.parametrize("door", X_DOORS)
@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.ones(3), bp.ShapeError, r"X has the shape \(3,\); expected \(m, 3\).*X\[None, :\]"),
        (np.ones(4), bp.ShapeError, r"X has the shape \(4,\); expected \(m, 3\), examples as row"),
        (1.0, bp.ShapeError, r"X has the shape \(\); expected \(m, 3\)"),
        (np.ones((1, M, 3)), bp.ShapeError, r"X has the shape \(1, 6, 3\); expected \(m, 3\)"),
        (np.ones((M, 4)), bp.ShapeError, r"X has 4 features .* but the network takes 3"),
        (np.ones((3, M)), bp.ShapeError, r"X has 6 features .* but the network takes 3"),
        (np.ones((M, 0)), bp.ShapeError, r"X has 0 features"),
        (np.ones((0, 3)), bp.ShapeError, r"X has no rows"),
        ([], bp.ShapeError, r"X has the shape \(0,\)"),
        ([[1.0, 2.0], [3.0]], bp.DataError, "X: not an array of numbers"),
        (np.full((M, 3), "a"), bp.DataError, "X: not real numbers but text"),
        (np.full((M, 3), None), bp.DataError, "X: not real numbers but Python objects"),
        (np.full((M, 3), 1j), bp.DataError, "X: not real numbers but complex"),
        (None, bp.DataError, "X: not real numbers but Python objects"),
    ],
)
def test_x_that_does_not_fit(backend, door, X, error, message):
    refused(network("sigmoid", backend), door, X, GOOD_Y["sigmoid"], error, message)


@pytest.mark.parametrize("door", Y_DOORS)
@pytest.mark.parametrize(
    ("kind", "Y", "error", "message"),
    [
        ("sigmoid", np.ones(M + 1), bp.ShapeError, r"Y has 7 rows .* X has 6"),
        ("sigmoid", np.ones((1, M)), bp.ShapeError, r"\(1, 6\); expected \(6, 1\) or \(6,\)"),
        ("sigmoid", np.ones((M, 2)), bp.ShapeError, r"\(6, 2\); expected \(6, 1\) or \(6,\)"),
        ("sigmoid", np.ones((M, 1, 1)), bp.ShapeError, r"Y has the shape \(6, 1, 1\)"),
        ("sigmoid", np.ones(0), bp.ShapeError, r"Y has 0 rows"),
        ("sigmoid", 1.0, bp.ShapeError, r"Y has the shape \(\); expected \(6, 1\) or \(6,\)"),
        ("sigmoid", None, bp.DataError, "Y: not real numbers but Python objects"),
        ("sigmoid", ["yes", "no"] * 3, bp.DataError, "Y: .* text.*number classes 0, 1, 2"),
        ("sigmoid", [[0], [1, 2]], bp.DataError, "Y: not an array of numbers"),
        ("sigmoid", np.full(M, 1j), bp.DataError, "Y: not real numbers but complex"),
        ("identity", np.ones(M), bp.ShapeError, r"Y has the shape \(6,\); expected \(6, 2\)$"),
        ("identity", np.ones((M, 1)), bp.ShapeError, r"\(6, 1\); expected \(6, 2\)$"),
        ("identity", np.ones((2, M)), bp.ShapeError, r"\(2, 6\); expected \(6, 2\)$"),
        ("softmax", np.ones((M, 2)), bp.ShapeError, r"\(6, 3\) or \(6,\) with integer class"),
        ("softmax", np.zeros(M + 1, int), bp.ShapeError, r"Y has 7 rows"),
        ("softmax", np.zeros(M), bp.DataError, r"must be integers 0 … 2.*Y\.astype\(int\)"),
        ("softmax", np.zeros((M, 1)), bp.DataError, r"must be integers 0 … 2.*one-hot rows"),
        ("softmax", list("abcabc"), bp.DataError, r"Y: .* text.*numpy\.unique"),
    ],
)
def test_y_that_does_not_fit(backend, door, kind, Y, error, message):
    refused(network(kind, backend), door, good_x(), Y, error, message)


# -- values, where they are looked at ----------------------------------------------------------


@pytest.mark.parametrize("door", VALUE_DOORS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_x_that_is_not_finite(backend, door, value):
    X = good_x()
    X[4, 1] = value
    message = rf"X\[4, 1\] = {value} is not finite.* drop or replace"
    refused(network("sigmoid", backend), door, X, GOOD_Y["sigmoid"], bp.DataError, message)
    X[5] = value
    message = r"X\[4, 1\] .*\(4 such values in all\)"
    refused(network("sigmoid", backend), door, X, GOOD_Y["sigmoid"], bp.DataError, message)


@pytest.mark.parametrize("door", ["fit", "validation"])
def test_values_that_overflow_float32(backend, door):
    X, Y = good_x(), np.zeros((M, 2))
    X[2, 0] = 1e300
    message = r"X\[2, 0\] = inf is not finite in float32"
    refused(network("identity", backend), door, X, Y, bp.DataError, message)
    Y[3, 1] = -1e300
    message = r"Y\[3, 1\] = -inf is not finite in float32"
    refused(network("identity", backend), door, good_x(), Y, bp.DataError, message)


def bad_rows(row):
    """Good one-hot rows but for the last."""
    return [*np.eye(3)[[0, 2, 1, 0, 1]].tolist(), row]


@pytest.mark.parametrize("door", VALUE_DOORS)
@pytest.mark.parametrize(
    ("kind", "Y", "message"),
    [
        ("sigmoid", [0, 1, 1, 0, 1, 1.5], r"Y\[5, 0\] = 1\.5 is outside \[0, 1\]"),
        ("sigmoid", [0, -1, 1, -1, 1, 1], r"Y\[1, 0\] = -1 is outside .*\(2 such values in all\)"),
        ("sigmoid", [0, 1, np.nan, 0, 1, 1], r"Y\[2, 0\] = nan is not finite"),
        ("identity", [[0, 1]] * 5 + [[np.inf, 0]], r"Y\[5, 0\] = inf is not finite"),
        ("counts", [[0, 1]] * 5 + [[2, -1]], r"Y\[5, 1\] = -1 is negative, but counts"),
        ("softmax", [0, 1, 2, 3, 1, 0], r"Y\[3\] is 3, but .* 3 outputs are the integers 0 … 2"),
        ("softmax", [0, 1, -1, 3, 1, 0], r"Y\[2\] is -1, but"),
        ("softmax", [[0], [1], [2], [0], [1], [7]], r"Y\[5\] is 7, but"),
        ("softmax, squared", [0, 1, 2, 3, 1, 0], r"Y\[3\] is 3, but"),
        ("softmax", bad_rows([0, 0, 0]), r"Y\[5\] is a row of zeros"),
        ("softmax", bad_rows([1, 1, 0]), r"Y\[5\] sums to 2; .* must sum to 1"),
        ("softmax", bad_rows([2, -1, 0]), r"Y\[5, 0\] = 2 is outside \[0, 1\]"),
        ("softmax", bad_rows([np.nan, 1, 0]), r"Y\[5, 0\] = nan is not finite"),
    ],
)
def test_y_that_makes_no_sense_for_the_loss(backend, door, kind, Y, message):
    label = "^validation " if door == "validation" else "^"
    refused(network(kind, backend), door, good_x(), Y, bp.DataError, label + message)


def test_messages_name_the_validation_data(backend):
    net, X, Y, door = network("sigmoid", backend), good_x(), GOOD_Y["sigmoid"], "validation"
    refused(net, door, X[:, :2], Y, bp.ShapeError, "^validation X has 2 features")
    refused(net, door, X, Y[1:], bp.ShapeError, "^validation Y has 5 rows .* but validation X")
    refused(net, door, X, list("abcabc"), bp.DataError, r"^validation Y: .* numpy\.unique")


@pytest.mark.parametrize("door", VALUE_DOORS)
def test_missing_values_are_not_guessed(backend, door):
    masked = np.ma.masked_equal(good_x(), 0.5)
    message = r"X: a masked array has missing values: fill them first, x\.filled\(value\)"
    refused(network("sigmoid", backend), door, masked, GOOD_Y["sigmoid"], bp.DataError, message)


# -- what is the same data in another dress ----------------------------------------------------

DRESSES_OF_X = {
    "list": lambda x: x.tolist(),
    "float32": lambda x: x.astype("f4"),
    "longdouble": lambda x: x.astype("longdouble"),
    "half": lambda x: x.astype("f2"),
    "big-endian": lambda x: x.astype(">f8"),
    "fortran": np.asfortranarray,
    "transposed": lambda x: x.T.copy().T,
    "every other row": lambda x: np.repeat(x, 2, axis=0)[::2],
    "every other column": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "backwards": lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
    "read-only": lambda x: np.broadcast_to(x, x.shape),
}
DRESSES_OF_Y = [
    ("sigmoid", lambda y: y[:, None]),
    ("sigmoid", lambda y: y.astype(bool)),
    ("sigmoid", lambda y: y.astype("f4")),
    ("sigmoid", lambda y: y.astype(">i2")),
    ("sigmoid", lambda y: y.tolist()),
    ("sigmoid", lambda y: np.repeat(y, 2)[::2]),
    ("softmax", lambda y: y[:, None]),
    ("softmax", lambda y: y.astype("u1")),
    ("softmax", lambda y: y.tolist()),
    ("softmax", lambda y: np.eye(3)[y]),
    ("softmax", lambda y: np.eye(3, dtype=bool)[y]),
    ("softmax", lambda y: np.asfortranarray(np.eye(3, dtype="i4")[y])),
    ("identity", lambda y: y.tolist()),
    ("identity", lambda y: np.asfortranarray(y)),
    ("counts", lambda y: y.astype("f8")),
]


def outcome(door, kind, backend, X, Y):
    """All that a door returns and changes, as one vector."""
    net = network(kind, backend)
    result = enter(door, net, X, Y)
    match result:
        case bp.History():
            numbers = result.loss + result.validation_loss
        case bp.GradientReport():
            assert result.passed
            numbers = [line.backward for line in result.lines]
        case _:
            array = {"forward": lambda: result.A[-1], "backward": lambda: result.theta}.get(door)
            numbers = backend.to_numpy(array() if array else result)
    return np.concatenate([np.ravel(numbers), backend.to_numpy(net.theta)])


def same(door, kind, backend, X, Y):
    clean = outcome(door, kind, backend, good_x(), GOOD_Y[kind])
    assert np.isfinite(clean).all()
    return np.allclose(outcome(door, kind, backend, X, Y), clean, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("door", X_DOORS)
@pytest.mark.parametrize("dress", DRESSES_OF_X)
def test_x_in_another_dress(backend, door, dress):
    X = DRESSES_OF_X[dress](good_x())
    assert same(door, "sigmoid", backend, X, GOOD_Y["sigmoid"])


@pytest.mark.parametrize("door", Y_DOORS)
@pytest.mark.parametrize(("kind", "dress"), DRESSES_OF_Y)
def test_y_in_another_dress(backend, door, kind, dress):
    assert same(door, kind, backend, good_x(), dress(GOOD_Y[kind]))


@pytest.mark.parametrize("dtype", ["int8", "int64", "uint8", "bool"])
def test_integers_and_booleans_are_numbers(backend, dtype):
    net, X = network("sigmoid", backend), (good_x() > 0).astype(dtype)
    expected = backend.to_numpy(net.predict((X * 1.0).tolist()))
    for given in (X.tolist(), backend.asarray(X)):
        assert np.array_equal(backend.to_numpy(net.predict(given)), expected)


@pytest.mark.parametrize("door", [*Y_DOORS, "forward", "predict"])
@pytest.mark.parametrize("kind", GOOD_Y)
def test_one_example(backend, door, kind):
    one = outcome(door, kind, backend, good_x()[:1], GOOD_Y[kind][:1])
    assert np.isfinite(one).all()


def test_what_is_handed_in_is_not_changed(backend):
    X, Y = good_x(), GOOD_Y["sigmoid"].copy()
    for door in Y_DOORS:
        enter(door, network("sigmoid", backend), X, Y)
    assert np.array_equal(X, good_x())
    assert np.array_equal(Y, GOOD_Y["sigmoid"])
