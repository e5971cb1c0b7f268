"""Files become frames, or one line that says why not."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.tables.reading import Reading, read_table

pd = pytest.importorskip("pandas")


# -- CSV ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_csv_with_any_separator(write, separator):
    text = "a, b ,c\n1,x,True\n2, y,False\n".replace(",", separator)
    frame = read_table(write("t.csv", text)).frame
    assert list(frame.columns) == ["a", "b", "c"]
    assert frame["a"].tolist() == [1, 2]
    assert frame["b"].tolist() == ["x", "y"]
    assert frame["c"].dtype == bool
    assert list(frame.index) == [0, 1]


def test_csv_missing_values_quotes_blank_lines_and_a_byte_order_mark(write):
    text = '\ufeffa,b\n,"x, and\ny"\n\n?,NA\n3,"?"\n'
    frame = read_table(write("t.csv", text)).frame
    assert list(frame.columns) == ["a", "b"]
    assert frame["a"].isna().tolist() == [True, True, False]
    assert frame["b"].isna().tolist() == [False, True, True]
    assert frame["b"][0] == "x, and\ny"


def test_csv_text_that_looks_like_numbers(write):
    path = write("t.csv", "zip,n\n01,1\n02,2\n")
    assert read_table(path).frame["zip"].tolist() == [1, 2]
    assert read_table(path, text=["zip", "absent"]).frame["zip"].tolist() == ["01", "02"]


def test_csv_written_with_its_index(write):
    frame = read_table(write("t.csv", ",a\n0,5\n1,6\n")).frame
    assert list(frame.columns) == ["Unnamed: 0", "a"]


def test_csv_agrees_with_pandas(tmp_path, rng):
    frame = pd.DataFrame(
        {
            "x": rng.standard_normal(50),
            "k": rng.integers(9, size=50),
            "s": rng.choice(["é", "ü"], 50),
        }
    )
    frame.to_csv(tmp_path / "t.csv", index=False)
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.csv").frame, frame, check_dtype=False)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("\n  \n", "is empty"),
        ("a,b\n", "has a header but no rows"),
        ("a,b,a\n1,2,3\n", "more than one column is called 'a': rename them"),
        ("a,b\n1,2\n3\n", "line 3: 1 field where the header has 2"),
        ("a,b\n1,2\n3,4,5\n", "line 3: 3 fields where the header has 2"),
        ("a,b\n1,2,3\n4,5,6\n", "line 2: 3 fields where the header has 2"),
        (b"a,b\nx,\xe9\n", "is not UTF-8 text (byte 6, in line 2, is 0xE9): say what it is, for"),
        (b"a\n" + b"x" * 9000 + b"\n\xe9\n", "(byte 9003, in line 3, is 0xE9)"),
        ("a,b\n1,2\n".encode("utf-16"), "is not UTF-8 text, but UTF-16, it seems: say what it is,"),
        ("a,b\n1,2\n".encode("utf-16-le"), "for example --encoding utf-16-le, or convert it"),
        ("a,b\n1,ü\n".encode("utf-16-be"), "for example --encoding utf-16-be, or convert it"),
        ("a,b\n1,ü\n".encode("utf-32"), "for example --encoding utf-32, or convert it"),
        ("a\0,b\n1,2\n", "is not UTF-8 text: it holds zero bytes"),
    ],
)
def test_csv_that_is_refused(write, content, message, refused):
    path = write("t.csv", content)
    assert message in refused(path)
    assert str(path) in refused(path)


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ('"a, b";"c, d"\n1;2\n', ["a, b", "c, d"]),
        ("a, x\tb, y\n1\t2\n3\t4\n", ["a, x", "b, y"]),
        ("sep=;\r\na,x;b,y\r\n1,5;2,5\r\n", ["a,x", "b,y"]),
        ('"sep=|"\na|b\n1|2\n', ["a", "b"]),
        ("SEP=\t\na\tb\n1\t2\n", ["a", "b"]),
        ("a,b;c\n1,5;2\n2,5;3\n", ["a,b", "c"]),  # commas are more often decimals
        ("a,b,c\n1|2,3,4\n5|6,7,8\n", ["a", "b", "c"]),
        ("a\n1,5\n2,5\n", ["a"]),
        ('a,b\n"x;y\nz;w",2\n', ["a", "b"]),
        ('a,b\n"' + "x\n" * 300 + '",2\n', ["a", "b"]),  # a field of more lines than are looked at
        (",Unnamed: 0,a\n1,2,3\n", ["Unnamed: 0.1", "Unnamed: 0", "a"]),
        (",,Unnamed: 1\n1,2,3\n", ["Unnamed: 0", "Unnamed: 1.1", "Unnamed: 1"]),
        (" a ,cafe\u0301\n1,2\n", ["a", "caf\u00e9"]),
    ],
)
def test_csv_separators_and_names(write, content, names):
    assert list(read_table(write("t.csv", content)).frame.columns) == names


def test_csv_separator_that_is_said(write):
    for separator, character in [("^", "^"), ("tab", "\t"), ("\\t", "\t"), ("space", " ")]:
        path = write("t.csv", f"a{character}b\n1{character}2\n")
        frame = read_table(path, reading=Reading(separator=separator)).frame
        assert frame.to_dict("list") == {"a": [1], "b": [2]}
    with pytest.raises(bp.ConfigurationError, match="--separator 'ab': expected one character"):
        read_table(path, reading=Reading(separator="ab"))


def test_csv_line_numbers_count_what_excel_writes_first(write, refused):
    assert "line 4: 1 field where the header has 2" in refused(
        write("t.csv", "sep=;\na;b\n1;2\n3\n")
    )


@pytest.mark.parametrize(
    "encoding", ["cp1252", "utf-16", "utf-16-le", "utf-32", "UTF-8", "utf-8-sig"]
)
def test_csv_encodings(write, encoding):
    path = write("t.csv", "a,b\né,1\n".encode(encoding))
    frame = read_table(path, reading=Reading(encoding=encoding)).frame
    assert frame.to_dict("list") == {"a": ["é"], "b": [1]}


def test_csv_encodings_that_are_wrong(write):
    path = write("t.csv", "a\nx\n")
    with pytest.raises(bp.ConfigurationError, match="--encoding 'latin-x': no such encoding"):
        read_table(path, reading=Reading(encoding="latin-x"))
    with pytest.raises(bp.DataError, match="is not UTF-16 text"):
        read_table(write("t.csv", "a\nxy\n"), reading=Reading(encoding="utf-16"))


def test_csv_fields_of_any_length(write):
    path = write("t.csv", f"a,b\n1,{'x' * 200_000}\n")
    assert len(read_table(path).frame["b"][0]) == 200_000


# -- Parquet -----------------------------------------------------------------------------------


def test_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame(
        {"x": [1.5, None], "s": ["a", None], "k": pd.Categorical(["u", "v"]), "b": [True, False]}
    )
    frame.to_parquet(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.parquet").frame, frame)


def test_parquet_of_whole_numbers_with_missing_ones_is_exact(tmp_path):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    column = arrow.array([1099511627776000001, None])
    parquet.write_table(arrow.table({"k": column}), tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet").frame["k"].tolist() == [1099511627776000001, None]


def test_parquet_without_the_index_that_pandas_saved(tmp_path):
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"a": [1, 2]}, index=pd.Index([7, 3], name="row"))
    frame.to_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet").frame.to_dict("list") == {"a": [1, 2]}


def test_parquet_of_lists(tmp_path):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    table = arrow.table(
        {
            "p": [[1.0, 2.0], [3.0, None], None],
            "q": arrow.array([[1, 2], [3, 4], [5, 6]], arrow.list_(arrow.int32(), 2)),
            "uneven": [[1.0], [2.0, 3.0], None],
            "texts": [["a"], ["b"], ["c"]],
            "y": [[1], [2], [3]],
        }
    )
    parquet.write_table(table, tmp_path / "t.parquet")
    frame = read_table(tmp_path / "t.parquet", exact=["y"]).frame
    assert list(frame.columns) == ["p[0]", "p[1]", "q[0]", "q[1]", "uneven", "texts", "y"]
    np.testing.assert_array_equal(frame["p[0]"], [1, 3, np.nan])
    np.testing.assert_array_equal(frame["p[1]"], [2, np.nan, np.nan])
    assert frame["q[1]"].tolist() == [2, 4, 6]


def test_parquet_with_a_name_twice(tmp_path, refused):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    table = arrow.table([[[1.0]], [2.0]], names=["a", "a[0]"])
    parquet.write_table(table, tmp_path / "t.parquet")
    assert "more than one column is called 'a[0]'" in refused(tmp_path / "t.parquet")


def test_parquet_that_is_none(write, refused):
    pytest.importorskip("pyarrow")
    assert "is not a readable Parquet file" in refused(write("t.parquet", "a,b\n1,2\n"))


# -- NPZ ---------------------------------------------------------------------------------------


def test_npz_of_x_and_y(tmp_path, rng):
    X = rng.integers(0, 255, (6, 2, 2)).astype(np.uint8)
    np.savez(tmp_path / "t.npz", X=X, y=np.arange(6)[:, None])
    frame = read_table(tmp_path / "t.npz").frame
    assert list(frame.columns) == ["x0", "x1", "x2", "x3", "y"]
    np.testing.assert_array_equal(frame[["x0", "x1", "x2", "x3"]], X.reshape(6, 4))
    assert frame["y"].tolist() == list(range(6))


def test_npz_of_named_columns(tmp_path):
    np.savez(tmp_path / "t.npz", size=[1.0, 2.0], kind=["a", "b"], code=np.array([b"u", b"v"]))
    frame = read_table(tmp_path / "t.npz").frame
    assert frame.to_dict("list") == {"size": [1, 2], "kind": ["a", "b"], "code": ["u", "v"]}


@pytest.mark.parametrize("order", "<>")
def test_npz_of_any_byte_order(tmp_path, order, rng):
    X = rng.normal(size=(4, 2))
    arrays = {"X": X.astype(f"{order}f8"), "y": np.arange(4).astype(f"{order}i8")}
    arrays |= {"half": np.arange(4).astype(f"{order}f2"), "long": np.arange(4).astype("g")}
    arrays |= {"s": np.array(["é", "b", "c", "d"]).astype(f"{order}U3")}
    arrays |= {"d": np.arange(4).astype("M8[D]").astype(f"{order}M8[s]")}
    np.savez(tmp_path / "t.npz", **arrays)
    frame = read_table(tmp_path / "t.npz").frame
    np.testing.assert_array_equal(frame[["x0", "x1"]], X)
    for name in ("y", "half", "long"):
        assert frame[name].sort_values(ascending=False).tolist() == [3, 2, 1, 0]
    assert frame["s"].tolist() == ["é", "b", "c", "d"]
    assert frame["d"].iloc[3] == pd.Timestamp("1970-01-04")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"X": np.zeros((3, 2)), "y": np.zeros(4)}, "x0 has 3 rows, but y has 4"),
        ({"X": np.zeros((3, 2)), "y": np.zeros((3, 2))}, "the array y has the shape (3, 2)"),
        ({"a": np.zeros(3, [("k", "f4")])}, "the array a has the dtype [('k', '<f4')]"),
        ({"a": np.float64(1.0)}, "the array a has the shape ()"),
        ({"a": np.zeros(0)}, "no rows"),
        ({}, "has no columns"),
    ],
)
def test_npz_that_is_refused(tmp_path, arrays, message, refused):
    np.savez(tmp_path / "t.npz", **arrays)
    assert message in refused(tmp_path / "t.npz")


class Trap:
    """An object whose unpickling would be seen."""

    sprung = False

    def __reduce__(self):
        return (setattr, (Trap, "sprung", True))


def test_npz_is_never_unpickled(tmp_path, refused):
    np.savez(tmp_path / "t.npz", X=np.zeros((2, 2)), y=np.array([Trap(), Trap()], dtype=object))
    assert "plain arrays" in refused(tmp_path / "t.npz")
    assert not Trap.sprung


def test_npz_that_is_none(write, tmp_path, refused):
    assert "is not a readable NPZ file" in refused(write("t.npz", "a,b\n1,2\n"))
    np.savez(tmp_path / "u.npz", X=np.zeros((9, 9)))
    cut = (tmp_path / "u.npz").read_bytes()[:400]
    assert "is not a readable NPZ file" in refused(write("v.npz", cut))
    with (tmp_path / "w.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    assert "is not a readable NPZ file" in refused(tmp_path / "w.npz")


# -- files -------------------------------------------------------------------------------------


def test_files_that_are_no_tables(write, tmp_path, refused):
    assert refused(tmp_path / "no.csv").endswith("no.csv: no such file")
    assert refused(tmp_path).endswith("is a directory: expected a file")
    assert "expected a name that ends in .csv" in refused(write("t.xlsx", "x"))
    assert "expected a name that ends in .csv" in refused(write("table", "x"))
    assert refused(write("t.parquet", "")).endswith("is empty")


@pytest.mark.parametrize(
    ("module", "name", "command"),
    [
        ("pandas", "t.csv", 'pip install "backprop-xp[tables]"'),
        ("pyarrow", "t.parquet", 'pip install "backprop-xp[parquet]"'),
    ],
)
def test_an_extra_that_is_not_installed(write, monkeypatch, module, name, command, refused):
    monkeypatch.setitem(sys.modules, module, None)
    message = refused(write(name, "a\n1\n"))
    assert message.endswith(command)
    assert f"needs {module}, which is not installed" in message
