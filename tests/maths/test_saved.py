"""Networks in files: saved on one backend, opened on another, and never another network."""

from __future__ import annotations

import copy
import json
import os
import random
from dataclasses import fields

import numpy as np
import pytest
from cases import HIDDEN, PAIRS, random_network

import backprop_xp as bp
from backprop_xp.backends import survey
from backprop_xp.maths.architecture import Architecture
from backprop_xp.maths.loading import load_network
from backprop_xp.maths.saved import describe, rebuild, save_network
from backprop_xp.storage import read, write

USABLE = [status.name for status in survey() if status.usable]
# Every option of an architecture, with a value that is not its default.
OPTIONS = {"l2": 0.1, "l1": 1 / 3, "dropout": [0.25, 0.5]}
OPTIONS = {
    name: OPTIONS[name] for name in OPTIONS if name in {f.name for f in fields(Architecture)}
}


def cube(name="cube"):
    return bp.Activation(name, lambda xp, z: z**3, lambda xp, z, a: 3 * z**2)


def bits(net):
    return net.backend.to_numpy(net.theta).tobytes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


# -- there and back ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("target", USABLE)
def test_theta_is_the_same_to_the_bit_on_every_backend(backend, rng, path, target, dtype):
    net = random_network(backend, rng, [3, 4, 2], output="softmax", dtype=dtype)
    net.save(path)
    back = bp.load(path, backend=target)
    assert back.backend is bp.get_backend(target)
    assert (back.dtype, back.architecture) == (dtype, net.architecture)
    assert bits(back) == bits(net)
    X = rng.normal(size=(9, 3))
    np.testing.assert_allclose(
        back.backend.to_numpy(back.predict(back.backend.asarray(X))),
        backend.to_numpy(net.predict(backend.asarray(X))),
        rtol=1e-4,
    )


@pytest.mark.parametrize(("output", "loss"), PAIRS)
def test_every_pair_of_output_and_loss(path, output, loss):
    net = bp.Network([2, 3, 2], output=output, loss=loss, backend="numpy")
    net.save(path)
    assert bp.load(path, "numpy").architecture == net.architecture


def test_every_option_of_an_architecture(path):
    net = bp.Network([2, 3, 4, 1], hidden=["relu", "gelu"], backend="numpy", **OPTIONS)
    options = {f.name for f in fields(Architecture)} - {"sizes", "hidden", "output", "loss"}
    assert set(OPTIONS) == options, "an option of the architecture is not tested here"
    net.save(path)
    back = bp.load(path, "numpy")
    assert back.architecture == net.architecture
    for name in OPTIONS:
        assert getattr(back.architecture, name) != getattr(bp.Network([2, 3, 4, 1]), name, None)


def test_numpys_numbers_as_options(path):
    sizes = np.array([2, 3, 1])
    net = bp.Network(sizes, l2=np.float64(0.1), l1=np.float32(0.5), backend="numpy")
    net.save(path)
    assert bp.load(path, "numpy").architecture == net.architecture


@pytest.mark.parametrize("name", HIDDEN)
def test_the_network_goes_on_training(path, rng, name):
    """All that depends on θ is made anew: it trains as the network that was saved."""
    net = bp.Network([3, 4, 1], hidden=name, output="identity", backend="numpy")
    net.save(path)
    back = bp.load(path, backend="numpy")
    X, Y = rng.normal(size=(20, 3)), rng.normal(size=20)
    for each in (net, back):
        bp.fit(each, X, Y, epochs=3, optimizer=bp.Adam(0.01), progress=False)
    assert bits(back) == bits(net)


def test_a_network_without_hidden_layers(path):
    net = bp.Network([3, 2], backend="numpy")
    net.save(path)
    assert bits(bp.load(path, "numpy")) == bits(net)


@pytest.mark.parametrize("shape", [(3,), (2, 3), (1,)])
def test_a_stack_is_a_stack_again(backend, rng, path, shape):
    net = bp.Network([2, 3, 1], backend=backend)
    stack = net.with_theta(backend.asarray(rng.normal(size=(*shape, 13))))
    stack.save(path)
    back = bp.load(path, backend)
    assert (back.stack, back.dtype, bits(back)) == (shape, "float64", bits(stack))


def test_a_view_onto_a_stack(path, rng):
    net = bp.Network([2, 3, 1], backend="numpy")
    one = net.with_theta(rng.normal(size=(13, 4)).T[2])
    one.save(path)
    assert bits(bp.load(path, "numpy")) == bits(one)


def test_values_that_are_not_finite_are_values(path):
    net = bp.Network([2, 1], backend="numpy")
    net.theta[...] = [np.nan, -np.inf, -0.0]
    net.save(path)
    assert bits(bp.load(path, "numpy")) == bits(net)


