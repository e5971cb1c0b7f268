"""Each optimizer against its published update rule, written here in plain NumPy."""

from __future__ import annotations

import copy
import gc
import math
import pickle
import weakref

import numpy as np
import pytest
from cases import OPTIMIZERS, optimizer_id

import backprop_xp as bp

STEPS = 20


def sgd(theta, gradient, rate=0.1):
    for t in range(1, STEPS + 1):
        theta = theta - rate * gradient(t, theta)
        yield theta


def momentum(theta, gradient, rate=0.1, mu=0.9):
    v = np.zeros_like(theta)
    for t in range(1, STEPS + 1):
        v = mu * v - rate * gradient(t, theta)
        theta = theta + v
        yield theta


def nesterov(theta, gradient, rate=0.1, mu=0.9):
    v = np.zeros_like(theta)
    for t in range(1, STEPS + 1):
        g = gradient(t, theta)
        v = mu * v - rate * g
        theta = theta + mu * v - rate * g
        yield theta


def rmsprop(theta, gradient, rate=1e-3, decay=0.9, epsilon=1e-8):
    v = np.zeros_like(theta)
    for t in range(1, STEPS + 1):
        g = gradient(t, theta)
        v = decay * v + (1 - decay) * g**2
        theta = theta - rate * g / (np.sqrt(v) + epsilon)
        yield theta


def adam(theta, gradient, rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.0):
    m, v = np.zeros_like(theta), np.zeros_like(theta)
    for t in range(1, STEPS + 1):
        g = gradient(t, theta)
        theta = theta - rate * weight_decay * theta
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        theta = theta - rate * m_hat / (np.sqrt(v_hat) + epsilon)
        yield theta


def adamw(theta, gradient, rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.01):
    return adam(theta, gradient, rate, beta1, beta2, epsilon, weight_decay)


# Options in the order of the signature, which is the order of the reference's too.
CASES = [
    (bp.SGD, sgd, [(), (0.03,), (1.9,)]),
    (bp.Momentum, momentum, [(), (0.03, 0.0), (0.02, 0.99)]),
    (bp.Nesterov, nesterov, [(), (0.03, 0.0), (0.02, 0.99)]),
    (bp.RMSprop, rmsprop, [(), (0.05, 0.0), (0.01, 0.99, 1e-3)]),
    (bp.Adam, adam, [(), (0.1, 0.0, 0.5), (0.01, 0.8, 0.95, 1e-2)]),
    (bp.AdamW, adamw, [(), (0.1, 0.8, 0.95, 1e-2, 0.0), (0.1, 0.8, 0.95, 1e-4, 0.5)]),
]
TABLE = [
    pytest.param(cls, reference, options, id=f"{cls.__name__}{options}")
    for cls, reference, every in CASES
    for options in every
]

CURVATURE = np.geomspace(0.01, 1.0, 13)
NOISE = np.random.default_rng(1).normal(size=(STEPS + 1, 13))

# name → gradient(t, θ) in float64
PROBLEMS = {
    "quadratic": lambda t, theta: CURVATURE * (theta - 1.0),
    "noise": lambda t, theta: NOISE[t],
    "tiny and large": lambda t, theta: NOISE[t] * np.geomspace(1e-12, 1e6, 13),
    "often zero": lambda t, theta: NOISE[t] * (NOISE[t] > 1.0),
}


def network(backend, dtype="float64"):
    net = bp.Network([2, 3, 1], dtype=dtype, backend=backend)
    net.theta = backend.asarray(np.linspace(-2.0, 2.0, 13))
    return net


def some_gradient(net):
    X = np.zeros((1, net.sizes[0]))
    return net.backward(net.forward(net.backend.asarray(X)), [0.0])


def trajectory(net, optimizer, gradient, steps=STEPS):
    """θ after every step on `gradient(t, θ)`."""
    grads = some_gradient(net)
    for t in range(1, steps + 1):
        theta = net.backend.to_numpy(net.theta).astype("float64")
        grads.theta[...] = net.backend.asarray(gradient(t, theta), net.dtype)
        optimizer.update(net, grads)
        yield net.backend.to_numpy(net.theta).copy()


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize(("cls", "reference", "options"), TABLE)
def test_follows_the_published_rule(backend, cls, reference, options, problem):
    gradient = PROBLEMS[problem]
    ours = trajectory(network(backend), cls(*options), gradient)
    wanted = reference(np.linspace(-2.0, 2.0, 13), gradient, *options)
    for theta, truth in zip(ours, wanted, strict=True):
        np.testing.assert_allclose(theta, truth, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("cls", "reference", "options"), TABLE)
