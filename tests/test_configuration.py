"""Options that make no sense: an error that says which, what was expected and what is nearest."""

from __future__ import annotations

import math

import numpy as np
import pytest

import backprop_xp as bp

X, Y = np.ones((4, 2)), np.array([0, 1, 0, 1])
SWISH = bp.Activation("swish", lambda xp, z: z, lambda xp, z, a: z**0)


@pytest.mark.parametrize(
    "sizes", [[], [3], 3, "31", [3, 0, 1], [3, -2, 1], [3, 2.5, 1], [3, True], [3, None, 1], None]
)
def test_sizes(backend, sizes):
    with pytest.raises(
        bp.ShapeError, match=r"sizes=.*two or more positive integers.*\[30, 16, 1\]"
    ):
        bp.Network(sizes, backend=backend)


@pytest.mark.parametrize("sizes", [(3, 2, 1), np.array([3, 2, 1]), range(3, 0, -1)])
def test_sizes_of_other_types(backend, sizes):
    assert bp.Network(sizes, backend=backend).sizes == (3, 2, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"hidden": "rleu"},
            r"'rleu': no such activation\. Did you mean 'relu'\? The choices are:",
        ),
        ({"hidden": "TANH"}, r"Did you mean 'tanh'\?"),
        ({"hidden": ["tanh", "nothing"]}, r"'nothing': no such activation\. The choices are:"),
        ({"hidden": ["tanh"]}, r"hidden lists 1 activation for 2 hidden layers"),
        ({"hidden": ["tanh"] * 3}, r"hidden lists 3 activations for 2 hidden layers"),
        ({"hidden": []}, r"hidden lists 0 activations for 2 hidden layers"),
        ({"hidden": None}, r"hidden=None: expected a name, an Activation, or a list"),
        ({"hidden": 3}, r"hidden=3: expected a name, an Activation, or a list"),
        ({"hidden": [math.tanh] * 2}, r"no such activation"),
        ({"hidden": "softmax"}, r"softmax is for the output layer only"),
        ({"hidden": ["tanh", "softmax"]}, r"softmax is for the output layer only"),
        ({"output": "sigmiod"}, r"Did you mean 'sigmoid'\?"),
        ({"output": None}, r"None: no such activation"),
        ({"loss": "cross_entopy"}, r"no such loss\. Did you mean 'cross_entropy'\?"),
        ({"loss": 3}, r"3: no such loss"),
        (
            {"loss": "cross_entropy"},
            r"'cross_entropy' .* not defined .* 'sigmoid': use output='soft",
        ),
        (
            {"loss": "binary_cross_entropy", "output": "softmax"},
            r"a probability of its own.*use output='sigmoid'",
        ),
        ({"loss": "poisson", "output": "identity"}, r"'softplus' or 'sigmoid' or 'softmax'"),
        ({"loss": "binary_cross_entropy", "output": SWISH}, r"not defined .* 'swish'"),
        ({"initializer": "he_norml"}, r"no such initializer\. Did you mean 'he_normal'\?"),
        ({"initializer": 1}, r"1: no such initializer"),
        ({"dtype": "float16"}, r"dtype='float16': expected 'float32' or 'float64'"),
        ({"dtype": int}, r"expected 'float32' or 'float64'"),
        ({"dtype": None}, r"expected 'float32' or 'float64'"),
        ({"l2": -0.1}, r"l2=-0\.1: expected a finite number ≥ 0"),
        ({"l1": math.nan}, r"l1=nan: expected a finite number ≥ 0"),
        ({"l1": math.inf}, r"l1=inf: expected a finite number ≥ 0"),
        ({"l2": "0.1"}, r"l2='0\.1': expected a finite number ≥ 0"),
        ({"l2": None}, r"l2=None: expected a finite number ≥ 0"),
        ({"seed": -1}, r"seed=-1: expected an integer ≥ 0 or a numpy\.random\.Generator"),
        ({"seed": 1.5}, r"seed=1\.5: expected an integer"),
        ({"seed": "0"}, r"seed='0': expected an integer"),
        ({"seed": True}, r"seed=True: expected an integer"),
    ],
)
def test_network_options(backend, options, message):
    with pytest.raises(bp.ConfigurationError, match=message):
        bp.Network([2, 4, 3, 2], **options, backend=backend)


def test_softmax_over_one_output(backend):
    with pytest.raises(bp.ConfigurationError, match=r"always 1: use output='sigmoid'"):
        bp.Network([2, 3, 1], output="softmax", backend=backend)


@pytest.mark.parametrize("dtype", ["float64", np.float64, np.dtype("float64")])
def test_dtypes_of_other_types(backend, dtype):
    net = bp.Network([2, 1], dtype=dtype, backend=backend)
    assert (net.dtype, net.theta.dtype) == ("float64", backend.xp.float64)
    assert bp.Network([2, 1], dtype=backend.xp.float64, backend=backend).dtype == "float64"