def test_the_network_is_not_changed_and_not_shared(path):
    net = bp.Network([2, 3, 1], backend="numpy")
    before = bits(net)
    net.save(path)
    bp.load(path, "numpy").theta[...] = 0
    assert bits(net) == before
    assert bits(bp.load(path, "numpy")) == before


def test_the_backend_is_chosen_as_everywhere(path, monkeypatch):
    pytest.importorskip("array_api_strict")
    bp.Network([2, 1], backend="numpy").save(path)
    monkeypatch.setenv("BACKEND", "strict")
    assert bp.load(path).backend.name == "strict"
    with pytest.raises(bp.BackendError, match="nunpy"):
        bp.load(path, backend="nunpy")


def test_what_travels_along(path):
    net = bp.Network([2, 1], backend="numpy")
    extra = {"columns": ["a", "ü"], "mean": [0.1, float("nan")], "deep": {"n": np.int64(3)}}
    save_network(net, path, extra)
    back, found = load_network(path)
    assert bits(back) == bits(net)
    assert json.dumps(found) == json.dumps({**extra, "deep": {"n": 3}})
    net.save(path)
    assert load_network(path)[1] == {}
    with pytest.raises(bp.CheckpointError, match=r"extra\.model: .* cannot be saved"):
        save_network(net, path, {"model": object()})


# -- activations of the user's -----------------------------------------------------------------


def test_an_own_activation_is_handed_over(path, rng):
    own = cube()
    net = bp.Network([2, 3, 4, 1], hidden=[own, "tanh"], output=own, backend="numpy")
    net.save(path)
    back = bp.load(path, "numpy", activations=[cube("other"), own])
    assert back.architecture == net.architecture
    X = rng.normal(size=(4, 2))
    np.testing.assert_array_equal(back.predict(X), net.predict(X))


def test_a_missing_activation_is_named(path):
    bp.Network([2, 3, 1], hidden=cube(), backend="numpy").save(path)
    message = r"your own activation 'cube'.*bp\.load\(path, activations=\[cube\]\)"
    with pytest.raises(bp.CheckpointError, match=message):
        bp.load(path, "numpy")
    with pytest.raises(bp.CheckpointError, match=message):
        bp.load(path, "numpy", activations=[cube("other")])


def test_an_own_activation_named_like_ours_does_not_become_ours(path):
    own = cube("tanh")
    bp.Network([2, 3, 1], hidden=own, backend="numpy").save(path)
    with pytest.raises(bp.CheckpointError, match="your own activation 'tanh'"):
        bp.load(path, "numpy")
    assert bp.load(path, "numpy", activations=[own]).hidden == (own,)


def test_an_own_activation_does_not_replace_ours(path):
    net = bp.Network([2, 3, 1], hidden="tanh", backend="numpy")
    net.save(path)
    assert bp.load(path, "numpy", activations=[cube("tanh")]).hidden == net.hidden


def test_a_copy_of_ours_is_ours(path):
    net = copy.deepcopy(bp.Network([2, 3, 1], hidden="gelu", backend="numpy"))
    net.save(path)
    assert bp.load(path, "numpy").hidden[0].name == "gelu"


@pytest.mark.parametrize("activations", ["cube", [None], 3, [["a"]], [cube(), cube()], {"cube": 1}])
def test_what_is_no_list_of_activations(path, activations):
    bp.Network([2, 1], backend="numpy").save(path)
    with pytest.raises(bp.ConfigurationError, match="expected a list of your own Activation"):
        bp.load(path, "numpy", activations=activations)


# -- files that hold no network ----------------------------------------------------------------


def refused(path, message):
    with pytest.raises(bp.CheckpointError, match=message) as refusal:
        bp.load(path, "numpy")
    assert str(refusal.value).startswith(os.fspath(path))
    assert len(str(refusal.value)) < 700


@pytest.mark.parametrize(
    ("theta", "message"),
    [
        (None, "no θ"),
        (np.zeros(13, np.int64), "no θ of float32 or float64"),
        (np.zeros(12), r"θ has the shape \(12,\), but .* \[2, 3, 1\] has 13 parameters"),
        (np.zeros(()), r"θ has the shape \(\)"),
        (np.zeros((13, 1)), r"θ has the shape \(13, 1\)"),
    ],
)
def test_theta_that_is_none_of_this_network(path, theta, message):
    metadata = {"architecture": describe(bp.Network([2, 3, 1]).architecture)}
    write(path, {} if theta is None else {"theta": theta}, metadata)
    refused(path, message)


