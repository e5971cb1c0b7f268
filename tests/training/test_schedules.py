"""Schedules: their values against closed forms and PyTorch's, and their effect in fit."""

from __future__ import annotations

import math

import numpy as np
import pytest

import backprop_xp as bp


def factors(schedule, epochs=10, batches=4):
    return np.array([schedule.factor(i / batches, epochs) for i in range(epochs * batches)])


def test_warm_up_is_linear():
    values = factors(bp.ConstantRate(warmup=5))
    np.testing.assert_allclose(values, np.minimum(np.arange(40) / 20, 1))
    assert (factors(bp.ConstantRate()) == 1).all()


def test_step_decay_drops_at_whole_epochs():
    values = factors(bp.StepDecay(every=3, ratio=0.5))
    np.testing.assert_allclose(values, 0.5 ** (np.arange(40) // 12))
    thirds = bp.StepDecay(every=1, ratio=0.5)  # epoch 2 may be reached as 1.9999…
    assert thirds.factor(sum([1 / 3] * 6), 10) == 0.25


def test_exponential_decay_is_the_ratio_after_an_epoch():
    values = factors(bp.ExponentialDecay(0.9))
    np.testing.assert_allclose(values[::4], 0.9 ** np.arange(10))
    np.testing.assert_allclose(values[1:] / values[:-1], 0.9**0.25)


def test_cosine():
    schedule = bp.CosineDecay(warmup=2, final=0.1)
    values = factors(schedule)
    np.testing.assert_allclose(values[:9], np.arange(9) / 8)
    assert schedule.factor(6.0, 10) == pytest.approx(0.55)
    assert schedule.factor(10.0, 10) == pytest.approx(0.1)
    assert (np.diff(values[8:]) < 0).all()
    assert bp.CosineDecay(warmup=20).factor(10.0, 10) == 0.5  # a warm-up longer than the run


def test_one_cycle():
    schedule = bp.OneCycle(peak=0.3, start=0.04, final=0.01)
    values = factors(schedule)
    assert values[0] == pytest.approx(0.04)
    assert values.argmax() == 12
    assert values.max() == pytest.approx(1.0)
    assert (np.diff(values[:13]) > 0).all()
    assert (np.diff(values[12:]) < 0).all()
    assert schedule.factor(10.0, 10) == pytest.approx(0.01)
    assert bp.OneCycle(peak=1.0).factor(10.0, 10) == pytest.approx(1.0)
    assert bp.OneCycle(peak=0.0).factor(0.0, 10) == pytest.approx(1.0)


@pytest.mark.parametrize("optimizer", [bp.SGD(0.5), bp.Momentum(0.5), bp.Adam(0.5), bp.AdamW(0.5)])
def test_fit_takes_every_step_at_its_rate(backend, rng, optimizer):
    """Against steps by hand, each by an optimizer of that rate that continues the last one."""
    X, Y = rng.normal(size=(12, 3)), rng.normal(size=12)
    options = {"output": "identity", "dtype": "float64", "backend": backend}
    net, twin = (bp.Network([3, 1], **options) for _ in range(2))
    schedule = bp.OneCycle()
    history = bp.fit(net, X, Y, epochs=5, batch_size=None, optimizer=optimizer, schedule=schedule)
    X, Y = backend.asarray(X), backend.asarray(Y)
    by_hand = type(optimizer)(0.5)
    state = by_hand.state(twin)
    for epoch in range(5):
        state.learning_rate = 0.5 * schedule.factor(epoch, 5)
        by_hand.update(twin, twin.backward(twin.forward(X), Y))
        assert history.learning_rate[epoch] == state.learning_rate
    theta = backend.to_numpy(net.theta)
    np.testing.assert_allclose(theta, backend.to_numpy(twin.theta), rtol=1e-5, atol=1e-7)


def test_without_a_schedule_the_next_fit_has_the_optimizer_s_own_rate(rng):
    X, Y = rng.normal(size=(12, 3)), np.arange(12) % 2
    net, optimizer = bp.Network([3, 1], backend="numpy"), bp.SGD(0.25)
    bp.fit(net, X, Y, epochs=2, optimizer=optimizer, schedule=bp.ExponentialDecay(0.1))
    assert bp.fit(net, X, Y, epochs=1, optimizer=optimizer).learning_rate == [0.25]


def test_plateau_waits_reduces_and_starts_anew():
    schedule = bp.ReduceOnPlateau(patience=2, ratio=0.5, min_delta=0.1)
    history, seen = bp.History(), []
    for loss in (5.0, 4.0, 3.95, 3.94, 3.93, 3.92, 1.0, 1.0):
        history.loss.append(loss)
        schedule.after_epoch(history)
        seen.append(schedule.factor(0, 1))
    assert seen == [1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.25]


def test_plateau_of_an_accuracy_rises():
    schedule = bp.ReduceOnPlateau(patience=0, ratio=0.5, monitor="validation_accuracy")
    for accuracy, expected in ((0.5, 1.0), (0.6, 1.0), (0.6, 0.5)):
        schedule.after_epoch(bp.History(metrics={"validation_accuracy": [accuracy]}))
        assert schedule.factor(0, 1) == expected


def test_a_schedule_is_not_used_up(rng):
    """The same object in two runs gives the same run twice."""
    X, Y = rng.normal(size=(20, 3)), rng.integers(0, 2, 20)
    schedule = bp.ReduceOnPlateau(patience=0, min_delta=1e9)
    rates = [
        bp.fit(bp.Network([3, 1], backend="numpy"), X, Y, epochs=4, schedule=schedule).learning_rate
        for _ in range(2)
    ]
    assert rates[0] == rates[1]
    assert rates[0][0] > rates[0][-1]


def test_a_rate_of_zero_is_allowed_and_changes_nothing(rng):
    class Off(bp.Schedule):
        def factor(self, done, epochs):
            return 0.0

    net = bp.Network([3, 1], backend="numpy")
    before = net.theta.copy()
    bp.fit(net, rng.normal(size=(20, 3)), np.arange(20) % 2, epochs=2, schedule=Off())
    assert np.array_equal(net.theta, before)


@pytest.mark.parametrize(
    "make",
    [
        lambda: bp.ConstantRate(warmup=-1),
        lambda: bp.StepDecay(every=0),
        lambda: bp.StepDecay(ratio=1.5),
        lambda: bp.StepDecay(every="2"),
        lambda: bp.ExponentialDecay(ratio="0.9"),
        lambda: bp.CosineDecay(final=math.nan),
        lambda: bp.CosineDecay(warmup=math.inf),
        lambda: bp.OneCycle(peak=1.1),
        lambda: bp.ReduceOnPlateau(patience=-1),
        lambda: bp.ReduceOnPlateau(patience=1.5),
        lambda: bp.ReduceOnPlateau(ratio=True),
        lambda: bp.ReduceOnPlateau(min_delta=-0.1),
        lambda: bp.ReduceOnPlateau(monitor=3),
    ],
)
def test_options_that_make_no_sense(make):
    with pytest.raises(bp.ConfigurationError, match="but expected"):
        make()


@pytest.mark.parametrize("schedule", ["cosine", 0.1, lambda done: 1.0, bp.CosineDecay])
def test_what_is_no_schedule(schedule):
    with pytest.raises(bp.ConfigurationError, match=r"expected a Schedule such as"):
        bp.fit(bp.Network([1, 1], backend="numpy"), [[0.0]], [0], schedule=schedule)


def test_a_figure_that_is_not_there():
    schedule = bp.ReduceOnPlateau(monitor="validation_los")
    words = r"validation_los.*(no validation data)"
    with pytest.raises(bp.ConfigurationError, match=words):
        bp.fit(bp.Network([1, 1], backend="numpy"), [[0.0]], [0], schedule=schedule)
