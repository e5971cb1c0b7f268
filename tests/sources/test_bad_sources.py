"""Files that cannot be trained on are refused before training, with their names."""

from __future__ import annotations

import os
import re
import sys

import numpy as np
import pytest
from places import locked_directory
from source_forms import X, Y, npy_shards, table, zarr_group

import backprop_xp as bp


def refused(error, *data, match, **options):
    net = bp.Network([5, 4, 3], output="softmax", backend="numpy")
    before = net.theta.copy()
    with pytest.raises(error, match=match) as caught:
        bp.fit(net, *data, epochs=2, **options)
    assert np.array_equal(net.theta, before)
    return str(caught.value)


# -- .npy --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("which", "array", "error", "words"),
    [
        ("X-02", np.ones((290, 6), "f4"), bp.ShapeError, r"rows of the shape \(6,\).*X-00"),
        ("X-02", np.ones((290, 5), "f8"), bp.DataError, r"dtype float64, but .*X-00.npy has"),
        ("Y-01", np.ones(570, "i4"), bp.DataError, r"dtype int32, but .*Y-00.npy has int64"),
        ("Y-01", np.ones((570, 3), "i8"), bp.ShapeError, r"Y-01.npy has rows of the shape \(3,\)"),
        ("X-01", np.ones((3, 5), "f4"), bp.ShapeError, r"X-01.npy has 3 rows, but .*Y-01.npy has"),
        ("X-01", np.array("text"), bp.DataError, "one number"),
        ("X-01", np.array([["text"] * 5] * 570), bp.DataError, "does not hold real numbers"),
        ("X-01", np.asfortranarray(X[130:700]), bp.DataError, "stored by columns"),
    ],
)
def test_a_shard_that_is_not_like_the_others(tmp_path, which, array, error, words):
    npy_shards(tmp_path)
    np.save(tmp_path / f"{which}.npy", array)
    assert which in refused(error, tmp_path, match=words)


def test_an_empty_shard(tmp_path):
    npy_shards(tmp_path, cuts=(0, 400, 400, 1000))
    refused(bp.DataError, tmp_path, match=r"X-01.npy has no rows: leave empty files out")


@pytest.mark.parametrize("size", [0, 5, 100, 128 + 17, 11_000])
def test_a_shard_that_is_cut_off(tmp_path, size):
    path = npy_shards(tmp_path) / "X-01.npy"
    with path.open("r+b") as file:
        file.truncate(size)
    message = refused(bp.DataError, tmp_path, match=r"X-01.npy")
    assert "cut off: its header promises 570 rows" in message or size < 128


def test_shards_without_a_partner(tmp_path):
    npy_shards(tmp_path)
    (tmp_path / "Y-02.npy").unlink()
    refused(bp.DataError, tmp_path, match=r"X-02.npy has no targets: there is no .*Y-02.npy")
    (tmp_path / "Y-02.npy").write_bytes((tmp_path / "Y-00.npy").read_bytes())
    (tmp_path / "X-02.npy").unlink()
    refused(bp.DataError, tmp_path, match=r"Y-02.npy has no inputs: there is no .*X-02.npy")


def test_paths_that_lead_nowhere(tmp_path):
    refused(bp.DataError, tmp_path, match="has no shards: expected files such as X-0000.npy")
    refused(bp.DataError, tmp_path / "no", match="does not exist")
    (tmp_path / "text.txt").write_text("1, 2")
    refused(bp.DataError, tmp_path / "text.txt", match="is no source: expected a directory")
    refused(bp.DataError, (tmp_path / "a.npy", tmp_path / "b.npy"), match="there is no such file")
    with pytest.raises(bp.DataError, match="is no directory"):
        bp.sources.npy_shards(tmp_path / "text.txt")


# -- Parquet -----------------------------------------------------------------------------------


@pytest.fixture
def write(tmp_path):
    pq = pytest.importorskip("pyarrow.parquet")

    def writer(content, name="0.parquet"):
        pq.write_table(content, tmp_path / name, row_group_size=170)
        return tmp_path / name

    return writer


def test_parquet_asks_for_its_target(write, tmp_path):
    path = write(table())
    for given in (path, tmp_path):
        message = refused(bp.ConfigurationError, given, match="is Parquet, where the target is")
        assert "backprop_xp.sources.parquet(" in message


def test_columns_that_are_missing_or_no_numbers(write):
    pa = pytest.importorskip("pyarrow")
    path = write(table())
    for options in ({"target": "Y"}, {"target": "y", "columns": ["x0", "Y"]}):
        with pytest.raises(bp.DataError, match=r"'Y': no such column\. Did you mean 'y'"):
            bp.sources.parquet(path, **options)
    with pytest.raises(bp.ConfigurationError, match="'y' is named twice"):
        bp.sources.parquet(path, "y", columns=["x0", "y"])
    with pytest.raises(bp.ConfigurationError, match="expected a list of names"):
        bp.sources.parquet(path, "y", columns="x0")
    with pytest.raises(bp.DataError, match="X has 0 columns"):
        bp.sources.parquet(path, "y", columns=[])
    path = write(pa.table({"a": ["x", "y"], "y": [0, 1]}))
    with pytest.raises(bp.DataError, match=r"column 'a' holds no numbers \((large_)?string\)"):
        bp.sources.parquet(path, "y")


