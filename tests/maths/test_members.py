"""Network(members=…): what a population consists of, and its members."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from cases import random_network

import backprop_xp as bp

SIZES = [3, 4, 2]


@pytest.mark.parametrize("hidden", ["tanh", "relu"])
@pytest.mark.parametrize("seed", [7, [7, 8, 9], np.array([7, 8, 9])], ids=["first", "all", "array"])
def test_a_member_is_the_network_of_its_seed(backend, hidden, seed):
    nets = bp.Network(SIZES, hidden, "softmax", seed=seed, members=3, backend=backend)
    assert nets.members == 3
    assert nets.seeds == (7, 8, 9)
    assert nets.theta.shape == (3, 26)
    assert nets.W[1].shape == (3, 4, 3)
    for k in range(3):
        alone = bp.Network(SIZES, hidden, "softmax", seed=7 + k, backend=backend)
        member = nets.member(k)
        assert member.members is None
        assert repr(member) == repr(alone)
        np.testing.assert_array_equal(backend.to_numpy(member.theta), backend.to_numpy(alone.theta))


def test_a_generator_draws_the_seeds(backend):
    made = [
        bp.Network(SIZES, seed=np.random.default_rng(3), members=4, backend=backend)
        for _ in range(2)
    ]
    assert made[0].seeds == made[1].seeds
    assert len(set(made[0].seeds)) == 4
    alone = bp.Network(SIZES, seed=made[0].seeds[2], backend=backend)
    np.testing.assert_array_equal(
        backend.to_numpy(made[0].member(2).theta), backend.to_numpy(alone.theta)
    )


def test_a_member_shares_its_memory(backend):
    nets = bp.Network(SIZES, members=3, backend=backend)
    own = copy.deepcopy(nets.member(1))
    nets.member(1).theta = backend.asarray(np.zeros(26), "float32")
    assert not np.any(backend.to_numpy(nets.theta)[1])
    assert np.all(np.any(backend.to_numpy(nets.theta)[[0, 2]], axis=1))
    assert np.any(backend.to_numpy(own.theta))


def test_a_member_has_its_penalties_and_a_right_gradient(backend, rng):
    nets = random_network(
        backend, rng, SIZES, members=3, l2=[0.0, 0.1, 0.4], l1=(0.2, 0.0, 0.1), output="softmax"
    )
    X, Y = backend.asarray(rng.normal(size=(5, 3))), backend.asarray(np.array([0, 1, 1, 0, 1]))
    trace = nets.forward(X)
    J, grads = backend.to_numpy(nets.cost(trace, Y)), nets.backward(trace, Y)
    for k, (l2, l1) in enumerate([(0.0, 0.2), (0.1, 0.0), (0.4, 0.1)]):
        member = nets.member(k)
        assert (member.architecture.l2, member.architecture.l1) == (l2, l1)
        assert bp.check_gradients(member, X, Y).passed
        own = member.forward(X)
        assert J[k] == pytest.approx(float(member.cost(own, Y)), rel=1e-12)
        np.testing.assert_allclose(
            backend.to_numpy(grads.theta)[k],
            backend.to_numpy(member.backward(own, Y).theta),
            rtol=1e-12,
            atol=1e-15,
        )


@pytest.mark.parametrize("own_weights", [False, True])
def test_penalties_per_row_and_weights_of_their_own(backend, rng, own_weights):
    nets = random_network(backend, rng, SIZES, members=3, l2=[0.5, 0.1, 0.4], output="identity")
    X, Y = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    weights = rng.uniform(0.0, 2.0, (3, 5, 1) if own_weights else (5, 1))
    members = [copy.deepcopy(nets.member(k)) for k in range(3)]
    step = bp.train_step(nets, bp.SGD(0.1), penalty_per_row=True)
    J = backend.to_numpy(step(*map(backend.asarray, (X, Y, weights))))
    for k, member in enumerate(members):
        own = bp.train_step(member, bp.SGD(0.1), penalty_per_row=True)
        w = weights[k] if own_weights else weights
        assert J[k] == pytest.approx(float(own(*map(backend.asarray, (X, Y, w)))), rel=1e-12)
        np.testing.assert_allclose(
            backend.to_numpy(nets.theta)[k], backend.to_numpy(member.theta), rtol=1e-12
        )


def test_the_ensemble(backend, rng):
    nets = random_network(backend, rng, SIZES, members=4, output="softmax")
    X = backend.asarray(rng.normal(size=(6, 3)))
    each = backend.to_numpy(nets.predict(X))
    assert each.shape == (4, 6, 2)
    mean, spread = map(backend.to_numpy, nets.predict(X, reduce="mean"))
    np.testing.assert_allclose(mean, np.mean(each, axis=0), rtol=1e-12)
    np.testing.assert_allclose(spread, np.std(each, axis=0), rtol=1e-9)


def test_files_and_copies(backend, tmp_path):
    nets = bp.Network(SIZES, seed=4, members=3, l2=[0.0, 0.5, 0.25], backend=backend)
    path = tmp_path / "nets.safetensors"
    nets.save(path)
    copies = [bp.load(path, backend=backend), copy.deepcopy(nets)]
    copies.append(pickle.loads(pickle.dumps(nets)))
    for again in copies:
        assert (again.members, again.seeds) == (3, (4, 5, 6))
        assert again.architecture == nets.architecture
        assert again.member(1).architecture.l2 == 0.5
        np.testing.assert_array_equal(backend.to_numpy(again.theta), backend.to_numpy(nets.theta))
    assert repr(nets).endswith(", members=3)")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seeds": [1, 2]}, "not one seed for each member"),
        ({"seeds": [1, 2, -3]}, "integers ≥ 0"),
        ({"seeds": "123"}, "not one seed for each member"),
        ({"l2": [0.1, 0.2]}, "l2 lists 2 values, but there are 3 members"),
    ],
)
def test_damaged_populations_are_refused(tmp_path, change, message):
    from backprop_xp import storage

    path = tmp_path / "nets.safetensors"
    bp.Network(SIZES, members=3, l2=[0.1, 0.2, 0.3], backend="numpy").save(path)
    arrays, document = storage.read(path)
    document["architecture"] |= {"l2": change.pop("l2")} if "l2" in change else {}
    storage.write(path, arrays, {**document, **change})
    with pytest.raises(bp.CheckpointError, match=message):
        bp.load(path, backend="numpy")


def test_an_export_names_the_way(backend, tmp_path):
    nets = bp.Network(SIZES, members=3, backend=backend)
    with pytest.raises(bp.ConfigurationError, match=r"net\.member\(0\)\.to_onnx"):
        nets.to_onnx(tmp_path / "nets.onnx")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"members": 0}, bp.ConfigurationError, "members=0"),
        ({"members": -3}, bp.ConfigurationError, "members=-3"),
        ({"members": 2.0}, bp.ConfigurationError, r"members=2\.0"),
        ({"members": True}, bp.ConfigurationError, "members=True"),
        ({"members": 3, "seed": [1, 2]}, bp.ShapeError, "seed lists 2 values"),
        ({"members": 2, "seed": [1, -2]}, bp.ConfigurationError, "integers ≥ 0"),
        ({"members": 2, "seed": [1, 2.5]}, bp.ConfigurationError, "integers ≥ 0"),
        ({"members": 2, "seed": "abc"}, bp.ConfigurationError, "seed='abc'"),
        ({"members": 3, "l2": [0.1, 0.2]}, bp.ShapeError, "l2 lists 2 values"),
        ({"members": 3, "l1": [0.1] * 4}, bp.ShapeError, "l1 lists 4 values"),
        ({"l2": [0.1, 0.2]}, bp.ShapeError, r"a population with members=2"),
        ({"members": 2, "l2": [0.1, -0.2]}, bp.ConfigurationError, r"l2=-0\.2"),
        ({"members": 2, "l2": [0.1, np.nan]}, bp.ConfigurationError, "l2=nan"),
        ({"members": 2, "l2": []}, bp.ConfigurationError, "l2="),
        ({"members": 2, "l2": ["a", "b"]}, bp.ConfigurationError, "l2="),
        ({"members": 2, "l2": [True, False]}, bp.ConfigurationError, "l2="),
    ],
)
def test_what_makes_no_population(options, error, message):
    with pytest.raises(error, match=message):
        bp.Network(SIZES, backend="numpy", **options)


@pytest.mark.parametrize("rate", [[0.1, 0.0], [0.1, np.inf], [0.1, np.nan], [], ["a", "b"], [True]])
def test_rates_that_make_no_sense(rate):
    with pytest.raises(bp.ConfigurationError, match="learning_rate"):
        bp.Adam(rate)


def test_rates_must_fit_the_population(backend):
    with pytest.raises(bp.ShapeError, match="learning_rate lists 3 values, but there are 2"):
        bp.train_step(bp.Network(SIZES, members=2, backend=backend), bp.Adam([0.1, 0.2, 0.3]))


def test_optimizers_with_rates_are_values():
    one, other = bp.Adam([0.1, 0.2]), bp.Adam(np.array([0.1, 0.2]))
    assert one == other == copy.deepcopy(pickle.loads(pickle.dumps(one)))
    assert hash(one) == hash(other)
    assert repr(one).startswith("Adam(learning_rate=(0.1, 0.2)")


def test_what_a_network_is_not_asked(backend):
    net, nets = (bp.Network(SIZES, members=m, backend=backend) for m in (None, 3))
    X = backend.asarray(np.zeros((2, 3)))
    with pytest.raises(bp.ConfigurationError, match="for a population"):
        net.predict(X, reduce="mean")
    with pytest.raises(bp.ConfigurationError, match="reduce='median'"):
        nets.predict(X, reduce="median")
    with pytest.raises(bp.ShapeError, match="no members"):
        net.member(0)
    for k in (3, -1, 0.0):
        with pytest.raises(IndexError, match="0 … 2"):
            nets.member(k)
    with_own = bp.Network(SIZES, members=2, l2=[0.1, 0.2], backend=backend)
    with pytest.raises(bp.ShapeError, match="l2 lists 2 values"):
        with_own.with_theta(backend.asarray(np.zeros((3, 26))))
