"""LayerStatistics: networks that are ill get advice, healthy ones none."""

from __future__ import annotations

import json

import numpy as np
import pytest
from cases import random_network

import backprop_xp as bp
from backprop_xp.insight.layer_records import LayerRecord

DATA = bp.datasets.breast_cancer()
X = (DATA.X - DATA.X.mean(axis=0)) / DATA.X.std(axis=0)
Y = DATA.Y


class Run:
    """What `fit` hands to a callback, as far as this one looks."""

    def __init__(self, net):
        self.net, self.epoch = net, 0

    def sample(self, rows):
        asarray = self.net.backend.asarray
        return asarray(X[:rows], self.net.dtype), asarray(Y[:rows, None], self.net.dtype)


def trained(net, epochs, optimizer, scale=1.0):
    """Train epoch by epoch, as `fit` does with the callback."""
    statistics, run = bp.LayerStatistics(), Run(net)
    statistics.on_train_begin(run)
    for run.epoch in range(1, epochs + 1):
        options = {"optimizer": optimizer, "seed": run.epoch, "progress": False}
        bp.fit(net, scale * X, Y, epochs=1, **options)
        statistics.on_epoch_end(run)
    return statistics


def looked_at(net, rows=256):
    statistics = bp.LayerStatistics(rows)
    statistics.on_train_begin(Run(net))
    return statistics


# -- what is measured --------------------------------------------------------------------------


def test_the_numbers_are_those_of_the_definitions(backend, rng):
    net = random_network(backend, rng, [30, 5, 4, 1], hidden=["tanh", "relu"])
    (one, two, three) = looked_at(net, rows=50).records
    host = backend.to_numpy
    trace = net.forward(backend.asarray(X[:50]))
    grads = net.backward(trace, backend.asarray(Y[:50].astype(float)))
    for record, l in ((one, 1), (two, 2), (three, 3)):
        for got, part in (
            (record.A, trace.A[l]),
            (record.dZ, trace.dZ[l]),
            (record.dW, grads.W[l]),
            (record.W, net.W[l]),
        ):
            assert got == pytest.approx(np.sqrt(np.mean(host(part) ** 2)), rel=1e-12)
        assert (record.epoch, record.layer, record.change) == (0, l, 0.0)
    A1, A2 = host(trace.A[1]), host(trace.A[2])
    assert one.saturated == pytest.approx(np.mean(1 - A1**2 < 0.02), rel=1e-6)
    assert two.dead == pytest.approx(np.mean((A2 == 0).all(axis=0)), rel=1e-6)
    assert (one.dead, two.saturated) == (0.0, 0.0)
    names = [record.activation for record in (one, two, three)]
    assert names == ["tanh", "relu", "sigmoid"]
    assert [record.units for record in (one, two, three)] == [5, 4, 1]


def test_only_so_many_rows_are_looked_at(backend):
    seen = []

    class Spy(Run):
        def sample(self, rows):
            seen.append(rows)
            return super().sample(rows)

    bp.LayerStatistics(rows=7).on_train_begin(Spy(bp.Network([30, 1], backend=backend)))
    assert seen == [7]


def test_a_change_is_relative_to_the_weights(backend):
    net = bp.Network([30, 4, 1], dtype="float64", backend=backend)
    statistics, run = looked_at(net), Run(net)
    net.W[1] = net.W[1] * 1.25
    run.epoch = 1
    statistics.on_epoch_end(run)
    one, two = statistics.latest
    assert one.change == pytest.approx(0.2)
    assert two.change == 0.0
    assert statistics.series("change", 1) == ([0, 1], [0.0, one.change])


def test_gradients_too_small_for_a_square_are_not_zero():
    net = bp.Network([30, *[4] * 30, 1], "sigmoid", backend="numpy")  # float32
    smallest = min(record.dZ for record in looked_at(net).records)
    assert 0 < smallest < 1e-20


def test_the_network_is_left_alone(backend):
    net = bp.Network([30, 4, 1], backend=backend)
    before = backend.to_numpy(net.theta).copy()
    looked_at(net)
    assert np.array_equal(backend.to_numpy(net.theta), before)


# -- healthy networks --------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("sizes", "hidden", "optimizer"),
    [
        ([30, 16, 1], "tanh", bp.SGD(0.1)),
        ([30, 16, 1], "sigmoid", bp.SGD(0.1)),
        ([30, 64, 32, 1], "relu", bp.Adam(1e-3)),
        ([30, 64, 32, 16, 1], "gelu", bp.Adam(1e-3)),
    ],
)
def test_healthy_networks_get_no_advice(sizes, hidden, optimizer, seed):
    net = bp.Network(sizes, hidden, seed=seed, backend="numpy")
    assert looked_at(net).advice == []
    assert trained(net, 20, optimizer).advice == []


