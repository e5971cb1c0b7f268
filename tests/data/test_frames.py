"""Frames of pandas and polars: their numbers train as arrays do, the rest is named by column."""

from __future__ import annotations

import datetime
import subprocess
import sys

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.backends.frames import is_frame, read_frame

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")

DAYS = [datetime.datetime(2020, 1, day) for day in (1, 2, 3)]
COLUMNS = {
    "i": np.array([3, -1, 2]),
    "u": np.array([0, 200, 7], "u1"),
    "f": np.array([0.5, 0.25, -8]),
    "h": np.array([1, 2, 3], "f4"),
    "b": np.array([True, False, True]),
}
WANTED = np.array([[3, 0, 0.5, 1, 1], [-1, 200, 0.25, 2, 0], [2, 7, -8, 3, 1]])


def fitted(X, Y, backend="numpy", outputs=1, output="sigmoid"):
    """The losses of a short fit, whose X may have any number of columns."""
    columns = X.shape[1] if len(X.shape) > 1 else 1
    net = bp.Network([columns, 3, outputs], output=output, backend=backend)
    return bp.fit(net, X, Y, epochs=2, batch_size=2).loss


# -- what trains -------------------------------------------------------------------------------


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_a_frame_of_numbers_is_one_array(library):
    array, names = read_frame(library.DataFrame(COLUMNS), "X", "float32")
    assert array.dtype == np.float32
    assert array.flags.c_contiguous
    assert np.array_equal(array, WANTED)
    assert names.columns == ("i", "u", "f", "h", "b")


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_integers_and_booleans_remain_what_they_are(library):
    """Y may be class labels."""
    frame = library.DataFrame(COLUMNS)
    for column, kind in (("i", "i"), ("u", "u"), ("b", "b"), ("f", "f")):
        assert read_frame(frame[column], "Y")[0].dtype.kind == kind
        assert read_frame(frame[[column]], "Y")[0].shape == (3, 1)
    assert read_frame(frame[["u", "b"]], "Y")[0].dtype.kind == "u"


@pytest.mark.parametrize("dtype", ["Int8", "UInt16", "Int64", "Float32", "Float64", "boolean"])
def test_nullable_columns_without_missing_values(dtype):
    array, _ = read_frame(pd.Series([0, 1, 1], dtype=dtype), "Y")
    assert array.tolist() == [0, 1, 1]
    assert array.dtype.kind in "iufb"


def test_other_dtypes_of_numbers():
    assert read_frame(pd.Series(pd.arrays.SparseArray([0.0, 2.0])), "X")[0].tolist() == [0, 2]
    assert read_frame(pl.Series([1, 2]).cast(pl.Decimal(10, 2)), "X")[0].tolist() == [1, 2]
    assert read_frame(pl.Series([1, 2], dtype=pl.Int128), "X")[0].tolist() == [1, 2]


def test_arrow_columns():
    pytest.importorskip("pyarrow")
    assert read_frame(pd.Series([1, 2], dtype="int8[pyarrow]"), "X")[0].tolist() == [1, 2]
    with pytest.raises(bp.DataError, match=r"X\[1, 'a'\] is missing"):
        read_frame(pd.Series([1, None], dtype="int8[pyarrow]", name="a"), "X")


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_fit_and_check_take_frames(backend, library):
    frame, labels = library.DataFrame(COLUMNS), library.Series([0, 1, 1])
    wanted = fitted(WANTED, [0, 1, 1], backend)
    for Y in (labels, labels.to_frame(), labels == 1, [0, 1, 1]):
        assert fitted(frame, Y, backend) == wanted
    assert fitted(WANTED, labels, backend) == wanted
    net = bp.Network([5, 3, 1], hidden="tanh", backend=backend)
    assert bp.check_gradients(net, frame[["i", "u", "f", "h", "b"]], labels).passed


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_labels_and_one_hot_rows(library):
    wanted = fitted(WANTED, [2, 0, 1], outputs=3, output="softmax")
    labels = library.Series([2, 0, 1])
    one_hot = library.DataFrame({name: labels == i for i, name in enumerate("abc")})
    for Y in (labels, labels.to_frame(), one_hot):
        assert fitted(library.DataFrame(COLUMNS), Y, outputs=3, output="softmax") == wanted


