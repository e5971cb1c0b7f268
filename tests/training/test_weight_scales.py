"""J is a weighted mean: weights of any size train as those of ordinary size do."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import backprop_xp as bp

ROWS = 20
# The smallest number there is, what importance weights come to, what float32 cannot hold, and what
# has no finite sum.
SIZES = [5e-324, 1e-200, 1e-44, 0.3, 1e38, 1e200, 1.7e308]


def data(backend, sizes=(3, 5, 3), dtype="float64", **options):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(ROWS, sizes[0])), rng.integers(0, sizes[-1], ROWS)
    net = bp.Network(sizes, "tanh", "softmax", dtype=dtype, backend=backend, **options)
    return net, X, Y


def theta(net):
    return net.backend.to_numpy(net.theta)


# -- equal weights ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", SIZES)
def test_equal_weights_of_any_size_are_ones_in_cost_backward_and_step(backend, size, dtype):
    net, X, Y = data(backend, dtype=dtype, l2=0.1)
    X, Y = backend.asarray(X), backend.asarray(Y)
    trace = net.forward(X)
    sized, ones = np.full(ROWS, size).tolist(), [1.0] * ROWS
    assert float(net.cost(trace, Y, sized)) == float(net.cost(trace, Y, ones))
    gradients = [backend.to_numpy(net.backward(trace, Y, w).theta) for w in (sized, ones)]
    np.testing.assert_array_equal(*gradients)
    assert float(net.cost(trace, Y, sized)) == pytest.approx(float(net.cost(trace, Y)), rel=1e-6)
    losses = []
    for weights in (sized, ones):
        other = net.with_theta(backend.asarray(theta(net).copy()))
        step = bp.train_step(other, bp.Adam(0.01))
        losses.append([float(step(X, Y, backend.asarray(weights, "float64"))) for _ in range(40)])
    assert losses[0] == losses[1]
    assert losses[0][-1] < losses[0][0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("options", [{}, {"validation_fraction": 0.3}, {"class_weight": {0: 3}}])
def test_equal_weights_of_any_size_are_one_run(backend, size, dtype, options):
    runs = []
    for weights in (np.full(ROWS, size), np.ones(ROWS)):
        net, X, Y = data(backend, dtype=dtype)
        history = bp.fit(net, X, Y, sample_weight=weights, epochs=3, batch_size=8, **options)
        runs.append((theta(net), history.loss, history.validation_loss))
    np.testing.assert_array_equal(runs[0][0], runs[1][0])
    assert runs[0][1:] == runs[1][1:]


@pytest.mark.parametrize("size", SIZES)
def test_equal_weights_are_no_weights(size):
    """On NumPy to the last bit, recorded steps and the losses of epochs included."""
    runs = []
    for weights in (None, np.full(ROWS, size)):
        net, X, Y = data("numpy", dtype="float32")
        history = bp.fit(net, X, Y, sample_weight=weights, epochs=30, batch_size=8)
        runs.append((theta(net), history.loss))
    np.testing.assert_array_equal(runs[0][0], runs[1][0])
    assert runs[0][1] == runs[1][1]


@pytest.mark.parametrize("size", [5e-324, 1e-200, 1e38, 1.7e308])
def test_class_weights_of_any_size(backend, size):
    runs = []
    for each in (size, 1.0):
        net, X, Y = data(backend)
        class_weight = dict.fromkeys(range(3), each)
        history = bp.fit(net, X, Y, class_weight=class_weight, epochs=3, batch_size=8)
        runs.append((theta(net), history.loss))
    np.testing.assert_array_equal(runs[0][0], runs[1][0])
    assert runs[0][1] == runs[1][1]


def test_very_large_weights_of_rows_and_classes_at_once(backend):
    runs = []
    for size in (1e300, 1.0):
        net, X, Y = data(backend)
        options = {"sample_weight": np.full(ROWS, size), "class_weight": {0: size, 1: size}}
        bp.fit(net, X, np.minimum(Y, 1), epochs=2, batch_size=8, **options)
        runs.append(theta(net))
    np.testing.assert_array_equal(*runs)


@pytest.mark.parametrize("seed", [0, [0, 1, 2]])
@pytest.mark.parametrize("size", [1e-200, 1e38, 1e300])
def test_populations(backend, size, seed):
    runs = []
    for weights in (np.full(ROWS, size), np.ones(ROWS)):
        nets, X, Y = data(backend, dtype="float32", members=3)
        bp.fit(nets, X, Y, sample_weight=weights, epochs=3, batch_size=8, seed=seed)
        runs.append(theta(nets))
    np.testing.assert_array_equal(*runs)


@pytest.mark.parametrize("size", [1e-200, 1e38, 1e300])
def test_cross_validation_and_search(size):
    _, X, Y = data("numpy")
    options = {"hidden": "tanh", "output": "softmax", "epochs": 3, "folds": 3, "batch_size": 5}
    for trained in (bp.cross_validate, bp.search):
        tables = [
            trained([3, 5, 3], X, Y, sample_weight=np.full(ROWS, each), **options).columns
            for each in (size, 1.0)
        ]
        assert tables[0] == tables[1]
        assert np.isfinite(tables[0]["validation_loss"]).all()


# -- weights that differ ---------------------------------------------------------------------------

SPREAD = 10.0 ** np.linspace(-300, 300, ROWS)


def weighted_mean(weights, values):
    """Σwᵢvᵢ/Σwᵢ without any rounding."""
    pairs = [(Fraction(float(w)), Fraction(float(v))) for w, v in zip(weights, values, strict=True)]
    return float(sum(w * v for w, v in pairs) / sum(w for w, _ in pairs))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("part", [slice(None), slice(0, 2), slice(3, 4), slice(-2, None)])
def test_j_is_the_weighted_mean(backend, dtype, part):
    net, X, Y = data(backend, dtype=dtype)
    X, Y, weights = backend.asarray(X[part]), backend.asarray(Y[part]), SPREAD[part]
    trace = net.forward(X)
    net.cost(trace, Y)
    wanted = weighted_mean(weights, backend.to_numpy(trace.j).astype(float).sum(axis=1))
    tolerance = 1e-6 if dtype == "float32" else 1e-14
    J = float(net.cost(trace, Y, backend.asarray(weights)))
    assert pytest.approx(wanted, rel=tolerance) == J
    step = bp.train_step(net, bp.SGD(0.1))
    assert float(step(X, Y, backend.asarray(weights))) == pytest.approx(wanted, rel=tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_batch_of_one_row_is_that_row_whatever_it_weighs(backend, dtype):
    """Beside rows of 10³⁰⁰ the others count nothing in an epoch's loss, but in their batches."""
    runs = []
    for weights in (10.0 ** np.linspace(-150, 300, ROWS), None):
        net, X, Y = data(backend, dtype=dtype)
        bp.fit(net, X, Y, sample_weight=weights, epochs=2, batch_size=1, optimizer=bp.SGD(0.1))
        runs.append(theta(net))
    np.testing.assert_allclose(*runs, rtol=1e-6)