def test_the_main_job_gets_no_advice():
    """100 epochs, at whose end the outputs are sure and so their slopes tiny."""
    net = bp.Network([30, 16, 1], backend="numpy")
    statistics = trained(net, 100, bp.SGD(0.1))
    assert statistics.latest[-1].saturated > 0.5
    assert statistics.advice == []
    assert len(statistics.records) == 2 * 101


# -- ill ones ----------------------------------------------------------------------------------


@pytest.mark.parametrize("hidden", ["relu", "leaky_relu", "elu", "gelu", "silu"])
def test_dead_units(backend, hidden):
    net = bp.Network([30, 16, 8, 1], hidden, backend=backend)
    net.b[2] = net.b[2] - 100.0
    (advice,) = looked_at(net).advice
    assert advice.startswith(f"Layer 2: 8 of 8 {hidden} units are dead")
    assert "smaller learning rate" in advice


def test_a_few_dead_units_are_no_problem(backend):
    net = bp.Network([30, 16, 1], "relu", backend=backend)
    net.b[1] = net.b[1] + backend.asarray([-100.0] * 4 + [0.0] * 12, "float32")
    statistics = looked_at(net)
    assert statistics.records[0].dead == 0.25
    assert statistics.advice == []


@pytest.mark.parametrize("hidden", ["tanh", "sigmoid"])
def test_saturation(backend, hidden):
    net = bp.Network([30, 16, 1], hidden, backend=backend)
    net.W[1] = net.W[1] * 100.0
    (advice,) = looked_at(net).advice
    assert advice.startswith("Layer 1: 9")
    assert f"of its {hidden} outputs are saturated" in advice


ILL = {
    "dead": lambda net: net.b.__setitem__(1, net.b[1] - 1e6),
    "saturated": lambda net: net.W.__setitem__(1, net.W[1] * 1e4),
    "infinite": lambda net: net.W.__setitem__(2, net.W[2] * 1e38),
}


@pytest.mark.parametrize(
    ("kind", "hidden"), [("dead", "relu"), ("saturated", "tanh"), ("infinite", "relu")]
)
@pytest.mark.parametrize(
    ("features", "column"),
    [
        (X, None),
        (X[:, ::-1], None),
        (np.where(X > 0, 1.0, 0.0), None),  # one-hot
        ((X - X.min()) / np.ptp(X), None),  # pixels
        (X + 10.0 * (np.arange(30) == 3), 3),  # of deviation 1, but not of mean 0
        (X * np.where(np.arange(30) == 7, 100.0, 1.0), 7),
        (DATA.X, 23),
    ],
)
def test_scaling_is_advised_for_features_that_are_not_scaled(
    backend, kind, hidden, features, column
):
    net = bp.Network([30, 8, 1], hidden, "identity", backend=backend)
    ILL[kind](net)
    if kind == "infinite":
        net.W[1] = net.W[1] * 1e3
    statistics = bp.LayerStatistics()
    as_array = backend.asarray
    batch = as_array(features[:256], net.dtype), as_array(Y[:256, None], net.dtype)
    statistics.record(net, *batch)
    scaling = [sentence for sentence in statistics.advice if "scaled" in sentence]
    if column is None:
        assert scaling == []
        assert not any("mean 0" in sentence for sentence in statistics.advice)
    else:
        assert scaling == statistics.advice[:1]
        assert scaling[0].startswith(f"The features are not scaled: X[:, {column}] has a root")
    assert len(statistics.advice) > len(scaling)


def test_features_that_are_not_scaled_and_do_no_harm_are_no_matter(backend):
    net = bp.Network([30, 8, 1], "identity", "identity", backend=backend)
    statistics = bp.LayerStatistics()
    statistics.record(net, backend.asarray(DATA.X, net.dtype), backend.asarray(Y, net.dtype))
    assert statistics.advice == []


def test_a_resumed_run_looks_at_its_features(backend):
    class Raw(Run):
        def sample(self, rows):
            asarray = self.net.backend.asarray
            return asarray(DATA.X[:rows], "float32"), asarray(Y[:rows, None], "float32")

    net = bp.Network([30, 8, 1], "relu", backend=backend)
    net.b[1] = net.b[1] - 1e6
    first, second = bp.LayerStatistics(), bp.LayerStatistics()
    first.on_train_begin(Raw(net))
    second.restore(json.loads(json.dumps(first.state())))
    second.on_train_begin(Raw(net))  # and has no epoch left to train
    assert second.advice == first.advice
    assert second.advice[0].startswith("The features are not scaled")


