"""Rows: the same rows from wherever they come, and no more of a file in memory than needed."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.data.checks import checked_rows
from backprop_xp.data.rows import DeviceRows, HostRows
from backprop_xp.sources.host_tables import (
    ArrayTable,
    MappedTable,
    Selection,
    SparseTable,
    is_memory_map,
)

VALUES = np.random.default_rng(2).integers(-4, 5, (50, 3)) / 2.0
SOME = np.array([7, 3, 49, 0, 3])


def mapped(folder, array, mode="r", order="C"):
    """A memory map of a file with the values of `array`."""
    path = folder / f"{len(list(folder.iterdir()))}.bin"
    new = np.memmap(path, array.dtype, "w+", shape=array.shape, order=order)
    new[...] = array
    new.flush()
    return np.memmap(path, array.dtype, mode, shape=array.shape, order=order)


def sparse(array):
    return pytest.importorskip("scipy.sparse").csr_matrix(array)


def empty_file(path, megabytes):
    """A file of zeros that takes no room on the disk."""
    with path.open("wb") as file:
        file.truncate(megabytes * 2**20)
    return path


TABLES = {
    "array": lambda folder: ArrayTable(VALUES),
    "memory map": lambda folder: MappedTable(mapped(folder, VALUES)),
    "Fortran order": lambda folder: MappedTable(mapped(folder, VALUES, order="F")),
    "view of a map": lambda folder: MappedTable(mapped(folder, np.repeat(VALUES, 2, 1))[:, ::2]),
    "sparse": lambda folder: SparseTable(sparse(VALUES)),
    "selection": lambda folder: Selection(
        MappedTable(mapped(folder, np.repeat(VALUES, 2, 0))), np.arange(0, 100, 2)
    ),
}


@pytest.fixture(params=TABLES)
def table(request, tmp_path):
    return TABLES[request.param](tmp_path)


# -- tables ------------------------------------------------------------------------------------


def test_a_table_gives_any_rows(table):
    assert table.shape == (50, 3)
    everything = np.random.default_rng(0).permutation(50)
    for rows in (SOME, everything, everything[:0], slice(0, 50), slice(48, 50), slice(7, 7)):
        read = table.read(rows)
        assert np.array_equal(read, VALUES[rows])
        assert read.flags.c_contiguous


def test_what_is_read_is_a_copy(table):
    for rows in (SOME, slice(0, 5)):
        table.read(rows)[...] = 99
        assert np.array_equal(table.read(rows), VALUES[rows])


def test_labels_are_read_from_a_vector(tmp_path):
    labels = np.arange(50, dtype="u1")
    for table in (ArrayTable(labels), MappedTable(mapped(tmp_path, labels))):
        assert np.array_equal(table.read(SOME), SOME)
        assert np.array_equal(table.read(slice(3, 5)), [3, 4])


def test_a_memory_map_is_known_by_what_it_looks_onto(tmp_path):
    x = mapped(tmp_path, VALUES)
    for view in (x, x[5:], x.T, np.asarray(x), np.asarray(x)[::2], x.reshape(-1)):
        assert is_memory_map(view)
    for other in (VALUES, x + 1, x[SOME], np.array(x), x.tolist(), None):
        assert not is_memory_map(other)


def test_changes_of_a_copy_on_write_map_are_kept(tmp_path):
    """They are in its pages and nowhere else: those must not be released."""
    x = mapped(tmp_path, VALUES, mode="c")
    x[3] = 99.0
    table = MappedTable(x)
    assert (table.read(np.array([3, 3]))[:, 0] == 99).all()
    assert (table.read(slice(3, 4)) == 99).all()
    assert (x[3] == 99).all()


def test_changes_of_a_shared_map_are_kept(tmp_path):
    x = mapped(tmp_path, VALUES, mode="r+")
    x[3] = 99.0
    table = MappedTable(x)
    assert (table.read(SOME)[1] == 99).all()
    assert (x[3] == 99).all()


# -- rows --------------------------------------------------------------------------------------


@pytest.fixture(params=["device", "host"])
def rows(request, backend):
    if request.param == "device":
        return DeviceRows(backend, backend.asarray(VALUES))
    return HostRows(ArrayTable(VALUES), 3, backend.asarray)


def test_rows_come_to_the_device(backend, rows):
    assert (rows.rows, rows.columns) == (50, 3)
    taken = {
        "by number": (rows.take(SOME), VALUES[SOME]),
        "by a piece of an order": (rows.take(rows.place(SOME)[1:3]), VALUES[SOME[1:3]]),
        "a part": (rows.part(4, 9), VALUES[4:9]),
        "all": (rows.part(0, 50), VALUES),
    }
    for name, (array, wanted) in taken.items():
        assert isinstance(array, backend.array_type), name
        assert np.array_equal(backend.to_numpy(array), wanted), name


def test_a_subset_is_rows_of_its_own(backend, rows):
    subset = rows.subset(SOME)
    assert (type(subset), subset.rows, subset.columns) == (type(rows), 5, 3)
    assert np.array_equal(backend.to_numpy(subset.part(1, 4)), VALUES[SOME[1:4]])
    assert np.array_equal(backend.to_numpy(subset.take(np.array([4, 0]))), VALUES[SOME[[4, 0]]])
    assert np.array_equal(
        backend.to_numpy(subset.subset(np.array([2])).part(0, 1)), VALUES[[SOME[2]]]
    )


def test_chunks_cover_the_rows(rows, monkeypatch):
    monkeypatch.setattr("backprop_xp.data.rows._CHUNK_ELEMENTS", 21)
    chunks = list(rows.chunks())
    assert [i for start, stop in chunks for i in range(start, stop)] == list(range(50))
    if isinstance(rows, HostRows):
        assert {stop - start for start, stop in chunks} == {7, 1}


# -- fit ---------------------------------------------------------------------------------------


def trained(backend, X, Y, **options):
    net = bp.Network([3, 4, 3], output="softmax", seed=0, backend=backend)
    history = bp.fit(net, X, Y, epochs=2, batch_size=8, **options)
    return history.loss, history.validation_loss, backend.to_numpy(net.theta).tolist()


LABELS = np.arange(50) % 3
DRESSES = {
    "memory map": lambda folder: (mapped(folder, VALUES), mapped(folder, LABELS)),
    "X alone": lambda folder: (mapped(folder, VALUES), LABELS),
    "X, with a list": lambda folder: (mapped(folder, VALUES), LABELS.tolist()),
    "Y alone": lambda folder: (VALUES, mapped(folder, LABELS)),
    "a column of labels": lambda folder: (VALUES, mapped(folder, LABELS[:, None])),
    "one-hot": lambda folder: (mapped(folder, VALUES), mapped(folder, np.eye(3)[LABELS])),
    "big-endian": lambda folder: (mapped(folder, VALUES.astype(">f8")), LABELS.astype(">i2")),
    "half": lambda folder: (mapped(folder, VALUES.astype("f2")), LABELS.astype("u1")),
    "Fortran order": lambda folder: (mapped(folder, VALUES, order="F"), LABELS),
    "writable": lambda folder: (mapped(folder, VALUES, "r+"), LABELS),
    "copy on write": lambda folder: (mapped(folder, VALUES, "c"), LABELS),
    "a view": lambda folder: (np.asarray(mapped(folder, VALUES[::-1].copy()))[::-1], LABELS),
    "sparse": lambda folder: (sparse(VALUES), LABELS),
    "sparse, by columns": lambda folder: (sparse(VALUES).tocsc(), LABELS),
    "sparse integers": lambda folder: (sparse((VALUES * 2).astype(int)) / 2, LABELS),
}


@pytest.mark.parametrize("dress", DRESSES)
def test_fit_gives_the_same_from_every_source(backend, dress, tmp_path):
    X, Y = DRESSES[dress](tmp_path)
    wanted = trained(backend, VALUES, LABELS, validation_data=(VALUES, LABELS))
    assert trained(backend, X, Y, validation_data=(X, Y)) == wanted


def test_sparse_arrays_are_as_good_as_matrices(backend):
    csr_array = pytest.importorskip("scipy.sparse").csr_array
    assert trained(backend, csr_array(VALUES), LABELS) == trained(backend, VALUES, LABELS)


def test_labels_in_a_file_do_not_become_one_large_matrix(tmp_path):
    net = bp.Network([3, 1000], output="softmax", backend="numpy")
    X = mapped(tmp_path, np.ones((20_000, 3), "f4"))
    labels = np.arange(20_000) % 1000
    for Y in (labels, mapped(tmp_path, labels)):
        tracemalloc.start()
        _, rows = checked_rows(net, X, Y)
        rows.take(np.arange(64))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 40e6  # of 80e6, the one-hot matrix of all rows


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["f4", "<f8", ">f4"])
def test_a_file_is_not_copied(tmp_path, order, dtype):
    """Nor in the ways in which NumPy brings rows together before it takes some of them."""
    path = empty_file(tmp_path / "zeros", 64)
    X = np.memmap(path, dtype, "r", order=order).reshape((-1, 16), order=order)
    net = bp.Network([16, 4, 1], backend="numpy")
    tracemalloc.start()
    rows, _ = checked_rows(net, X, np.zeros(len(X), "u1"))
    rows.take(np.arange(0, rows.rows, 2000))
    rows.subset(np.arange(0, rows.rows, 2)).take(np.arange(100))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 32e6


TRAIN = """
import sys
import numpy as np
import backprop_xp as bp

X = np.memmap(sys.argv[1], "f4", "r").reshape(-1, 1024)
Y = np.memmap(sys.argv[2], "u1", "r")[: len(X)]
net = bp.Network([1024, 4, 1], backend="numpy")
history = bp.fit(net, X, Y, epochs=1, batch_size=512, validation_data=(X, Y))
assert len(history.validation_loss) == 1
status = dict(line.split(":") for line in open("/proc/self/status"))
print(int(status["VmHWM"].split()[0]) / 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc")
def test_peak_memory_does_not_grow_with_the_file(tmp_path):
    """All of it counts, what is mapped of the file included."""
    labels = empty_file(tmp_path / "labels", 1)

    def peak(megabytes):
        path = empty_file(tmp_path / f"{megabytes}", megabytes)
        command = [sys.executable, "-c", TRAIN, path, labels]
        one_thread = {
            **os.environ,
            "OPENBLAS_NUM_THREADS": "1",
        }  # as other tests may use the other cores
        done = subprocess.run(command, env=one_thread, capture_output=True, text=True, check=True)
        return float(done.stdout)

    small, large = peak(10), peak(600)
    assert large - small < 60, f"{small:.0f} MB for 10 MB, {large:.0f} MB for 600 MB"
