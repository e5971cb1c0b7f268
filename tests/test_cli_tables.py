"""`train DATA` and `predict` on the tables that people have: end to end, in every kind of file."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import numpy as np
import pytest

from backprop_xp.cli import main
from backprop_xp.maths.loading import load_network
from backprop_xp.maths.saved import save_network

pd = pytest.importorskip("pandas")

M = 60


@pytest.fixture(autouse=True)
def no_choice(monkeypatch):
    monkeypatch.delenv("BACKEND", raising=False)


@pytest.fixture
def numbers(rng):
    return rng.normal(size=M)


@pytest.fixture
def table(capsys, tmp_path):
    """Train on columns written as a kind of file; then predict the same rows.

    Returns a function that returns the JSON document and the predictions, or the error.
    """

    def write(kind, columns):
        path = tmp_path / f"t.{kind}"
        if kind == "npz":
            np.savez(path, **{name: np.array(values) for name, values in columns.items()})
        elif kind == "parquet":
            pytest.importorskip("pyarrow")
            pd.DataFrame(columns).to_parquet(path, index=False)
        else:
            pd.DataFrame(columns).to_csv(path, index=False)
        return path

    def run(kind, columns, *options, new=None):
        path, model = write(kind, columns), tmp_path / "m.safetensors"
        shared = ("--target", "y", "--epochs", 2, "--json", "--out", model)
        code = main([*map(str, ["train", path, *shared, *options])])
        out, err = capsys.readouterr()
        if code:
            assert len(err.splitlines()) == 1
            return err, None
        if new is not None:
            path = write(kind, new)
        code = main(["predict", str(model), str(path)])
        predicted, err = capsys.readouterr()
        if code:
            return json.loads(out), err
        return json.loads(out), pd.read_csv(io.StringIO(predicted), dtype=str, na_filter=False)

    return run


KINDS = pytest.mark.parametrize("kind", ["csv", "parquet", "npz"])

# -- labels ------------------------------------------------------------------------------------

BIG = [1099511627776000001, 1099511627776000002, 7]


@KINDS
def test_whole_numbers_as_labels_are_exact(table, numbers, kind):
    document, predictions = table(kind, {"a": numbers, "y": BIG * 20})
    assert document["why"] == "whole numbers with 3 values → multiclass classification"
    assert list(predictions.columns[1:]) == [f"probability_{label}" for label in sorted(BIG)]
    assert set(predictions["prediction"]) <= {*map(str, BIG)}
    assert document["test"]["classes"] == [*map(str, sorted(BIG))]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_whole_numbers_as_labels_are_exact_beside_missing_ones(table, numbers, kind):
    labels = pd.Series([*BIG[:2], None] * 20, dtype="Int64")
    document, _ = table(kind, {"a": numbers, "y": labels})
    assert document["test"]["classes"] == [*map(str, BIG[:2])]


@pytest.mark.parametrize("dtype", [">i8", ">u8", "<i8", ">i4", ">f8", ">f2", "longdouble"])
def test_npz_of_any_byte_order(table, numbers, dtype):
    y = np.array([1, 2, 3] * 20).astype(dtype)
    columns = {"X": np.stack([numbers, numbers**2], axis=1).astype(">f8"), "y": y}
    document, predictions = table("npz", columns)
    assert document["test"]["classes"] == ["1", "2", "3"]
    assert len(predictions) == M


@KINDS
@pytest.mark.parametrize(
    "labels", [("00501", "501"), ("None", "x"), ("+1", "-1"), ("1.50", "2.0"), ("TRUE", "FALSE")]
)
def test_texts_as_labels_are_exact(table, numbers, kind, labels):
    options = ("--missing", "") if kind == "csv" else ()
    document, predictions = table(kind, {"a": numbers, "y": list(labels) * 30}, *options)
    assert set(document["test"]["classes"]) == set(labels)
    assert set(predictions["prediction"]) <= set(labels)


def test_a_label_is_known_again_in_another_spelling(table, numbers):
    """pandas writes 1.0 where a column has missing values, and 1 where it has none."""
    y = pd.Series([1.0, 2.0, None] * 20)
    new = {"a": numbers, "y": [1, 2, 1] * 20}
    _, predictions = table("csv", {"a": numbers, "y": y}, new=new)
    assert set(predictions["prediction"]) <= {"1.0", "2.0"}


@KINDS
def test_labels_and_categories_that_look_the_same_are_one(table, numbers, kind):
    columns = {
        "a": numbers,
        "c": ["rot", "rot ", "blau"] * 20,
        "y": ["café", "cafe\u0301", "thé", "thé "] * 15,
    }
    document, predictions = table(kind, columns)
    assert document["test"]["classes"] == ["café", "thé"]
    assert set(predictions["prediction"]) <= {"café", "thé"}
    assert document["network"]["sizes"][0] == 3
    target, category = document["notices"]
    assert r"'café' and 'cafe\u0301'; 'thé' and 'thé ' look the same" in target
    assert "column 'c': 'rot' and 'rot ' look the same" in category


def test_what_is_taken_for_missing_is_named_and_can_be_said(table, numbers):
    columns = {"a": numbers, "y": ["None", "Mild", "Severe"] * 20}
    document, _ = table("csv", columns)
    assert document["notices"][0].startswith("target 'y': rows with 'None' count as rows")
    assert document["test"]["classes"] == ["Mild", "Severe"]
    document, predictions = table("csv", columns, "--missing", "")
    assert document["notices"] == []
    assert document["test"]["classes"] == ["Mild", "None", "Severe"]
    assert "probability_None" in predictions  # and `predict` reads as `train` did


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["NA", "ZA"], "the target 'y' is 'ZA' in every row: there is nothing to learn"),
        (["None", "None"], "the target 'y' is missing in every row"),
        (["None"] * 9 + ["Mild"], "only 6 rows with a target: too few to learn from and to test"),
    ],
)
def test_an_error_names_what_was_taken_for_missing(table, numbers, labels, message):
    error, _ = table("csv", {"a": numbers, "y": labels * (M // len(labels))})
    assert message in error
    assert f"Rows with '{labels[0]}' count as rows without a target: --missing '' keeps" in error
    error, _ = table("csv", {"a": numbers, "y": [""] * M})
    assert error == "backprop-xp: error: the target 'y' is missing in every row\n"


@KINDS
def test_a_number_that_stands_for_missing(table, numbers, kind):
    columns = {"a": np.where(numbers > 1, -999, numbers), "y": ["no", "yes"] * 30}
    document, _ = table(kind, columns, "--missing", "-999")
    assert document["network"]["sizes"][0] == 2  # the number, and whether it is missing
    assert document["notices"][0].startswith("taken for missing: '-999")


# -- numbers, categories, dates ----------------------------------------------------------------


@pytest.fixture
def german(numbers):
    """As Excel writes it in Germany: text in every column."""
    point = [f"{number:,.2f}" for number in 3000 * numbers]
    comma = [text.translate(str.maketrans(",.", ".,")) for text in point]
    tail = {"menge": [f"{1 + i % 9}.{100 + i}" for i in range(M)]}
    tail |= {"anteil": [f"{text} %" for text in comma], "betrag": [f"{text} €" for text in comma]}
    return {"preis": comma, **tail, "y": ["gut", "schlecht"] * 30}


@pytest.mark.parametrize("kind", ["csv", "npz"])
def test_numbers_in_other_spellings(table, german, kind):
    document, predictions = table(kind, german)
    assert document["network"]["sizes"][0] == 4
    assert (document["left_out"], document["warning"]) == ({}, None)
    assert any("with a decimal comma: preis" in notice for notice in document["notices"])
    one_row = {name: values[:1] for name, values in german.items()}
    _, again = table(kind, german, new=one_row)
    assert again["prediction"][0] == predictions["prediction"][0]
    probability = [float(p["probability_gut"][0]) for p in (again, predictions)]
    assert probability[0] == pytest.approx(probability[1], rel=1e-5)


def test_a_target_in_another_spelling(table, german, numbers):
    document, predictions = table("csv", {"a": numbers, "y": german["preis"]}, "--epochs", 200)
    assert document["task"] == "regression"
    assert document["test"]["r2"] > 0.9
    assert "target 'y': read as numbers" in document["notices"][0]
    assert len(predictions) == M


def test_most_columns_left_out_is_said_loudly(capsys, tmp_path, numbers):
    columns = {"a": numbers, "b": [f"b{i}" for i in range(M)], "c": [f"c{i}" for i in range(M)]}
    pd.DataFrame(columns | {"y": ["no", "yes"] * 30}).to_csv(tmp_path / "t.csv", index=False)
    arguments = ["train", str(tmp_path / "t.csv"), "--target", "y", "--epochs", "1"]
    warning = "WARNING: most columns were left out, 2 of 3: b, c. The notices say why"
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-3] == warning
    assert lines[-1].startswith("test accuracy")
    assert main([*arguments, "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 1
    assert err.strip() == warning
    assert main([*arguments, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert set(document["left_out"]) == {"b", "c"}
    assert warning.endswith(document["warning"])


@KINDS
def test_row_numbers_in_any_order_teach_nothing(table, rng, kind):
    """Of rows once sorted by class the numbers say the class."""
    order = rng.permutation(M)
    columns = {"row": order, "a": rng.normal(size=M), "y": np.where(order < M // 2, "no", "yes")}
    document, _ = table(kind, columns, "--epochs", 100)
    assert set(document["left_out"]) == {"row"}
    assert document["test"]["accuracy"] < 0.95
    document, _ = table(kind, columns, "--epochs", 100, "--keep", "row")
    assert document["left_out"] == {}
    assert document["test"]["accuracy"] > 0.9


@KINDS
def test_codes_may_be_categories(table, numbers, kind):
    columns = {"plz": [f"0{1000 + i % 7}" for i in range(M)], "a": numbers, "y": ["n", "y"] * 30}
    document, _ = table(kind, columns, "--categorical", "plz")
    assert document["network"]["sizes"][0] == 8
    _, error = table(kind, columns, "--categorical", "plz", new={"plz": ["01009"], "a": [0.0]})
    assert "column 'plz' has '01009' in row 1" in error


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_dates_are_features(table, numbers, kind):
    days = pd.date_range("2024-01-01", periods=M)
    columns = {"when": days, "often": [*days[:3]] * 20, "a": numbers, "y": ["n", "y"] * 30}
    document, predictions = table(kind, columns)
    assert document["network"]["sizes"][0] == 2 * 4 + 1
    assert len(predictions) == M
    for name in ("when", "often"):
        (notice,) = (n for n in document["notices"] if f"'{name}' holds dates" in n)
        assert notice.endswith("→ year, month, day of week, days since 1970")
    new = {name: values[:1] for name, values in columns.items()} | {"when": days[-1:] + days.freq}
    assert len(table(kind, columns, new=new)[1]) == 1


def test_a_text_among_dates_is_named(table, numbers):
    days = [f"{1 + i % 28}.{1 + i % 12}.2024" for i in range(M)]
    columns = {"when": days, "a": numbers, "y": ["n", "y"] * 30}
    _, error = table("csv", columns, new={"when": ["soon"], "a": [0.0]})
    assert "column 'when' must hold dates such as '31.01.2024', but row 1 has 'soon'" in error


def test_an_empty_field_is_no_category_called_missing(table, numbers):
    columns = {"c": ["missing", "red"] * 30, "a": numbers, "y": ["n", "y"] * 30}
    document, error = table("csv", columns, new={"c": [None], "a": [0.0]})
    assert document["network"]["sizes"][0] == 3
    assert "column 'c' has no value in row 1, but all rows had one at training" in error
    document, predictions = table("csv", columns | {"c": ["missing", None] * 30})
    assert document["network"]["sizes"][0] == 3
    assert len(predictions) == M


def test_nested_columns_are_left_out(table, numbers):
    nested = {"lists": [[1.0], [1.0, 2.0]] * 30, "structs": [{"k": 1}] * M, "texts": [["t"]] * M}
    columns = {"a": numbers, **nested, "y": ["n", "y"] * 30}
    document, predictions = table("parquet", columns)
    assert set(document["left_out"]) == set(nested)
    assert len(predictions) == M
    for name in nested:
        error, _ = table("parquet", {"a": numbers, "y": columns[name]})
        assert "the target 'y' holds lists or other nested values: expected numbers or" in error


def test_empty_lists_are_left_out(table, numbers):
    columns = {"a": numbers, "e": [np.zeros(0)] * M, "y": ["n", "y"] * 30}
    document, _ = table("parquet", columns)
    (notice,) = document["notices"]
    assert notice.startswith("column 'e' is left out: it holds lists or other nested values")


@pytest.mark.parametrize(
    ("dtype", "what"), [(">m8[s]", "durations"), ("c8", "complex numbers"), ("G", "complex num")]
)
def test_arrays_of_other_types_are_left_out(table, numbers, dtype, what):
    columns = {"a": numbers, "t": np.arange(M).astype(dtype), "y": np.arange(M) % 2}
    document, _ = table("npz", columns)
    (notice,) = document["notices"]
    assert notice.startswith(f"column 't' is left out: it holds {what}")
    columns["y"], columns["t"] = columns["t"], columns["y"]
    assert f"the target 'y' holds {what}" in table("npz", columns)[0]


@pytest.mark.parametrize("kind", ["parquet", "npz"])
def test_half_precision(table, numbers, kind):
    columns = {"a": numbers, "h": np.float16(numbers[::-1]), "y": np.arange(M) % 2}
    document, _ = table(kind, columns)
    assert document["notices"] == []


def test_lists_of_one_length_are_features(table, numbers):
    columns = {"p": [[number, 1.0] for number in numbers], "y": ["n", "y"] * 30}
    document, predictions = table("parquet", columns)
    assert document["network"]["sizes"][0] == 2
    assert len(predictions) == M


def test_targets_of_other_types_are_named(table, numbers):
    days = pd.date_range("2024-01-01", periods=M)
    for values, holds in [
        (days, "dates"),
        ([d.date() for d in days], "dates"),
        ([b"x"] * M, "byt"),
    ]:
        error, _ = table("parquet", {"a": numbers, "y": values})
        assert f"the target 'y' holds {holds}" in error
    error, _ = table("csv", {"a": numbers, "y": days})
    assert "they are dates, such as '2024-01-01'" in error


# -- options and files -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--keep", "aa"], "--keep 'aa': no such column. Did you mean 'a'?"),
        (["--categorical", "x"], "--categorical 'x': no such column"),
        (["--categorical", "y"], "--categorical 'y' is the target"),
        (["--keep", "a", "--drop", "a"], "--keep 'a': --drop leaves it out"),
        (["--keep", "e"], "--keep 'e': the column cannot be used, it has no value"),
        (["--encoding", "latin-x"], "--encoding 'latin-x': no such encoding"),
        (["--encoding", "base64"], "--encoding 'base64': no such encoding of text"),
        (["--encoding", "undefined"], "--encoding 'undefined': no such encoding of text"),
        (["--separator", "ab"], "--separator 'ab': expected one character"),
    ],
)
def test_options_that_make_no_sense(table, numbers, options, message):
    columns = {"a": numbers, "e": [None] * M, "y": ["n", "y"] * 30}
    assert message in table("csv", columns, *options)[0]


@pytest.mark.parametrize(("data", "piped"), [("-", False), ("/dev/stdin", True)])
def test_standard_input(tmp_path, numbers, data, piped):
    path, model = tmp_path / "t.csv", tmp_path / "m.safetensors"
    pd.DataFrame({"a": numbers, "y": ["n", "y"] * 30}).to_csv(path, index=False)
    train = ["train", data, "--target", "y", "--epochs", "1", "--quiet", "--out", str(model)]
    for arguments, start in [
        (train, "test accuracy"),
        (["predict", str(model), data], "predictio"),
    ]:
        with path.open("rb") as file:
            given = {"input": path.read_bytes()} if piped else {"stdin": file}
            done = subprocess.run(
                [sys.executable, "-m", "backprop_xp", *arguments], capture_output=True, **given
            )
        assert (done.returncode, done.stdout[: len(start)]) == (0, start.encode()), done.stderr


def test_standard_input_is_for_one_process(capsys):
    assert main(["train", "-", "--target", "y", "--mpi"]) == 2
    assert "every rank reads DATA, so it has to be a file" in capsys.readouterr().err


def test_a_model_of_format_1_predicts_as_it_did(capsys, tmp_path, rng):
    """It named a missing category by the word "missing", and knew no dates."""
    frame = pd.DataFrame({"a": rng.normal(size=M), "c": rng.choice(["x", "z", None], M)})
    frame["y"] = ["n", "y"] * 30
    path, model = tmp_path / "t.csv", tmp_path / "m.safetensors"
    frame.to_csv(path, index=False)
    main(["train", str(path), "--target", "y", "--epochs", "1", "--out", str(model)])
    capsys.readouterr()
    main(["predict", str(model), str(path)])
    expected = capsys.readouterr()
    net, extra = load_network(model, "numpy")
    plain = extra["table"]
    assert plain.pop("reading") == {"decimal": ".", "missing": None}
    assert plain["columns"][1]["values"] == ["x", "z", None]
    plain["format"], plain["columns"][1]["values"] = 1, ["x", "z", "missing"]
    save_network(net, model, extra)
    assert main(["predict", str(model), str(path)]) == 0
    assert capsys.readouterr() == expected