def test_rows_are_paired_by_their_order_not_by_their_labels():
    X, Y = pd.DataFrame(COLUMNS, index=[2, 0, 1]), pd.Series([0, 1, 1], index=[9, 8, 7])
    assert fitted(X, Y) == fitted(WANTED, [0, 1, 1])


def test_subclasses_are_frames_and_other_things_are_not():
    class Table(pd.DataFrame):
        pass

    for frame in (Table(COLUMNS), pd.Series([1]), pl.Series([1]), pl.DataFrame(COLUMNS).lazy()):
        assert is_frame(frame)
    for other in (WANTED, [1], None, pd.Index([1]), {"a": [1]}):
        assert not is_frame(other)


# -- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (["x", "y", "z"], r"text, such as 'x' in row 0 \(dtype \w+\): .*pandas\.get_dummies"),
        ([1, 2, "?"], r"text, such as '\?' in row 2 \(dtype object\)"),
        (pd.Categorical([1, 2, 1]), r"categories \(dtype category\): .*pandas\.get_dummies"),
        (pd.Categorical(["a", "b", "a"]), r"text, such as 'a' in row 0 \(dtype category\)"),
        (DAYS, r"dates \(dtype datetime64.*\): turn it into numbers, such as days since a date"),
        (pd.DatetimeIndex(DAYS).tz_localize("UTC"), r"dates \(dtype datetime64.*UTC"),
        (pd.to_timedelta([1, 2, 3], unit="D"), r"durations \(dtype timedelta64"),
        (pd.period_range("2020", periods=3), r"objects \(dtype period"),
        ([1, None, object()], r"objects \(dtype object\): convert it to numbers, or drop it"),
        ([1j, 2, 3], r"complex numbers \(dtype complex128\)"),
    ],
)
def test_columns_of_pandas_that_are_no_numbers(column, message):
    frame = pd.DataFrame({"good": [1, 2, 3], "bad": column})
    with pytest.raises(bp.DataError, match=rf"^X: column 'bad' holds {message}"):
        fitted(frame, [0, 1, 1])


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (["x", "y", "z"], r"text, such as 'x' in row 0 \(dtype String\): .*to_dummies"),
        (pl.Series(["a", "b", "a"], dtype=pl.Categorical), "text, such as 'a' in row 0"),
        (DAYS, r"dates \(dtype Datetime"),
        ([datetime.timedelta(1)] * 3, r"dates \(dtype Duration"),
        ([[1], [2], [3]], r"objects \(dtype List"),
        ([None, None, None], r"objects \(dtype Null\)"),
        (pl.Series([object()] * 3, dtype=pl.Object), r"objects \(dtype Object\)"),
    ],
)
def test_columns_of_polars_that_are_no_numbers(column, message):
    frame = pl.DataFrame({"good": [1, 2, 3], "bad": column})
    with pytest.raises(bp.DataError, match=rf"^X: column 'bad' holds {message}"):
        fitted(frame, [0, 1, 1])


def test_text_in_y_asks_for_numbered_classes():
    with pytest.raises(bp.DataError, match=r"^Y holds text.*number classes.*pandas\.factorize"):
        fitted(WANTED, pd.Series(["a", "b", "c"]))
    with pytest.raises(bp.DataError, match=r"^Y: column 'kind' holds text.*Series\.rank\('dense'"):
        fitted(WANTED, pl.Series("kind", ["a", "b", "c"]))


@pytest.mark.parametrize("dtype", ["Int64", "Float32", "boolean"])
def test_missing_values_of_pandas(dtype):
    frame = pd.DataFrame({"a": [1, 2, 3], "age": pd.array([1, None, None], dtype=dtype)})
    message = r"^X\[1, 'age'\] is missing \(2 values are missing in this column\)\. Nothing was"
    with pytest.raises(bp.DataError, match=message):
        fitted(frame, [0, 1, 1])
    with pytest.raises(bp.DataError, match=r"^Y\[1, 'age'\] is missing"):
        fitted(WANTED, frame["age"])


