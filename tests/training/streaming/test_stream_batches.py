"""Batches of a source: every row once, in the documented order, to be had again from any batch."""

from __future__ import annotations

import threading
from contextlib import closing

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.training.streaming.stream_batches import StreamBatches

ROWS = 1000
X = np.stack([np.arange(ROWS), -np.arange(ROWS)], axis=1).astype("f4")
Y = np.arange(ROWS, dtype="f4")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Five shards, in blocks of ten rows."""
    monkeypatch.setattr("backprop_xp.sources.base.BLOCK_BYTES", 120)
    for i in range(5):
        np.save(tmp_path / f"X-{i}.npy", X[200 * i : 200 * (i + 1)])
        np.save(tmp_path / f"Y-{i}.npy", Y[200 * i : 200 * (i + 1)])
    return tmp_path


def batches(backend, folder, batch_size=16, buffer_rows=100, seed=5):
    net = bp.Network([2, 1], output="identity", backend=backend)
    source = bp.sources.npy_shards(folder, buffer_rows=buffer_rows)
    return StreamBatches(net, source, batch_size, np.random.default_rng(seed))


def order(backend, one_pass):
    rows = []
    for x, y in one_pass:
        assert type(x) is type(y) is backend.array_type
        host = backend.to_numpy(x)
        assert np.array_equal(host[:, :1], backend.to_numpy(y))
        assert np.array_equal(host[:, 0], -host[:, 1])
        rows += host[:, 0].astype(int).tolist()
    return rows


@pytest.mark.parametrize("buffer_rows", [1, 16, 100, 999, 1000])
@pytest.mark.parametrize("batch_size", [1, 16, 300])
def test_every_row_comes_once(backend, folder, batch_size, buffer_rows):
    if backend.name == "strict" and batch_size == 1:
        pytest.skip("slow")
    made = batches(backend, folder, batch_size, buffer_rows)
    for _ in range(2):
        seen = [order(backend, [batch]) for batch in made.epoch().batches()]
        assert [len(rows) for rows in seen] == made.sizes()
        assert sorted(row for rows in seen for row in rows) == list(range(ROWS))


def test_every_epoch_has_an_order_of_its_own_that_the_seed_decides(backend, folder):
    def orders(seed):
        made = batches(backend, folder, seed=seed)
        return [tuple(order(backend, made.epoch().batches())) for _ in range(3)]

    assert orders(5) == orders(5)
    assert len({*orders(5), *orders(6), tuple(range(ROWS))}) == 7


def test_the_order_is_the_documented_one(backend, folder):
    """Blocks in a new order, and the rows of each full buffer in a new order."""
    made = batches(backend, folder)  # a buffer takes six whole batches, 96 rows
    rng = np.random.default_rng(5)
    for _ in range(2):
        blocks = rng.permutation(100)
        seed = int(rng.integers(2**62))
        rows = (blocks[:, None] * 10 + np.arange(10)).reshape(-1)
        wanted = []
        for number, start in enumerate(range(0, ROWS, 96)):
            some = rows[start : start + 96]
            wanted += some[np.random.default_rng((seed, number)).permutation(len(some))].tolist()
        assert order(backend, made.epoch().batches()) == wanted


def test_what_fits_into_the_buffer_has_the_order_of_memory(backend, folder):
    made = batches(backend, folder, buffer_rows=1000)
    rng = np.random.default_rng(5)
    for _ in range(2):
        assert order(backend, made.epoch().batches()) == rng.permutation(ROWS).tolist()


@pytest.mark.parametrize("batch_size", [None, 1000, 2000])
def test_a_single_batch_draws_nothing(backend, folder, batch_size):
    made = batches(backend, folder, batch_size)
    before = made.rng.bit_generator.state
    assert order(backend, made.epoch().batches()) == list(range(ROWS))
    assert made.rng.bit_generator.state == before


@pytest.mark.parametrize("buffer_rows", [16, 100, 1000])
def test_an_epoch_can_be_had_again_from_any_batch_on(backend, folder, buffer_rows):
    made = batches(backend, folder, 50, buffer_rows)
    epoch = made.epoch()
    whole = order(backend, epoch.batches())
    made.epoch()
    for start in range(len(made) + 1):
        assert order(backend, epoch.batches(start)) == whole[50 * start :]


def test_a_pass_may_begin_in_any_buffer(backend, folder):
    """With buffers of its own: another pass has those that were there before."""
    made = batches(backend, folder, 50, 100)
    epoch = made.epoch()
    under_way = epoch.batches()
    whole = order(backend, [next(under_way)]) + order(backend, epoch.batches(1))
    for start in (2, 3, 4):
        made._spare.clear()
        assert order(backend, epoch.batches(start)) == whole[50 * start :]


def test_two_passes_at_a_time_do_not_disturb_each_other(backend, folder):
    epoch = batches(backend, folder).epoch()
    whole = order(backend, epoch.batches())
    first, second = epoch.batches(), epoch.batches()
    pairs = [(order(backend, [a]), order(backend, [b])) for a, b in zip(first, second, strict=True)]
    assert [row for a, _ in pairs for row in a] == whole
    assert [row for _, b in pairs for row in b] == whole


def test_a_batch_stays_as_it_is_until_the_next_is_asked_for(backend, folder):
    made = batches(backend, folder)
    for batch in made.epoch().batches():
        at_hand = order(backend, [batch])
        for thread in threading.enumerate():
            if "reads-ahead" in thread.name:
                thread.join(0.005)  # all that it reads meanwhile
        assert order(backend, [batch]) == at_hand


def test_rows_of_any_width_and_dtype_are_shuffled_whole(backend, tmp_path):
    for columns, dtype in ((1, "u1"), (3, "i2"), (1000, "f8")):
        values = np.arange(300 * columns).reshape(300, columns) % 97
        source = bp.sources.arrays(values.astype(dtype), Y[:300], buffer_rows=64)
        net = bp.Network([columns, 1], output="identity", dtype="float64", backend=backend)
        made = StreamBatches(net, source, 32, np.random.default_rng(5))
        for x, y in made.epoch().batches():
            rows = backend.to_numpy(y)[:, 0].astype(int)
            assert np.array_equal(backend.to_numpy(x), values[rows])


def test_a_sample_is_the_first_rows(backend, folder):
    made = batches(backend, folder)
    assert order(backend, [made.sample(4)]) == [0, 1, 2, 3]
    assert order(backend, [made.sample(400)]) == list(range(10))


def test_few_files_are_open_at_a_time(backend, folder, monkeypatch):
    """What is closed for others is opened again; a file left open would be a warning."""
    whole = order(backend, batches(backend, folder).epoch().batches())
    monkeypatch.setattr("backprop_xp.sources.npy_files._OPEN_FILES", 3)
    assert order(backend, batches(backend, folder).epoch().batches()) == whole
    reader = bp.sources.npy_shards(folder).reader()
    with closing(reader):
        for part in (0, 1, 2, 3, 4, 0):
            x, y = np.empty((1, 2), "f4"), np.empty(1, "f4")
            reader.read(part, 7, x, y)
            assert y == 200 * part + 7
            assert len(reader._open) <= 3


def test_no_thread_is_left_behind(backend, folder):
    def left():
        return [t.name for t in threading.enumerate() if "reads-ahead" in t.name]

    made = batches(backend, folder)
    for _ in made.epoch().batches():
        assert left()
        break
    assert left() == []
    next(made.epoch().batches())
    assert left() == []
