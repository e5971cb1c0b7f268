"""Files become frames, or one line that says why not."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.tables.reading import read_table

pd = pytest.importorskip("pandas")


@pytest.fixture
def write(tmp_path):
    """Write bytes or text into a file of this test."""

    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def refused(path):
    with pytest.raises(bp.BackpropError) as refusal:
        read_table(path)
    message = str(refusal.value)
    assert "\n" not in message
    return message


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
        ("a,b\n1,2\n3\n", "line 3: 1 fields where the header has 2"),
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
def test_csv_that_is_refused(write, content, message):
    path = write("t.csv", content)
    assert message in refused(path)
    assert str(path) in refused(path)


# -- Parquet -----------------------------------------------------------------------------------


def test_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame(
        {"x": [1.5, None], "s": ["a", None], "k": pd.Categorical(["u", "v"]), "b": [True, False]}
    )
    frame.to_parquet(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.parquet").frame, frame)


def test_parquet_that_is_none(write):
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


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"X": np.zeros((3, 2)), "y": np.zeros(4)}, "x0 has 3 rows, but y has 4"),
        ({"X": np.zeros((3, 2)), "y": np.zeros((3, 2))}, "the array y has the shape (3, 2)"),
        ({"a": np.zeros(3, complex)}, "the array a has the dtype complex128"),
        ({"a": np.float64(1.0)}, "the array a has the shape ()"),
        ({"a": np.zeros(0)}, "no rows"),
        ({}, "has no columns"),
    ],
)
def test_npz_that_is_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "t.npz", **arrays)
    assert message in refused(tmp_path / "t.npz")


class Trap:
    """An object whose unpickling would be seen."""

    sprung = False

    def __reduce__(self):
        return (setattr, (Trap, "sprung", True))


def test_npz_is_never_unpickled(tmp_path):
    np.savez(tmp_path / "t.npz", X=np.zeros((2, 2)), y=np.array([Trap(), Trap()], dtype=object))
    assert "plain arrays" in refused(tmp_path / "t.npz")
    assert not Trap.sprung


def test_npz_that_is_none(write, tmp_path):
    assert "is not a readable NPZ file" in refused(write("t.npz", "a,b\n1,2\n"))
    np.savez(tmp_path / "u.npz", X=np.zeros((9, 9)))
    cut = (tmp_path / "u.npz").read_bytes()[:400]
    assert "is not a readable NPZ file" in refused(write("v.npz", cut))
    with (tmp_path / "w.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    assert "is not a readable NPZ file" in refused(tmp_path / "w.npz")


# -- files -------------------------------------------------------------------------------------


def test_files_that_are_no_tables(write, tmp_path):
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
def test_an_extra_that_is_not_installed(write, monkeypatch, module, name, command):
    monkeypatch.setitem(sys.modules, module, None)
    message = refused(write(name, "a\n1\n"))
    assert message.endswith(command)
    assert f"needs {module}, which is not installed" in message