def test_missing_values_of_polars():
    for column in ([1, None, 3], [0.5, None, 1.0], [True, None, False]):
        with pytest.raises(bp.DataError, match=r"^X\[1, 'age'\] is missing\. Nothing was trained"):
            fitted(pl.DataFrame({"a": [1, 2, 3], "age": column}), [0, 1, 1])


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_values_that_are_not_finite(library):
    frame = library.DataFrame({"a": [1, 2, 3], "b": [0.5, np.nan, 1], "c": [0.0, 0.0, np.inf]})
    message = r"^X\[1, 'b'\] = nan is not finite in float32 \(2 such values in all\)"
    with pytest.raises(bp.DataError, match=message):
        fitted(frame, [0, 1, 1])
    with pytest.raises(bp.DataError, match=r"^X\[0, 'a'\] = inf is not finite in float32"):
        fitted(library.DataFrame({"a": [1e300, 2, 3]}), [0, 1, 1])
    with pytest.raises(bp.DataError, match=r"^Y\[1, 'b'\] = nan"):
        fitted(WANTED, frame["b"])
    with pytest.raises(bp.DataError, match=r"^Y\[1, 'a'\] = 2 is outside \[0, 1\]"):
        fitted(WANTED, frame["a"])


@pytest.mark.parametrize(
    ("index", "place"),
    [
        (["p", "q", "r"], r"X\[1, 'a'\] \(in the row labelled 'q'\)"),
        ([5, 6, 7], r"X\[1, 'a'\] \(in the row labelled 6\)"),
        (
            pd.MultiIndex.from_tuples([(1, "x"), (1, "y"), (2, "x")]),
            r".* \(in the row labelled \(1, 'y'\)\)",
        ),
        ([0, 1, 2], r"X\[1, 'a'\]"),
    ],
)
def test_the_label_of_a_row_is_said_where_it_is_not_its_number(index, place):
    with pytest.raises(bp.DataError, match=rf"^{place} = nan"):
        fitted(pd.DataFrame({"a": [1, np.nan, 3]}, index=index), [0, 1, 1])


def test_columns_of_the_same_name_and_names_that_are_no_text():
    with pytest.raises(bp.DataError, match=r"^X: column 'a' holds text"):
        fitted(pd.DataFrame([[1, "x"], [2, "y"]], columns=["a", "a"]), [0, 1])
    with pytest.raises(bp.DataError, match=r"^X\[1, 2020\] = nan"):
        fitted(pd.DataFrame({2020: [1.0, np.nan]}), [0, 1])
    columns = pd.MultiIndex.from_tuples([("a", 1), ("a", 2)])
    with pytest.raises(bp.DataError, match=r"^X: column \('a', 2\) holds text"):
        fitted(pd.DataFrame([[1, "x"], [2, "y"]], columns=columns), [0, 1])


@pytest.mark.parametrize(
    ("X", "Y", "message"),
    [
        (pd.DataFrame(COLUMNS)[:0], [], r"^X has no rows \(shape \(0, 5\)\)"),
        (pl.DataFrame(COLUMNS)[:0], [], r"^X has no rows \(shape \(0, 5\)\)"),
        (pd.DataFrame(columns=list("abcde")), [], r"^X has no rows"),
        (pd.DataFrame(index=[1, 2]), [0, 1], r"^X has 0 features \(shape \(2, 0\)\)"),
        (pl.DataFrame(), [], r"^X has 0 features"),
        (pd.DataFrame(COLUMNS)[["i", "u"]], [0, 1, 1], "^X has 2 features .* the network takes 5"),
        (pd.Series([1.0, 2.0, 3.0]), [0, 1, 1], r"^X has the shape \(3,\); expected \(m, 5\)"),
        (pd.DataFrame(COLUMNS), pd.Series([0, 1]), "^Y has 2 rows .* but X has 3"),
        (pl.DataFrame(COLUMNS), pl.DataFrame(COLUMNS)[["i", "u"]], r"^Y has the shape \(3, 2\)"),
    ],
)
def test_frames_that_do_not_fit(X, Y, message):
    with pytest.raises(bp.ShapeError, match=message):
        bp.fit(bp.Network([5, 1], backend="numpy"), X, Y)


def test_a_lazy_frame_has_no_rows_yet():
    with pytest.raises(bp.DataError, match=r"^X is a LazyFrame.*hand X\.collect\(\)"):
        bp.fit(bp.Network([5, 1], backend="numpy"), pl.DataFrame(COLUMNS).lazy(), [0, 1, 1])


def test_neither_library_is_imported_for_arrays():
    code = """
import sys, numpy as np, backprop_xp as bp
bp.fit(bp.Network([2, 1], backend="numpy"), np.ones((4, 2)), [0, 1, 1, 0], epochs=1)
sys.exit(bool({"pandas", "polars", "scipy"} & set(sys.modules)))
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
