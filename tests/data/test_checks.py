"""Data that are read piece by piece are refused for the same reasons as arrays are."""

from __future__ import annotations

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.data.checks import checked_data, checked_rows
from backprop_xp.data.rows import DeviceRows, HostRows

M = 20
X = np.random.default_rng(4).normal(size=(M, 3))


def mapped(folder, array):
    path = folder / f"{len(list(folder.iterdir()))}.bin"
    new = np.memmap(path, array.dtype, "w+", shape=array.shape)
    new[...] = array
    return new


def network(backend, output="sigmoid", outputs=1, loss=None):
    return bp.Network([3, outputs], "tanh", output, loss, backend=backend)


def sparse(array):
    return pytest.importorskip("scipy.sparse").csr_matrix(array)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """Seven rows of X at a time."""
    monkeypatch.setattr("backprop_xp.data.rows._CHUNK_ELEMENTS", 21)


@pytest.fixture(params=["mapped", "sparse"])
def source(request, tmp_path):
    """Puts X where it is read from piece by piece."""
    return sparse if request.param == "sparse" else lambda array: mapped(tmp_path, array)


def changed(place, value):
    array = X.copy()
    array[place] = value
    return array


# -- what is returned --------------------------------------------------------------------------


def test_arrays_lists_and_frames_live_on_the_device(backend):
    for x in (X, X.tolist(), backend.asarray(X), np.asfortranarray(X)):
        rows_X, rows_Y = checked_rows(network(backend), x, np.zeros(M))
        assert isinstance(rows_X, DeviceRows)
        assert isinstance(rows_Y, DeviceRows)
        assert (rows_Y.rows, rows_Y.columns) == (M, 1)


def test_files_and_sparse_matrices_stay_where_they_are(backend, source):
    rows_X, rows_Y = checked_rows(network(backend), source(X), np.zeros(M))
    assert isinstance(rows_X, HostRows)
    assert isinstance(rows_Y, HostRows)
    assert (rows_X.rows, rows_X.columns) == (M, 3)
    assert rows_X.part(0, 2).dtype == backend.xp.float32


def test_rows_of_an_array_lie_in_one_piece():
    """Else NumPy would copy all of it for every batch."""
    for x in (np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2], X[::-1]):
        for dtype in ("f4", "f8"):
            rows, _ = checked_rows(network("numpy"), x.astype(dtype), np.zeros(M))
            assert rows.array.flags.c_contiguous


def test_checked_data_is_all_of_it_on_the_device(backend, source):
    net = network(backend, "softmax", 3)
    labels = np.arange(M) % 3
    for x, y in ((X, labels), (source(X), labels)):
        inputs, targets = (backend.to_numpy(part) for part in checked_data(net, x, y))
        assert np.array_equal(inputs, X.astype("f4"))
        assert np.array_equal(targets, np.eye(3, dtype="f4")[labels])


# -- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (changed((9, 1), np.nan), bp.DataError, r"X\[9, 1\] = nan is not finite in float32\. No"),
        (changed((slice(9, 18), 2), np.inf), bp.DataError, r"X\[9, 2\] = inf .*up to row 13\)"),
        (changed((19, 0), 1e300), bp.DataError, r"X\[19, 0\] = inf is not finite in float32"),
        (X[:, :2], bp.ShapeError, r"X has 2 features \(shape \(20, 2\)\), but the network takes 3"),
        (X.astype(complex), bp.DataError, "X: not real numbers but complex"),
    ],
)
def test_x_that_does_not_fit(backend, source, x, error, message):
    with pytest.raises(error, match=f"^{message}"):
        bp.fit(network(backend), source(x), np.zeros(M))
    with pytest.raises(error, match=f"^validation {message}"):
        bp.fit(network(backend), X, np.zeros(M), validation_data=(source(x), np.zeros(M)))


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (X[0], bp.ShapeError, r"the shape \(3,\); expected \(m, 3\).*X\[None, :\]"),
        (X[None], bp.ShapeError, r"the shape \(1, 20, 3\); expected"),
        (np.full((M, 3), "a"), bp.DataError, "not real numbers but text"),
        (np.zeros((M, 3), "M8[D]"), bp.DataError, "not real numbers but dates"),
    ],
)
def test_files_that_do_not_fit(backend, tmp_path, x, error, message):
    with pytest.raises(error, match=f"^X.*{message}"):
        bp.fit(network(backend), mapped(tmp_path, x), np.zeros(M))