def test_lists_that_differ_in_length(write):
    pa = pytest.importorskip("pyarrow")
    path = write(pa.table({"a": [[1.0, 2.0], [3.0, 4.0], [5.0]], "y": [0, 1, 2]}))
    net = bp.Network([2, 3], output="softmax", backend="numpy")
    with pytest.raises(bp.DataError, match="column 'a' has 1 numbers in row 2, but 2 in the first"):
        bp.fit(net, bp.sources.parquet(path, "y"))
    path = write(pa.table({"a": [{"k": 1}] * 3, "y": [0, 1, 2]}))
    with pytest.raises(bp.DataError, match="column 'a' holds no numbers"):
        bp.sources.parquet(path, "y")


@pytest.mark.parametrize(
    ("first", "message"),
    [
        (None, "column 'a' has missing values, the first in row 0: drop or fill"),
        ([], "column 'a' has an empty list in row 0: leave it out"),
    ],
)
def test_a_first_list_that_has_no_length(write, first, message):
    pa = pytest.importorskip("pyarrow")
    lists = pa.array([first, [1.0, 2.0], [3.0, 4.0]], pa.list_(pa.float32()))
    path = write(pa.table({"a": lists, "b": [1.0, 2.0, 3.0], "y": [0, 1, 2]}))
    with pytest.raises(bp.DataError, match=message):
        bp.sources.parquet(path, "y")
    assert bp.sources.parquet(path, "y", columns=["b"]).rows == 3


def test_missing_values_in_parquet(write):
    pa = pytest.importorskip("pyarrow")
    path = write(pa.table({"a": [1.0, None, 2.0], "y": [0, 1, 2]}))
    net = bp.Network([1, 3], output="softmax", backend="numpy")
    before = net.theta.copy()
    with pytest.raises(bp.DataError, match="column 'a' has missing values, the first in row 1"):
        bp.fit(net, bp.sources.parquet(path, "y"))
    assert np.array_equal(net.theta, before)


def test_parquet_files_that_differ(write, tmp_path):
    write(table(0, 400))
    path = write(table(400, 1000).drop_columns(["x3"]), "1.parquet")
    with pytest.raises(bp.DataError, match=r"1.parquet has the columns .*0.parquet has"):
        bp.sources.parquet(tmp_path, "y")
    wide = table(400, 1000)
    for i in range(5):
        wide = wide.set_column(i, f"x{i}", wide.column(i).cast("float64"))
    write(wide, path.name)
    with pytest.raises(bp.DataError, match=r"1.parquet has the dtype float64, but .*0.parquet"):
        bp.sources.parquet(tmp_path, "y")
    write(table(0, 0), path.name)
    with pytest.raises(bp.DataError, match=r"1.parquet has no rows"):
        bp.sources.parquet(tmp_path, "y")


