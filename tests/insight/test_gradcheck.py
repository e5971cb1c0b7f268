"""check_gradients passes what is right, on every backend, and says so in a readable report."""

from __future__ import annotations

import re

import numpy as np
import pytest

import backprop_xp as bp

NETWORKS = [
    ([3, 1], "tanh", "sigmoid", None),
    ([3, 4, 1], "tanh", "sigmoid", None),
    ([3, 4, 3], "relu", "softmax", None),
    ([3, 4, 3], "elu", "softmax", "squared_error"),
    ([3, 4, 3], "silu", "softmax", "poisson"),
    ([3, 5, 4, 2], ["gelu", "leaky_relu"], "identity", None),
    ([3, 5, 4, 2], "softplus", "sigmoid", "poisson"),
    ([3, 5, 4, 2], "sigmoid", "softplus", "poisson"),
    ([3, 4, 4, 4, 2], "elu", "tanh", "huber"),
    ([3, 4, 4, 4, 4, 2], "silu", "relu", "absolute_error"),
]
LARGE = [3, 64, 32, 3]  # 2,435 parameters


def data(rng, rows, outputs):
    Y = np.eye(outputs)[rng.integers(outputs, size=rows)]
    return rng.standard_normal((rows, 3)), Y


@pytest.mark.parametrize(("sizes", "hidden", "output", "loss"), NETWORKS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_right_networks_pass(backend, rng, sizes, hidden, output, loss, dtype):
    net = bp.Network(sizes, hidden, output, loss, dtype=dtype, backend=backend)
    report = bp.check_gradients(net, *data(rng, 12, sizes[-1]))
    assert report.passed, str(report)
    assert report.layer is None
    assert report.max_relative_error < 1e-6


@pytest.mark.parametrize(("l2", "l1"), [(0.1, 0.0), (0.0, 0.05), (0.1, 0.05)])
def test_penalties_pass(backend, rng, l2, l1):
    net = bp.Network([3, 4, 2], backend=backend, l2=l2, l1=l1)
    assert bp.check_gradients(net, *data(rng, 12, 2)).passed


def test_every_parameter_is_checked(backend, rng):
    report = bp.check_gradients(bp.Network([3, 4, 2], backend=backend), *data(rng, 12, 2))
    assert [(line.name, line.layer, line.shape, line.checked) for line in report.lines] == [
        ("W[1]", 1, (4, 3), 12),
        ("b[1]", 1, (4,), 4),
        ("W[2]", 2, (2, 4), 8),
        ("b[2]", 2, (2,), 2),
    ]


@pytest.mark.parametrize("rows", [12, 3000])  # 3,000 rows are too many for one stack
def test_large_networks_are_checked_along_random_directions(backend, rng, rows):
    net = bp.Network(LARGE, "tanh", "softmax", backend=backend)
    report = bp.check_gradients(net, *data(rng, rows, 3), directions=7)
    assert report.passed, str(report)
    assert [line.checked for line in report.lines] == [7] * 6
    assert report.worst.worst.startswith("random direction ")


def test_the_seed_draws_the_directions(backend, rng):
    net, batch = bp.Network(LARGE, "tanh", "softmax", backend=backend), data(rng, 4, 3)
    reports = [bp.check_gradients(net, *batch, directions=3, seed=seed) for seed in (1, 1, 2)]
    first, same, other = ([line.backward for line in report.lines] for report in reports)
    assert first == same != other


def test_the_network_is_left_alone(backend, rng):
    net = bp.Network([3, 4, 2], backend=backend)
    before = backend.to_numpy(net.theta).copy()
    bp.check_gradients(net, *data(rng, 12, 2))
    assert np.array_equal(backend.to_numpy(net.theta), before)
    assert net.dtype == "float32"


# -- kinks -------------------------------------------------------------------------------------


@pytest.mark.parametrize("hidden", ["relu", "leaky_relu"])
def test_a_kink_of_relu_is_not_a_mistake(backend, rng, hidden):
    """Rows of zeros and b = 0 put every z exactly on the kink, where J has two slopes."""
    net = bp.Network([3, 4, 2], hidden, "identity", backend=backend)
    X, Y = data(rng, 6, 2)
    X[:3] = 0.0
    report = bp.check_gradients(net, X, Y)
    assert report.passed, str(report)
    assert next(line for line in report.lines if line.name == "b[1]").kinks > 0
    assert ", 4 at a kink" in str(report)


def test_a_kink_excuses_no_wrong_slope(backend, rng):
    """At a kink too, the gradient must lie between the two slopes."""
    wrong = bp.Activation("wrong", lambda xp, z: xp.maximum(z, 0.0), lambda xp, z, a: z**0 * 3.0)
    net = bp.Network([3, 4, 2], wrong, "identity", backend=backend)
    X, Y = data(rng, 6, 2)
    assert not bp.check_gradients(net, np.zeros_like(X), Y).passed


# -- the report --------------------------------------------------------------------------------


class HalfTheGradient(bp.Network):
    """Wrong in one entry of W[1]."""

    def backward(self, trace, Y):
        grads = super().backward(trace, Y)
        grads.W[1][2, 1] *= 0.5
        return grads


def test_a_report_of_what_is_right_reads_well(backend, rng):
    report = bp.check_gradients(bp.Network([3, 4, 2], backend=backend), *data(rng, 12, 2))
    first, *lines = str(report).splitlines()
    error = rf"{report.max_relative_error:.1e}"
    assert first == (f"gradient check passed: largest relative error {error} (tolerance 1e-06)")
    assert len(lines) == 4
    number = r"\d\.\de-\d\d"
    for line in lines:
        assert re.fullmatch(
            rf"  ok    [Wb]\[[12]\] +[24]( × [34])? +\d+ checked, largest relative error {number}",
            line,
        ), line


def test_a_report_of_what_is_wrong_names_the_entry_and_both_numbers(backend, rng):
    net = HalfTheGradient([3, 4, 2], dtype="float64", backend=backend)
    X, Y = data(rng, 12, 2)
    report = bp.check_gradients(net, X, Y)
    right = bp.Network([3, 4, 2], dtype="float64", backend=backend)
    trace = right.forward(X.tolist())
    slope = backend.to_numpy(right.backward(trace, Y.tolist()).W[1])[2, 1]
    assert (report.passed, report.layer) == (False, 1)
    worst = report.worst
    assert (worst.name, worst.worst) == ("W[1]", "W[1][2, 1]")
    assert worst.backward == pytest.approx(slope / 2)
    assert worst.difference == pytest.approx(slope, rel=1e-5)
    assert worst.max_relative_error == pytest.approx(0.5, rel=1e-4)
    first, wrong, *others = str(report).splitlines()
    assert first.startswith("gradient check FAILED: the gradient is wrong from layer 1 on the way")
    assert "the worst parameter is W[1][2, 1]" in first
    assert wrong.startswith("  WRONG W[1]")
    assert f"at W[1][2, 1]: backward {slope / 2:.6e}, difference {worst.difference:.6e}" in wrong
    assert all(line.startswith("  ok    ") for line in others)


def test_the_tolerance_decides(backend, rng):
    net, batch = HalfTheGradient([3, 4, 2], backend=backend), data(rng, 12, 2)
    assert bp.check_gradients(net, *batch, tolerance=0.6).passed
    assert not bp.check_gradients(net, *batch, tolerance=0.4).passed