@pytest.mark.parametrize("seed", [7, np.int64(7), np.random.SeedSequence(7)])
def test_seeds_of_other_types(backend, seed):
    net = bp.Network([2, 1], seed=seed, backend=backend)
    same = bp.Network([2, 1], seed=np.random.default_rng(7), backend=backend)
    assert np.array_equal(backend.to_numpy(net.theta), backend.to_numpy(same.theta))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("g", None, None), "takes a name and two functions"),
        ((None, math.tanh, math.tanh), r"value\(xp, z\) and slope\(xp, z, a\)"),
    ],
)
def test_activation(arguments, message):
    with pytest.raises(bp.ConfigurationError, match=message):
        bp.Activation(*arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, r"epochs=0: expected a positive integer"),
        ({"epochs": -3}, r"epochs=-3: expected"),
        ({"epochs": 2.0}, r"epochs=2\.0: expected"),
        ({"epochs": "3"}, r"epochs='3': expected"),
        ({"epochs": True}, r"epochs=True: expected"),
        ({"epochs": None}, r"epochs=None: expected"),
        ({"batch_size": 0}, r"batch_size=0: expected a positive integer"),
        ({"batch_size": 2.5}, r"batch_size=2\.5: expected"),
        ({"optimizer": "adam"}, r"optimizer='adam': expected an optimizer such as .*Adam\(1e-3\)"),
        ({"optimizer": bp.Adam}, r"expected an optimizer such as"),
        ({"optimizer": 0.1}, r"optimizer=0\.1: expected an optimizer"),
        ({"validation_data": X}, r"validation_data: expected a pair \(X, Y\)"),
        ({"validation_data": (X,)}, r"validation_data: expected a pair"),
        ({"validation_data": (X, Y, Y)}, r"validation_data: expected a pair"),
        ({"seed": -1}, r"seed=-1: expected an integer"),
        ({"seed": "x"}, r"seed='x': expected an integer"),
    ],
)
def test_fit_options(backend, options, message):
    net = bp.Network([2, 3, 1], backend=backend)
    before = backend.to_numpy(net.theta).tobytes()
    with pytest.raises(bp.ConfigurationError, match=message):
        bp.fit(net, X, Y, **options)
    assert backend.to_numpy(net.theta).tobytes() == before


@pytest.mark.parametrize("net", [None, "net", bp.Network])
def test_what_is_no_network(net):
    for call in (
        lambda: bp.fit(net, X, Y),
        lambda: bp.train_step(net, bp.SGD(0.1)),
        lambda: bp.check_gradients(net, X, Y),
    ):
        with pytest.raises(bp.ConfigurationError, match=r"expected a backprop_xp\.Network"):
            call()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tolerance": 0}, r"tolerance=0: expected a number > 0"),
        ({"tolerance": math.nan}, r"tolerance=nan: expected a number > 0"),
        ({"tolerance": "small"}, r"tolerance='small': expected a number > 0"),
        ({"directions": 0}, r"directions=0: expected a positive integer"),
        ({"directions": 1.5}, r"directions=1\.5: expected a positive integer"),
        ({"seed": -1}, r"seed=-1: expected an integer"),
    ],
)
def test_check_gradients_options(backend, options, message):
    with pytest.raises(bp.ConfigurationError, match=message):
        bp.check_gradients(bp.Network([2, 3, 1], backend=backend), X, Y, **options)


def test_stacks_that_are_refused(backend):
    """fit takes networks and populations, check_gradients networks alone."""
    net = bp.Network([2, 3, 1], backend=backend)
    thetas = backend.asarray(np.tile(backend.to_numpy(net.theta), (2, 2, 1)))
    stack = net.with_theta(thetas)
    before = backend.to_numpy(stack.theta).tobytes()
    with pytest.raises(bp.ShapeError, match="not a stack of the shape"):
        bp.fit(stack, X, np.ones((4, 1)))
    with pytest.raises(bp.ShapeError, match="takes a single network, not a stack"):
        bp.check_gradients(net.with_theta(thetas[0, ...]), X, np.ones((4, 1)))
    assert backend.to_numpy(stack.theta).tobytes() == before


@pytest.mark.parametrize("penalty", ["l2", "l1"])
def test_a_penalty_is_a_number_not_a_switch(penalty):
    with pytest.raises(bp.ConfigurationError, match=f"{penalty}=True"):
        bp.Network([2, 1], **{penalty: True})


def test_numbers_of_numpy_are_numbers(backend):
    net = bp.Network([2, 1], backend=backend, l2=np.float32(0.5))
    assert bp.Adam(np.float32(0.25)).learning_rate == 0.25
    assert net.W[np.int64(1)] is net.W[1]


def test_a_dtype_that_does_not_exist(backend):
    with pytest.raises(bp.ConfigurationError, match="dtype='float31'"):
        backend.asarray([1.0], "float31")
