"""Batches: every row once per pass, in an order that the seed alone decides."""

from __future__ import annotations

import numpy as np
import pytest

from backprop_xp.training.batches import Batches

ROWS = np.arange(11.0)


def batches(backend, batch_size, seed=5):
    """Eleven rows; X and Y both hold the row's number."""
    X, Y = backend.asarray(np.stack([ROWS, -ROWS], axis=1)), backend.asarray(ROWS[:, None])
    return Batches(backend, X, Y, batch_size, np.random.default_rng(seed))


def order(backend, one_pass):
    return [int(i) for _, Y in one_pass for i in backend.to_numpy(Y)[:, 0]]


@pytest.mark.parametrize(
    ("batch_size", "sizes"),
    [(4, [4, 4, 3]), (1, [1] * 11), (10, [10, 1]), (11, [11]), (99, [11]), (None, [11])],
)
def test_sizes(backend, batch_size, sizes):
    made = batches(backend, batch_size)
    assert len(made) == len(sizes)
    assert made.sizes() == sizes
    assert [X.shape for X, _ in made] == [(size, 2) for size in sizes]


@pytest.mark.parametrize("batch_size", [1, 4, 10, 11])
def test_every_row_comes_once_and_x_stays_with_its_y(backend, batch_size):
    made = batches(backend, batch_size)
    for _ in range(3):
        one_pass = list(made)
        assert sorted(order(backend, one_pass)) == list(range(11))
        for X, Y in one_pass:
            assert np.array_equal(backend.to_numpy(X)[:, :1], backend.to_numpy(Y))


def test_every_pass_has_an_order_of_its_own(backend):
    made = batches(backend, 4)
    orders = [tuple(order(backend, made)) for _ in range(4)]
    assert len({*orders, tuple(range(11))}) == 5


def test_the_order_is_the_hosts_permutation(backend):
    rng = np.random.default_rng(5)
    made = batches(backend, 4)
    for _ in range(2):
        assert order(backend, made) == rng.permutation(11).tolist()


def test_batches_are_arrays_of_the_backend(backend):
    for X, Y in batches(backend, 4):
        assert type(X) is type(Y) is type(backend.asarray(ROWS))


def test_a_stack_of_data_is_cut_along_its_rows(backend):
    X = backend.asarray(np.tile(ROWS[:, None], (2, 1, 1)))
    made = Batches(backend, X, X, 4, np.random.default_rng(0))
    assert [x.shape for x, _ in made] == [(2, 4, 1), (2, 4, 1), (2, 3, 1)]
