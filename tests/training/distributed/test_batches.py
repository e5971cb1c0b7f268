"""A rank's part of a batch: together the ranks have every row once, with its share in J."""

from __future__ import annotations

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.data.batches import Batches
from backprop_xp.data.rows import DeviceRows
from backprop_xp.training.distributed.batches import Layout, PartLayout, SharedBatches

PARTS = ([5], [3, 20], [40, 1, 2], [10, 10, 10, 10], [1] * 7)


def rows_of(backend, numbers):
    """Rows of which each holds its own number."""
    return DeviceRows(backend, backend.asarray(np.asarray(numbers, float)[:, None]))


def batches_of(backend, counts, sharded, batch_size, weights=None, places=True):
    """The batches of each rank, over rows that hold their numbers."""
    total, starts = sum(counts), np.cumsum([0, *counts])
    for rank, count in enumerate(counts):
        if sharded:
            layout, own = (
                PartLayout(counts, rank, batch_size),
                range(starts[rank], starts[rank + 1]),
            )
            assert len(own) == count
        else:
            layout, own = Layout(total, rank, len(counts)), range(total)
        X = rows_of(backend, own)
        rng = np.random.default_rng(3)
        yield SharedBatches(
            backend, X, X, batch_size, rng, weights, layout, "float64", places=places
        )


def whole_batches(backend, total, batch_size, epochs):
    X = rows_of(backend, range(total))
    batches = Batches(backend, X, X, batch_size, np.random.default_rng(3))
    return [[*batches.epoch().batches()] for _ in range(epochs)]


@pytest.mark.parametrize("sharded", [False, True])
@pytest.mark.parametrize("batch_size", [1, 4, 16, None])
@pytest.mark.parametrize("counts", PARTS, ids=str)
def test_the_ranks_have_every_row_of_a_batch_once(backend, counts, batch_size, sharded):
    """Two epochs, compared with the batches of one process."""
    total, to_numpy = sum(counts), backend.to_numpy
    ranks = list(batches_of(backend, counts, sharded, batch_size))
    for whole in whole_batches(backend, total, batch_size, 2):
        parts = [[*rank.epoch().batches()] for rank in ranks]
        assert {len(part) for part in parts} == {len(whole)}
        for k, (X, _) in enumerate(whole):
            m, found = X.shape[0], []
            for rank in parts:
                numbers, same, shares, places = (to_numpy(array)[:, 0] for array in rank[k])
                np.testing.assert_array_equal(numbers, same)
                used = shares > 0
                np.testing.assert_allclose(shares[used], 1.0 / m, rtol=1e-15)
                found += zip(places[used].tolist(), numbers[used].tolist(), strict=True)
            assert sorted(found) == list(enumerate(to_numpy(X)[:, 0].tolist()))
    assert {tuple(rank.sizes()) for rank in ranks} == {tuple(float(X.shape[0]) for X, _ in whole)}


@pytest.mark.parametrize("sharded", [False, True])
def test_shares_are_weights_over_those_of_the_batch(backend, sharded):
    counts, weights = [8, 3, 9], np.random.default_rng(5).uniform(0.0, 2.0, 20)
    weights[:4] = 0.0
    ranks = list(batches_of(backend, counts, sharded, 6, weights))
    (whole,) = whole_batches(backend, 20, 6, 1)
    parts = [[*rank.epoch().batches()] for rank in ranks]
    for k, (X, _) in enumerate(whole):
        numbers = backend.to_numpy(X)[:, 0].astype(int)
        wanted = dict.fromkeys(numbers.tolist(), 0.0)
        for rank in parts:
            own, _, shares, _ = (backend.to_numpy(array)[:, 0] for array in rank[k])
            for number, share in zip(own.astype(int).tolist(), shares.tolist(), strict=True):
                wanted[number] = wanted.get(number, 0.0) + share
        total = weights[numbers].sum()
        assert ranks[0].sizes()[k] == pytest.approx(total, rel=1e-15)
        for number in numbers.tolist():
            assert wanted[number] == pytest.approx(weights[number] / total, rel=1e-14)


def test_batches_without_any_weight_have_no_shares(backend):
    (rank,) = batches_of(backend, [4], False, 2, np.array([0.0, 0.0, 0.0, 0.0]))
    for batch in rank.epoch().batches():
        assert backend.to_numpy(batch[2]).tolist() == [[0.0], [0.0]]


def test_batches_from_the_middle_are_the_same(backend):
    (rank,) = batches_of(backend, [50], True, 4)
    epoch = rank.epoch()
    whole = [*epoch.batches()]
    for start in range(len(whole)):
        for left, right in zip(whole[start:], epoch.batches(start), strict=True):
            for a, b in zip(left, right, strict=True):
                np.testing.assert_array_equal(backend.to_numpy(a), backend.to_numpy(b))


def test_few_numbers_of_rows_and_little_filling():
    """Every number of rows needs arrays of its own, and what fills up is computed for nothing."""
    counts = [6_000, 14_000]
    rng = np.random.default_rng(0)
    layout = PartLayout(counts, 0, 1024)
    starts = np.arange(0, 20_000, 1024)
    sizes = np.diff(starts, append=20_000)
    taken = np.concatenate(
        [layout.padded(layout.here(rng.permutation(20_000), starts, sizes)[1]) for _ in range(20)]
    )
    assert len(set(taken.tolist())) <= 12
    assert taken.sum() < 1.05 * 20 * counts[0]


def test_every_rank_has_an_even_slice():
    starts, sizes = np.array([0, 10]), np.array([10, 3])
    slices = [Layout(13, rank, 4).here(np.arange(13), starts, sizes)[1] for rank in range(4)]
    assert np.ptp(slices, axis=0).tolist() == [1, 1]
    assert np.sum(slices, axis=0).tolist() == [10, 3]


def test_a_batch_without_places(backend):
    (rank,) = batches_of(backend, [4], False, 2, places=False)
    assert {len(batch) for batch in rank.epoch().batches()} == {3}


def test_dropout_of_some_rows_is_that_of_the_whole_batch(backend):
    """Rows 2, 5, 6 of a batch of eight drop what they drop in the whole batch."""
    net = bp.Network([3, 9, 4, 1], dropout=0.5, backend=backend)
    X = backend.asarray(np.random.default_rng(0).normal(size=(8, 3)), "float32")
    own = np.array([2, 5, 6])
    whole = net.forward(X, dropout=11)
    part = net.trace(len(own), dropout=True)
    part.read(backend.xp.take(X, backend.asarray(own), axis=0))
    part.take_places(backend.asarray(own[:, None].astype(np.uint32)))
    part.choose_dropout(11)
    net.propagate(part)
    for l in (1, 2):
        wanted = backend.to_numpy(whole.D[l])[own]
        assert 0 < np.count_nonzero(wanted) < wanted.size
        np.testing.assert_array_equal(backend.to_numpy(part.D[l]), wanted)