def test_vanishing_gradients(backend):
    net = bp.Network([30, *[16] * 9, 1], "sigmoid", backend=backend)
    net.theta = net.theta * 0.5
    (advice,) = looked_at(net).advice
    assert advice.startswith("The gradients vanish on the way back: ∂J/∂Z of layer 1 is")
    assert "of that of layer 10" in advice
    assert "hidden='tanh' or 'relu' instead of sigmoid" in advice


def test_vanishing_gradients_for_want_of_weights(backend):
    net = bp.Network([30, *[16] * 9, 1], "tanh", backend=backend)
    net.theta = net.theta * 0.1
    (advice,) = looked_at(net).advice
    assert "larger weights at the start" in advice


def test_exploding_gradients(backend):
    net = bp.Network([30, *[16] * 9, 1], "relu", "identity", backend=backend)
    net.theta = net.theta * 5.0
    (advice,) = looked_at(net).advice
    assert advice.startswith("The gradients explode on the way back: ∂J/∂Z of layer 1 is")
    assert "clip_norm" in advice


def test_a_network_that_left_the_finite_numbers(backend):
    net = bp.Network([30, 16, 1], "relu", "identity", backend=backend)
    net.W[1] = net.W[1] * 1e30
    net.W[2] = net.W[2] * 1e30
    (advice,) = looked_at(net).advice
    assert advice.startswith("Layer 2 has left the finite numbers")


def test_too_large_a_learning_rate_kills_units():
    statistics = trained(bp.Network([30, 64, 32, 1], "relu", backend="numpy"), 5, bp.SGD(5.0))
    assert any("units are dead" in advice for advice in statistics.advice)


# -- the callback ------------------------------------------------------------------------------


def test_fit_calls_it_before_training_and_after_each_epoch(backend):
    net, statistics = bp.Network([30, 8, 1], "relu", backend=backend), bp.LayerStatistics()
    net.b[1] = net.b[1] - 100.0
    bp.fit(net, X, Y, epochs=2, callbacks=[statistics], progress=False)
    found = [(record.epoch, record.layer) for record in statistics.records]
    assert found == [(0, 1), (0, 2), (1, 1), (1, 2), (2, 1), (2, 2)]
    assert [record.change for record in statistics.latest] == [0.0, 0.0]  # but for b[2]
    assert statistics.advice[0].startswith("Layer 1: 8 of 8 relu units are dead")


def test_it_does_not_change_the_training(backend):
    with_it, without = (bp.Network([30, 8, 1], dropout=0.5, backend=backend) for _ in range(2))
    bp.fit(with_it, X, Y, epochs=2, callbacks=[bp.LayerStatistics()], progress=False)
    bp.fit(without, X, Y, epochs=2, progress=False)
    assert np.array_equal(backend.to_numpy(with_it.theta), backend.to_numpy(without.theta))


def test_a_checkpoint_keeps_the_records(backend):
    first, net = bp.LayerStatistics(), bp.Network([30, 4, 1], backend=backend)
    first.on_train_begin(Run(net))
    second = bp.LayerStatistics()
    second.restore(json.loads(json.dumps(first.state())))
    assert second.records == first.records
    assert all(type(record) is LayerRecord for record in second.records)
    run = Run(net)
    second.on_train_begin(run)  # a resumed run does not begin anew
    assert second.records == first.records
    net.W[1] = net.W[1] * 1.25
    run.epoch = 1
    second.on_epoch_end(run)
    assert [record.change for record in second.latest] == pytest.approx([0.2, 0.0])


def test_a_second_run_begins_anew(backend):
    statistics, net = bp.LayerStatistics(), bp.Network([30, 4, 1], backend=backend)
    statistics.on_train_begin(Run(net))
    statistics.on_train_begin(Run(net))
    assert [(record.epoch, record.layer) for record in statistics.records] == [(0, 1), (0, 2)]


def test_nothing_measured_nothing_said():
    statistics = bp.LayerStatistics()
    assert statistics.advice == []
    assert statistics.latest == []
    with pytest.raises(bp.ConfigurationError, match="there are no statistics yet"):
        statistics.plot()


@pytest.mark.parametrize("rows", [0, -1, 2.5, "all", True])
def test_rows_that_make_no_sense(rows):
    with pytest.raises(bp.ConfigurationError, match="rows="):
        bp.LayerStatistics(rows=rows)


def test_a_stack_is_refused(backend):
    net = bp.Network([30, 4, 1], backend=backend)
    stack = net.with_theta(backend.xp.stack([net.theta, net.theta]))
    with pytest.raises(bp.ShapeError, match="LayerStatistics takes a single network"):
        bp.LayerStatistics().on_train_begin(Run(stack))