def test_a_parquet_file_that_is_cut_off_or_damaged(write, tmp_path):
    path = write(table())
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(bp.DataError, match="cannot be read as Parquet"):
        bp.sources.parquet(path, "y")
    path.write_bytes(whole[:100] + bytes(len(whole) // 2) + whole[100 + len(whole) // 2 :])
    refused(bp.DataError, bp.sources.parquet(path, "y"), match="row group . cannot be read")
    with pytest.raises(bp.DataError, match="has no files"):
        bp.sources.parquet(tmp_path.parent / tmp_path.name / "..", "y")


# -- Zarr and arrays ---------------------------------------------------------------------------


def test_zarr_that_is_no_pair(tmp_path):
    zarr = pytest.importorskip("zarr")
    path = zarr_group(tmp_path)
    with pytest.raises(bp.DataError, match="is a Zarr group, but an array is expected"):
        bp.sources.zarr(path, path / "Y")
    with pytest.raises(bp.DataError, match="cannot be opened as Zarr"):
        bp.sources.zarr(tmp_path / "no")
    with pytest.raises(bp.ConfigurationError, match="expected a group's path, or X and Y"):
        bp.sources.zarr(zarr.open(str(path / "X"), mode="r"))
    group = zarr.create_group(str(tmp_path / "other"))
    group.create_array("Z", data=X)
    refused(bp.DataError, tmp_path / "other", match=r"no Zarr group with arrays X and Y .*'Z'")


def test_a_chunk_of_zarr_that_is_damaged(tmp_path):
    path = zarr_group(tmp_path)
    chunk = path / "X" / "c" / "0" / "0"
    assert chunk.is_file()
    chunk.write_bytes(b"nothing that can be decoded")
    refused(bp.DataError, path, match=r"data.zarr: rows 0 … 999 cannot be read")


def test_arrays_that_do_not_fit():
    with pytest.raises(bp.ShapeError, match="X has 1,000 rows, but Y has 999"):
        bp.sources.arrays(X, Y[1:])
    with pytest.raises(bp.DataError, match="has no rows"):
        bp.sources.arrays(X[:0], Y[:0])
    with pytest.raises(bp.DataError, match="holds one number"):
        bp.sources.arrays(X, np.array(3))
    with pytest.raises(bp.ShapeError, match=r"a row of X has the shape \(5, 1\)"):
        bp.sources.arrays(X[..., None], Y)
    refused(bp.ShapeError, (X[:, :4], Y), match="X has 4 features .* the network takes 5")
    refused(bp.ShapeError, (X, np.ones((1000, 2))), match=r"Y has the shape \(1000, 2\)")
    refused(bp.DataError, (X, Y.astype("f4")), match="class labels must be integers")


@pytest.mark.parametrize("rows", [0, -1, 2.5, True, "many"])
def test_a_buffer_that_makes_no_sense(rows):
    with pytest.raises(bp.ConfigurationError, match=re.escape(f"buffer_rows={rows!r}")):
        bp.sources.arrays(X, Y, buffer_rows=rows)


@pytest.mark.parametrize(("library", "extra"), [("pyarrow.parquet", "parquet"), ("zarr", "zarr")])
def test_a_library_that_is_not_installed(tmp_path, monkeypatch, library, extra):
    monkeypatch.setitem(sys.modules, library, None)  # its import fails
    (tmp_path / "a.parquet").touch()
    open_it = {
        "zarr": bp.sources.zarr,
        "pyarrow.parquet": lambda path: bp.sources.parquet(path, "y"),
    }
    with pytest.raises(bp.ConfigurationError, match=rf"not installed: .*\[{extra}\]"):
        open_it[library](tmp_path)


def test_no_such_kind():
    with pytest.raises(AttributeError, match="no attribute 'csv'"):
        bp.sources.csv  # noqa: B018
    assert set(bp.sources.__all__) <= set(dir(bp.sources))


@pytest.mark.skipif(os.name != "posix", reason="permissions and limits of POSIX")
@pytest.mark.parametrize("name", ["", "x.npy", "x.zarr", "x.parquet", "n" * 300])
def test_what_the_system_does_not_let_us_look_at(tmp_path, name):
    pytest.importorskip("pyarrow")
    net = bp.Network([2, 1], backend="numpy")

    def refuse_all(path):
        for data in (path, (path, path)):
            with pytest.raises(bp.DataError):
                bp.fit(net, data, progress=False)
        with pytest.raises(bp.DataError):
            bp.sources.npy_shards(path)
        with pytest.raises(bp.DataError):
            bp.sources.parquet(path, target="y")

    refuse_all(tmp_path / "missing")  # which imports what it needs
    with locked_directory(tmp_path) as locked:
        refuse_all(locked / name)


def opening(kind):
    """A function that makes a source of this kind of a path."""
    pytest.importorskip({"parquet": "pyarrow", "zarr": "zarr"}.get(kind, "numpy"))
    make = getattr(bp.sources, kind)
    return {"npy": lambda p: make(p, p), "parquet": lambda p: make(p, "y")}.get(kind, make)


KINDS = pytest.mark.parametrize("kind", ["npy", "npy_shards", "parquet", "zarr"])


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@KINDS
def test_what_may_not_be_read_says_so(tmp_path, kind):
    source = opening(kind)
    with pytest.raises(bp.DataError):
        source(tmp_path / "missing")  # which imports what it needs
    path = tmp_path / "file"
    if kind == "npy_shards":
        path.mkdir(mode=0)
    else:
        path.touch(mode=0)
    if kind == "zarr":  # a directory that may be searched, with metadata that may not be read
        path = tmp_path / "group"
        path.mkdir()
        (path / "zarr.json").touch(mode=0)
    with locked_directory(tmp_path), pytest.raises(bp.DataError) as refusal:
        source(path)
    assert "cannot be read: there is no permission to read it" in str(refusal.value)


@pytest.mark.skipif(os.name != "posix", reason="names of POSIX")
@pytest.mark.parametrize("kind", ["npy", "npy_shards", "parquet"])
def test_a_name_that_is_too_long_is_no_riddle(tmp_path, kind):
    with pytest.raises(bp.DataError, match=r"n{300} cannot be read: File name too long$"):
        opening(kind)(tmp_path / ("n" * 300))


@pytest.mark.parametrize("kind", ["npy", "npy_shards", "parquet"])
@pytest.mark.parametrize("path", [None, 3, "", "a\0b", np.zeros(2)])
def test_what_is_no_path(kind, path):
    with pytest.raises(bp.ConfigurationError, match=r"^path=.*: expected the name of a"):
        opening(kind)(path)
