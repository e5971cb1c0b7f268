"""Batches: every row once per epoch, in an order that the seed alone decides, to be had again."""

from __future__ import annotations

import numpy as np
import pytest

from backprop_xp.data.batches import Batches
from backprop_xp.data.rows import DeviceRows, HostRows
from backprop_xp.sources.host_tables import ArrayTable

ROWS = np.arange(11.0)


def on_device(backend, array):
    return DeviceRows(backend, backend.asarray(array))


def on_host(backend, array):
    return HostRows(ArrayTable(array), array.shape[1], backend.asarray)


def batches(backend, batch_size, seed=5, rows=on_device, weights=None):
    """Eleven rows; X and Y both hold the row's number."""
    X, Y = rows(backend, np.stack([ROWS, -ROWS], axis=1)), rows(backend, ROWS[:, None])
    return Batches(backend, X, Y, batch_size, np.random.default_rng(seed), weights)


def order(backend, one_pass):
    return [int(i) for _, Y in one_pass for i in backend.to_numpy(Y)[:, 0]]


@pytest.fixture(params=[on_device, on_host])
def rows(request):
    return request.param


@pytest.mark.parametrize(
    ("batch_size", "sizes"),
    [(4, [4, 4, 3]), (1, [1] * 11), (10, [10, 1]), (11, [11]), (99, [11]), (None, [11])],
)
def test_sizes(backend, rows, batch_size, sizes):
    made = batches(backend, batch_size, rows=rows)
    assert len(made) == len(sizes)
    assert made.sizes() == sizes
    assert [X.shape for X, _ in made.epoch().batches()] == [(size, 2) for size in sizes]


@pytest.mark.parametrize("batch_size", [1, 4, 10, 11])
def test_every_row_comes_once_and_x_stays_with_its_y(backend, rows, batch_size):
    made = batches(backend, batch_size, rows=rows)
    for _ in range(3):
        one_pass = list(made.epoch().batches())
        assert sorted(order(backend, one_pass)) == list(range(11))
        for X, Y in one_pass:
            assert np.array_equal(backend.to_numpy(X)[:, :1], backend.to_numpy(Y))


def test_every_epoch_has_an_order_of_its_own(backend):
    made = batches(backend, 4)
    orders = [tuple(order(backend, made.epoch().batches())) for _ in range(4)]
    assert len({*orders, tuple(range(11))}) == 5


def test_the_order_is_the_hosts_permutation(backend, rows):
    rng = np.random.default_rng(5)
    made = batches(backend, 4, rows=rows)
    for _ in range(2):
        assert order(backend, made.epoch().batches()) == rng.permutation(11).tolist()


@pytest.mark.parametrize(("batch_size", "drawn"), [(4, True), (11, False), (None, False)])
def test_a_single_batch_draws_nothing(backend, batch_size, drawn):
    made = batches(backend, batch_size)
    before = made.rng.bit_generator.state
    epoch = made.epoch()
    assert (made.rng.bit_generator.state != before) == drawn
    assert (order(backend, epoch.batches()) == list(range(11))) != drawn


@pytest.mark.parametrize("batch_size", [1, 2, 4, 11])
@pytest.mark.parametrize("at_once", [1, 13, 2**17])  # rows are gathered for 1, 2 or all batches
def test_an_epoch_can_be_had_again_from_any_batch_on(
    backend, rows, batch_size, at_once, monkeypatch
):
    monkeypatch.setattr("backprop_xp.data.batches.GATHERED_ELEMENTS", at_once)
    made = batches(backend, batch_size, rows=rows)
    epoch = made.epoch()
    whole = order(backend, epoch.batches())
    made.epoch()  # of which the first one takes no notice
    for start in range(len(made) + 1):
        assert order(backend, epoch.batches(start)) == whole[start * batch_size :]
    assert order(backend, epoch.batches()) == whole


def test_a_batch_is_not_changed_by_those_after_it(backend, rows):
    epoch = batches(backend, 2, rows=rows).epoch()
    at_hand = [order(backend, [batch]) for batch in epoch.batches()]
    assert [order(backend, [batch]) for batch in list(epoch.batches())] == at_hand


@pytest.mark.parametrize("batch_size", [4, None])
def test_weights_stay_with_their_rows(backend, rows, batch_size):
    weights = backend.asarray(10 * ROWS[:, None])
    made = batches(backend, batch_size, rows=rows, weights=weights)
    seen = list(made.epoch().batches())
    assert sum(w.shape[0] for _, _, w in seen) == 11
    for _, Y, w in seen:
        assert np.array_equal(backend.to_numpy(w), 10 * backend.to_numpy(Y))


def test_batches_are_arrays_of_the_backend(backend, rows):
    for X, Y in batches(backend, 4, rows=rows).epoch().batches():
        assert type(X) is type(Y) is type(backend.asarray(ROWS))


def test_a_stack_of_data_is_cut_along_its_rows(backend):
    X = on_device(backend, np.tile(ROWS[:, None], (2, 1, 1)))
    made = Batches(backend, X, X, 4, np.random.default_rng(0))
    assert [x.shape for x, _ in made.epoch().batches()] == [(2, 4, 1), (2, 4, 1), (2, 3, 1)]