def test_no_rows(backend, source):
    with pytest.raises(bp.ShapeError, match=r"^X has no rows \(shape \(0, 3\)\)"):
        bp.fit(network(backend), source(X)[:0], np.zeros(0))


def test_sparse_x_of_one_dimension_and_sparse_y(backend):
    coo_array = pytest.importorskip("scipy.sparse").coo_array
    with pytest.raises(bp.ShapeError, match=r"^X has the shape \(3,\)"):
        bp.fit(network(backend), coo_array(X[0]), np.zeros(M))
    for y in (coo_array(np.ones(M)), sparse(np.ones((M, 1)))):
        with pytest.raises(bp.DataError, match=r"^Y is sparse.* hand Y\.toarray\(\)"):
            bp.fit(network(backend), X, y)


def one_hot(row=None):
    """Good rows but for number 12."""
    rows = np.eye(3)[np.arange(M) % 3]
    if row is not None:
        rows[12] = row
    return rows


def labels(row):
    numbers = np.arange(M) % 3
    numbers[12] = row
    return numbers


SOFTMAX = ("softmax", 3)
COUNTS = ("softplus", 1, "poisson")


@pytest.mark.parametrize("where", ["beside a file", "in a file"])
@pytest.mark.parametrize(
    ("kind", "y", "error", "message"),
    [
        (("sigmoid",), np.zeros(M - 1), bp.ShapeError, r"Y has 19 rows .* but X has 20"),
        (("sigmoid",), np.zeros((M, 2)), bp.ShapeError, r"Y has the shape \(20, 2\); expected"),
        (("sigmoid",), np.full(M, "a"), bp.DataError, r"Y: .* text.*numpy\.unique"),
        (("sigmoid",), labels(0.0) * 1.0, bp.DataError, r"Y\[2, 0\] = 2 is outside \[0, 1\]"),
        (("identity",), np.full(M, np.nan), bp.DataError, r"Y\[0, 0\] = nan is not finite"),
        (SOFTMAX, labels(7), bp.DataError, r"Y\[12\] is 7, but .* the integers 0 … 2"),
        (SOFTMAX, labels(-1)[:, None], bp.DataError, r"Y\[12\] is -1, but"),
        (SOFTMAX, labels(0) * 1.0, bp.DataError, r"Y: class labels must be integers 0 … 2"),
        (SOFTMAX, labels(0)[:-1], bp.ShapeError, r"Y has 19 rows"),
        (SOFTMAX, one_hot(0), bp.DataError, r"Y\[12\] is a row of zeros"),
        (SOFTMAX, one_hot(1), bp.DataError, r"Y\[12\] sums to 3; one-hot rows"),
        (SOFTMAX, one_hot([2, -1, 0]), bp.DataError, r"Y\[12, 0\] = 2 is outside \[0, 1\]"),
        (SOFTMAX, one_hot()[:, :2], bp.ShapeError, r"Y has the shape \(20, 2\).*integer class"),
        (COUNTS, -labels(0), bp.DataError, r"Y\[1, 0\] = -1 is negative, but counts"),
    ],
)
def test_y_that_does_not_fit(backend, tmp_path, where, kind, y, error, message):
    net = network(backend, *kind)
    before = backend.to_numpy(net.theta).tobytes()
    with pytest.raises(error, match=f"^{message}"):
        bp.fit(net, mapped(tmp_path, X), mapped(tmp_path, y) if where == "in a file" else y)
    assert backend.to_numpy(net.theta).tobytes() == before


def test_arrays_of_another_backend_are_refused(tmp_path):
    pytest.importorskip("array_api_strict")
    theirs = bp.get_backend("strict").asarray(np.zeros(M))
    with pytest.raises(bp.BackendError, match="Y is an array of array_api_strict"):
        checked_rows(network("numpy"), mapped(tmp_path, X), theirs)
