"""Copies and pickles of a network and its optimizer go on as the two would."""

from __future__ import annotations

import copy
import gc
import pickle

import numpy as np
import pytest
from cases import OPTIMIZERS, optimizer_id

import backprop_xp as bp
from backprop_xp.backends.numpy import EAGER_CALLS


def pickled(thing):
    return pickle.loads(pickle.dumps(thing))


WAYS = {"deepcopy": copy.deepcopy, "pickle": pickled}


def data(backend):
    rng = np.random.default_rng(0)
    return backend.asarray(rng.normal(size=(8, 3))), backend.asarray(rng.integers(0, 2, 8))


def train(net, optimizer, steps=3):
    step, batch = bp.train_step(net, optimizer), data(net.backend)
    return [np.asarray(net.backend.to_numpy(step(*batch))).tolist() for _ in range(steps)]


def theta(net):
    return net.backend.to_numpy(net.theta)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=optimizer_id)
@pytest.mark.parametrize("members", [None, 2])
@pytest.mark.parametrize("first", [0, 1])
def test_a_pair_goes_on_with_its_moments(backend, way, optimizer, members, first):
    net = bp.Network([3, 4, 1], members=members, backend=backend)
    optimizer = optimizer.fresh()
    train(net, optimizer)
    pair = WAYS[way]((net, optimizer) if first == 0 else (optimizer, net))
    other, again = pair if first == 0 else reversed(pair)
    assert again == optimizer
    assert again.state(other).steps == 3
    assert train(other, again) == train(net, optimizer)
    np.testing.assert_array_equal(theta(other), theta(net))


@pytest.mark.parametrize("kind", [bp.Adam, bp.AdamW, bp.RMSprop, bp.Momentum])
def test_early_pickles_leave_factors_out_of_the_moments(backend, kind):
    net, optimizer = bp.Network([3, 4, 1], backend=backend), kind(0.1)
    train(net, optimizer)
    factors = {bp.Momentum: [1.0], bp.RMSprop: [1.0 - 0.9]}.get(kind, [1.0 - 0.9, 1.0 - 0.999])
    kept = optimizer.state(net).kept(backend)
    del kept["moments"]
    kept["slots"] = [slot / factor for slot, factor in zip(kept["slots"], factors, strict=True)]
    twin, again = copy.deepcopy(net), kind(0.1)
    again.__setstate__([(twin, kept)])
    np.testing.assert_allclose(train(twin, again), train(net, optimizer), rtol=1e-5)
    for slot, expected in zip(again.state(twin).slots, optimizer.state(net).slots, strict=True):
        close = {"rtol": 1e-5, "atol": 1e-7}
        np.testing.assert_allclose(backend.to_numpy(slot), backend.to_numpy(expected), **close)


@pytest.mark.parametrize("way", WAYS)
def test_each_goes_its_own_way(backend, way):
    net, optimizer = bp.Network([3, 4, 1], backend=backend), bp.Adam(0.1)
    train(net, optimizer)
    before = theta(net).copy()
    other, again = WAYS[way]((net, optimizer))
    train(other, again)
    np.testing.assert_array_equal(theta(net), before)
    assert optimizer.state(net).steps == 3


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, pickled])
def test_an_optimizer_that_is_copied_alone_begins_anew(backend, way):
    net, optimizer = bp.Network([3, 4, 1], backend=backend), bp.Momentum(0.1)
    train(net, optimizer)
    twin = way(optimizer)
    assert twin == optimizer
    assert twin.state(net).steps == 0
    assert optimizer.state(net).steps == 3


def test_networks_that_are_gone_are_not_kept():
    optimizer = bp.Adam()
    train(bp.Network([3, 1], backend="numpy"), optimizer)
    gc.collect()
    assert len(pickle.dumps(optimizer)) == len(pickle.dumps(bp.Adam()))
    net = bp.Network([3, 1], backend="numpy")
    train(net, optimizer)
    twin = pickled(optimizer)
    gc.collect()
    assert len(twin._states) == 0  # nobody else holds the copy of the network


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("steps", [3, EAGER_CALLS + 3])
def test_a_step_goes_on_with_a_network_of_its_own(backend, way, steps):
    """Recorded steps are bound to the arrays of their network: a copy records anew."""
    net = bp.Network([3, 4, 1], dropout=0.3, backend=backend)
    step = bp.train_step(net, bp.Adam(0.1), clip_norm=1.0, seed=5)
    X, Y = data(backend)
    for _ in range(steps):
        step(X, Y)
    before, other = theta(net).copy(), WAYS[way](step)
    losses = [float(other(X, Y)) for _ in range(3)]
    np.testing.assert_array_equal(theta(net), before)
    assert [float(step(X, Y)) for _ in range(3)] == losses
    np.testing.assert_array_equal(theta(other.net), theta(net))


class Named(bp.Network):
    """A network with something of its own."""

    def __init__(self, *arguments, temperature=1.0, **options):
        super().__init__(*arguments, **options)
        self.temperature = temperature


@pytest.mark.parametrize("way", WAYS)
def test_what_a_subclass_adds_goes_along(backend, way):
    net = Named([3, 1], temperature=[2.0], backend=backend)
    twin = WAYS[way](net)
    assert type(twin) is Named
    assert twin.temperature == [2.0]
    assert twin.temperature is not net.temperature
    np.testing.assert_array_equal(theta(twin), theta(net))
    assert bp.Network([3, 1], backend=backend).__reduce__()[2] is None


def test_a_pickled_estimator_holds_no_network():
    pytest.importorskip("sklearn")
    from backprop_xp.estimators import MLPClassifier

    model = MLPClassifier((4,), max_iter=2, random_state=0)
    model.partial_fit(np.ones((4, 2)), [0, 1, 0, 1], classes=[0, 1])
    assert len(model._optimizer.__getstate__()["optimizer"]._states) == 0
    twin = pickled(model)
    for each in (model, twin):
        each.partial_fit(np.ones((4, 2)), [0, 1, 0, 1])
    np.testing.assert_array_equal(*(each.coefs_[0] for each in (model, twin)))
