"""Every form of data on disk gives the rows, and the training, of the same arrays in memory."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest
from source_forms import FORMS, ROWS, X, Y, npy_shards, table

import backprop_xp as bp
from backprop_xp.training.streaming.streams import _as_source


@pytest.fixture(params=FORMS)
def data(request, tmp_path):
    """What stands for X and Y in the call of fit."""
    return FORMS[request.param](tmp_path)


def trained(backend, *data, epochs=2, batch_size=32, **options):
    net = bp.Network([5, 4, 3], output="softmax", seed=0, backend=backend)
    history = bp.fit(net, *data, epochs=epochs, batch_size=batch_size, seed=4, **options)
    return history, backend.to_numpy(net.theta)


def test_all_rows_are_there_in_their_order(data):
    source = _as_source(data, "data")
    assert (source.rows, source.x.tail) == (ROWS, (5,))
    assert int(source.blocks.rows.sum()) == ROWS
    with closing(source.reader()) as reader:
        done = 0
        for part, start, rows in zip(
            source.blocks.part, source.blocks.start, source.blocks.rows, strict=True
        ):
            x, y = source.x.empty(rows), source.y.empty(rows)
            reader.read(int(part), int(start), x, y)
            assert np.array_equal(x, X[done : done + rows])
            assert np.array_equal(y.reshape(-1), Y[done : done + rows])
            done += rows


def test_rows_are_read_from_anywhere(data):
    source = _as_source(data, "data")
    firsts = np.cumsum([0, *source.blocks.rows])
    with closing(source.reader()) as reader:
        for block in np.random.default_rng(0).permutation(len(source.blocks)):
            count = max(1, int(source.blocks.rows[block]) // 2)
            x, y = source.x.empty(count), source.y.empty(count)
            within = int(source.blocks.rows[block]) - count
            start = int(source.blocks.start[block]) + within
            reader.read(int(source.blocks.part[block]), start, x, y)
            assert np.array_equal(x, X[firsts[block] + within :][:count])


def test_what_fits_into_the_buffer_is_trained_on_as_in_memory(backend, data):
    """Bit by bit, validation included."""
    wanted, theta = trained(backend, X, Y, validation_data=(X, Y))
    history, own = trained(backend, data, validation_data=data)
    assert history.loss == wanted.loss
    assert history.validation_loss == wanted.validation_loss
    assert history.metrics == wanted.metrics
    assert np.array_equal(own, theta)


@pytest.mark.parametrize("form", [".npy files", "Zarr arrays"])
def test_paths_and_arrays_of_a_pair(backend, form, tmp_path):
    first, second = FORMS[form](tmp_path)
    _, theta = trained(backend, X, Y)
    if form == ".npy files":
        assert np.array_equal(trained(backend, str(first), str(second))[1], theta)
    else:
        path = tmp_path / "data.zarr"
        source = bp.sources.zarr(path / "X", path / "Y")
        assert np.array_equal(trained(backend, source)[1], theta)


def test_a_column_may_be_both_chosen_and_placed(tmp_path):
    pq = pytest.importorskip("pyarrow.parquet")
    pq.write_table(table(), tmp_path / "t.parquet")
    source = bp.sources.parquet(tmp_path / "t.parquet", ["x4", "y"], columns=["x2", "x0"])
    with closing(source.reader()) as reader:
        x, y = source.x.empty(9), source.y.empty(9)
        reader.read(0, 20, x, y)
    assert np.array_equal(x, X[20:29, [2, 0]])
    assert np.array_equal(y, np.stack([X[20:29, 4], Y[20:29]], axis=1))


def test_columns_and_lists_are_put_side_by_side(tmp_path):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    pairs = pa.FixedSizeListArray.from_arrays(pa.array(X[:, 1:3].reshape(-1)), 2)
    pq.write_table(pa.table({"a": X[:, 0], "b": pairs, "y": Y}), tmp_path / "t.parquet")
    source = bp.sources.parquet(tmp_path / "t.parquet", "y")
    with closing(source.reader()) as reader:
        x, y = source.x.empty(ROWS), source.y.empty(ROWS)
        reader.read(0, 0, x, y)
    assert np.array_equal(x, X[:, :3])


def test_half_precision_becomes_single(tmp_path):
    np.save(tmp_path / "X.npy", X.astype("f2"))
    np.save(tmp_path / "Y.npy", Y)
    source = bp.sources.npy(tmp_path / "X.npy", tmp_path / "Y.npy")
    x, y = source.x.empty(5), source.y.empty(5)
    with closing(source.reader()) as reader:
        reader.read(0, 3, x, y)
    assert x.dtype == np.float32
    assert np.array_equal(x, X[3:8].astype("f2").astype("f4"))


def test_memory_is_the_sum_of_its_terms(tmp_path):
    source = bp.sources.npy_shards(npy_shards(tmp_path), buffer_rows=100)
    row = 5 * 4 + 8
    batches = 4 * 8 * 100 * (5 + 1)  # converted all at once: the buffer has no more
    assert source.memory(10) == (2 + 1) * 100 * row + 24 * 100 + 48 * 4 + batches


def test_repr_says_what_it_is(tmp_path):
    source = bp.sources.npy_shards(npy_shards(tmp_path))
    assert repr(source) == f"<source {tmp_path}: 1,000 rows, 4 blocks>"