def test_gradients_are_those_of_the_cost_at_any_scale(backend):
    net, X, Y = data(backend)
    for scale in (1e-300, 1e300):
        weights = scale * np.linspace(0.1, 1.0, ROWS)
        assert bp.check_gradients(net, X, Y, sample_weight=weights).passed


def test_the_loss_of_an_epoch_is_the_weighted_mean_over_its_batches(backend):
    weights = 1e305 * np.arange(ROWS)
    losses = []
    for scale in (1.0, 1e-305):
        net, X, Y = data(backend, dtype="float32")
        losses.append(bp.fit(net, X, Y, sample_weight=weights * scale, batch_size=3, epochs=2).loss)
    np.testing.assert_allclose(*losses, rtol=1e-6)


# -- nothing that weighs ---------------------------------------------------------------------------


def test_weights_that_leave_nothing_are_refused(backend):
    net, X, _ = data(backend)
    before = theta(net).copy()
    odd = (np.arange(ROWS) % 2).astype(float)
    labels = np.arange(ROWS) % 2
    for options, what in (
        ({"sample_weight": np.zeros(ROWS)}, "sample_weight is 0 for every row"),
        (
            {"sample_weight": odd, "class_weight": {1: 0.0}},
            "sample_weight times class_weight is 0 for every row to train on",
        ),
    ):
        with pytest.raises(bp.DataError, match=f"^{what}.*at least one must be > 0"):
            bp.fit(net, X, labels, **options)
    np.testing.assert_array_equal(theta(net), before)


def test_all_that_weighs_is_held_out():
    net, X, Y = data("numpy")
    refused = 0
    for row in range(ROWS):
        weights = np.zeros(ROWS)
        weights[row] = 1.0
        try:
            history = bp.fit(net, X, Y, sample_weight=weights, validation_fraction=0.5, epochs=1)
            assert np.isfinite(history.loss).all()
        except bp.DataError as problem:
            assert "0 for every row to train on" in str(problem)  # noqa: PT017
            refused += 1
    assert refused == 10


def test_a_class_weight_beyond_double_precision():
    net, X, Y = data("numpy")
    with pytest.raises(bp.ConfigurationError, match=r"class_weight\[1\] = 1000.*a finite number"):
        bp.fit(net, X, Y, class_weight={1: 10**400})