SPOILT = {
    "huge": ({"sizes": [2**39, 2**39, 1]}, "θ has the shape"),
    "beyond": ({"sizes": [2, 10**4000, 1]}, "at most"),
    "zero": ({"sizes": [2, 0, 1]}, "at most"),
    "negative": ({"sizes": [2, -3, 1]}, "at most"),
    "floats": ({"sizes": [2.0, 3.0, 1.0]}, "at most"),
    "bools": ({"sizes": [True, True]}, "at most"),
    "many layers": ({"sizes": [1] * 100_000}, "at most 10,000 layers"),
    "one size": ({"sizes": [2]}, "sizes="),
    "no sizes": ({"sizes": None}, "what network"),
    "unknown activation": ({"hidden": ["swoosh"]}, "no such activation"),
    "a long name": ({"hidden": ["x" * 1_000_000]}, "describes no network"),
    "too many": ({"hidden": ["tanh", "tanh"]}, "hidden lists 2"),
    "a number": ({"hidden": [3]}, "no such activation"),
    "null": ({"hidden": None}, "hidden=None"),
    "no name": ({"hidden": [{"own": 3}]}, "an activation has no name"),
    "strange": ({"hidden": [{"code": "print()"}]}, "an activation has no name"),
    "softmax": ({"hidden": ["softmax"]}, "output layer only"),
    "loss": ({"loss": "none"}, "no such loss"),
    "unfit loss": ({"loss": "cross_entropy"}, "not defined for"),
    "no loss": ({"loss": [["a"]]}, "no such loss"),
    "penalty": ({"l2": float("nan")}, "l2=nan"),
    "penalty of text": ({"l1": "1"}, "l1='1'"),
    "a huge penalty": ({"l2": 10**400}, "describes no network"),
    "future": ({"attention": 8}, r"\['attention'\], which this version does not know: pip install"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_architectures_that_are_none(path, name):
    changes, message = SPOILT[name]
    architecture = {**describe(bp.Network([2, 3, 1]).architecture), **changes}
    write(path, {"theta": np.zeros(13)}, {"architecture": architecture})
    refused(path, message)


@pytest.mark.parametrize("architecture", [None, [], "tanh", 3, {}, {"hidden": ["tanh"]}])
def test_no_architecture(path, architecture):
    write(path, {"theta": np.zeros(13)}, {"architecture": architecture})
    refused(path, "does not say what network")


def test_an_architecture_that_lacks_a_part(path):
    document = describe(bp.Network([2, 3, 1]).architecture)
    del document["output"]
    write(path, {"theta": np.zeros(13)}, {"architecture": document})
    refused(path, "describes no network")


NASTY = (None, True, -1, 0, 2**70, 10**400, 1e308, float("nan"), "", "tanh", [], [[]], {}, [None])


def test_hostile_documents_with_right_checksums(path):
    """Whoever writes the document can write its checksum: a network, or CheckpointError."""
    good = describe(
        bp.Network([2, 3, 3, 2], hidden=[cube(), "relu"], output="softmax", **OPTIONS).architecture
    )
    rng, opened = random.Random(3), 0
    for _ in range(250):
        document = json.loads(json.dumps(good))
        for _ in range(rng.randint(1, 2)):
            key = rng.choice(list(document))
            if isinstance(document[key], list) and document[key] and rng.random() < 0.5:
                document[key][rng.randrange(len(document[key]))] = rng.choice(NASTY)
            else:
                document[key] = rng.choice(NASTY)
        write(path, {"theta": np.zeros(29)}, {"architecture": document})
        try:
            net = bp.load(path, "numpy", activations=[cube()])
        except bp.CheckpointError:
            continue
        assert net.sizes == (2, 3, 3, 2)
        opened += 1
    assert opened < 125


def test_too_deep_a_network_is_not_written(path):
    """No file is written that could not be opened."""
    net = bp.Network([1] * 10_001, backend="numpy")
    with pytest.raises(bp.CheckpointError, match="at most 10,000 layers"):
        net.save(path)
    assert not path.exists()


def test_describe_and_rebuild_are_inverse():
    own = cube()
    described = bp.Network([2, 3, 3, 1], hidden=[own, "relu"], **OPTIONS).architecture
    document = json.loads(json.dumps(describe(described)))
    assert rebuild(document, {"cube": own}) == described


def test_the_file_says_what_it_holds(path):
    bp.Network([2, 3, 1], hidden=cube(), l2=0.1, backend="numpy").save(path)
    arrays, metadata = read(path)
    assert list(arrays) == ["theta"]
    assert metadata["architecture"] == {
        "sizes": [2, 3, 1],
        "hidden": [{"own": "cube"}],
        "output": "sigmoid",
        "loss": "binary_cross_entropy",
        "l2": 0.1,
        "l1": 0.0,
    }