def test_follows_it_in_float32(backend, cls, reference, options):
    ours = trajectory(network(backend, "float32"), cls(*options), PROBLEMS["noise"])
    wanted = reference(np.linspace(-2.0, 2.0, 13), PROBLEMS["noise"], *options)
    for theta, truth in zip(ours, wanted, strict=True):
        assert theta.dtype == "float32"
        # RMSprop without memory (ρ = 0) is the worst, 6e-5: v + (g² − v) is not quite g².
        np.testing.assert_allclose(theta, truth, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(("cls", "reference"), [case[:2] for case in CASES])
def test_follows_it_with_many_parameters(backend, cls, reference):
    """A backend may cut a long θ into blocks; each has its part of the slots."""
    net = bp.Network([250, 150, 1], dtype="float64", backend=backend)
    start = backend.to_numpy(net.theta).copy()
    noise = np.random.default_rng(2).normal(size=(4, start.size))
    ours = trajectory(net, cls(), lambda t, theta: noise[t], 3)
    for theta, truth in zip(ours, reference(start, lambda t, theta: noise[t]), strict=False):
        np.testing.assert_allclose(theta, truth, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=optimizer_id)
def test_a_gradient_of_zero_is_no_division_by_zero(backend, optimizer):
    net = network(backend)
    *_, theta = trajectory(net, copy.copy(optimizer), lambda t, theta: np.zeros(13), 3)
    decay = getattr(optimizer, "weight_decay", 0.0) * optimizer.learning_rate
    np.testing.assert_allclose(theta, np.linspace(-2.0, 2.0, 13) * (1 - decay) ** 3, rtol=1e-14)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=optimizer_id)
def test_each_network_has_a_state_of_its_own(backend, optimizer):
    optimizer, gradient = copy.copy(optimizer), PROBLEMS["noise"]
    alone = list(trajectory(network(backend), copy.copy(optimizer), gradient))
    first = trajectory(network(backend), optimizer, gradient)
    begun = [next(first) for _ in range(5)]
    second = list(trajectory(network(backend), optimizer, gradient))
    np.testing.assert_array_equal(second, alone)
    np.testing.assert_array_equal([*begun, *first], alone)  # unmoved by what the second one did


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=optimizer_id)
def test_a_copy_has_the_options_but_no_memory(backend, optimizer, how):
    used, gradient = copy.copy(optimizer), PROBLEMS["noise"]
    net = network(backend)
    list(trajectory(net, used, gradient))
    twin = how(used)
    assert twin == used == optimizer
    assert repr(twin) == repr(optimizer)
    net.theta = network(backend).theta
    alone = list(trajectory(network(backend), optimizer, gradient))
    np.testing.assert_array_equal(list(trajectory(net, twin, gradient)), alone)


def test_an_optimizer_keeps_no_network_alive(backend):
    optimizer, net = bp.Adam(), network(backend)
    optimizer.update(net, some_gradient(net))
    gone = weakref.ref(net)
    del net
    gc.collect()
    assert gone() is None


def test_a_gradient_of_another_network_is_refused(backend):
    net, other = network(backend), bp.Network([2, 2, 1], backend=backend)
    grads = some_gradient(other)
    before = backend.to_numpy(net.theta).copy()
    optimizer = bp.Adam(0.1)
    with pytest.raises(bp.ShapeError, match=r"\(9,\) values, but the network has \(13,\)"):
        optimizer.update(net, grads)
    np.testing.assert_array_equal(backend.to_numpy(net.theta), before)
    # The refused step was not counted: the next one is still Adam's first.
    theta = next(trajectory(net, optimizer, PROBLEMS["noise"]))
    np.testing.assert_array_equal(
        theta, next(trajectory(network(backend), bp.Adam(0.1), PROBLEMS["noise"]))
    )


def test_a_gradient_of_another_backend_is_refused():
    pytest.importorskip("array_api_strict")
    net, other = network(bp.get_backend("numpy")), network(bp.get_backend("strict"))
    with pytest.raises(bp.BackendError, match=r"grads.* is an array of array_api_strict"):
        bp.SGD().update(net, some_gradient(other))


RATES = [0.0, -0.1, math.nan, math.inf, "0.1", None, True]
FRACTIONS = [1.0, -0.1, 1.5, math.nan, "0.9", None, False]
OPTIONS = {
    "learning_rate": (RATES, "> 0", [*map(type, OPTIMIZERS)]),
    "momentum": (FRACTIONS, r"in \[0, 1\)", [bp.Momentum, bp.Nesterov]),
    "decay": (FRACTIONS, r"in \[0, 1\)", [bp.RMSprop]),
    "beta1": (FRACTIONS, r"in \[0, 1\)", [bp.Adam, bp.AdamW]),
    "beta2": (FRACTIONS, r"in \[0, 1\)", [bp.Adam, bp.AdamW]),
    "epsilon": (RATES, "> 0", [bp.RMSprop, bp.Adam, bp.AdamW]),
    "weight_decay": (RATES[1:], "≥ 0", [bp.AdamW]),
}


@pytest.mark.parametrize(
    ("cls", "option", "wrong", "expected"),
    [
        (cls, option, wrong, expected)
        for option, (values, expected, classes) in OPTIONS.items()
        for cls in classes
        for wrong in values
    ],
)
def test_options_are_checked(cls, option, wrong, expected):
    message = f"{cls.__name__}: {option}=.*expected a finite number {expected}"
    with pytest.raises(bp.ConfigurationError, match=message):
        cls(**{option: wrong})


def test_options_cannot_change_under_way():
    with pytest.raises(AttributeError):
        bp.Adam().learning_rate = 0.5
