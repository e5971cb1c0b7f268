"""`predict`: a saved model on raw rows."""

from __future__ import annotations

import io
import json
import re

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.cli import main
from backprop_xp.maths.loading import load_network
from backprop_xp.maths.saved import save_network
from backprop_xp.tables.model import load_table_model

pd = pytest.importorskip("pandas")


@pytest.fixture(autouse=True)
def no_choice(monkeypatch):
    monkeypatch.delenv("BACKEND", raising=False)


def run(capsys, *arguments):
    """The exit code, stdout and stderr."""
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def shops(rng):
    """Codes that look like numbers, booleans, missing values, and targets of three kinds."""
    m = 120
    frame = pd.DataFrame(
        {
            "size": rng.normal(5, 2, m),
            "code": rng.choice(["01", "02", "x"], m),
            "open": rng.choice([True, False], m),
        }
    )
    score = frame["size"] + 3 * (frame["code"] == "x")
    frame["sold"] = np.where(score > 6, "yes", "no")
    frame["stars"] = np.clip(score // 3, 0, 3).astype(int)
    frame["price"] = 1000 + 50 * score
    frame.loc[3, "size"] = np.nan
    return frame


TARGETS = ("sold", "stars", "price")


@pytest.fixture
def trained(capsys, shops, tmp_path):
    """Train on one of the targets; return the model's path, the rows' path and the frame."""

    def train(target, *more):
        frame = shops.drop(columns=[name for name in TARGETS if name != target])
        data, model = tmp_path / "t.csv", tmp_path / "m.safetensors"
        frame.to_csv(data, index=False)
        code, _, err = run(
            capsys, "train", data, "--target", target, "--out", model, "--quiet", *more
        )
        assert (code, err) == (0, "")
        return model, data, frame

    return train


# -- predictions -------------------------------------------------------------------------------


def test_labels_and_their_probabilities_in_the_order_of_the_rows(capsys, trained):
    model, data, frame = trained("sold")
    code, out, err = run(capsys, "predict", model, data)
    predictions = pd.read_csv(io.StringIO(out))
    assert code == 0
    assert list(predictions.columns) == ["prediction", "probability_no", "probability_yes"]
    probabilities = predictions[["probability_no", "probability_yes"]].to_numpy()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    expected = np.array(["no", "yes"])[probabilities.argmax(axis=1)]
    assert predictions["prediction"].tolist() == expected.tolist()
    right = (predictions["prediction"] == frame["sold"]).sum()
    assert right > 110
    assert err.startswith(f"test accuracy {right / 120:.3f} ({right} of 120 rows right")


def test_a_dash_is_standard_output(capsys, monkeypatch, trained, tmp_path):
    monkeypatch.chdir(tmp_path)
    model, data, _ = trained("sold")
    expected = run(capsys, "predict", model, data)
    assert run(capsys, "predict", model, data, "--out", "-") == expected
    assert not (tmp_path / "-").exists()


def test_numbers_as_labels(capsys, trained):
    model, data, frame = trained("stars")
    predictions = pd.read_csv(io.StringIO(run(capsys, "predict", model, data)[1]))
    names = [f"probability_{stars}" for stars in sorted(frame["stars"].unique())]
    assert list(predictions.columns) == ["prediction", *names]
    assert (predictions["prediction"] == frame["stars"]).mean() > 0.8


def test_values_in_the_targets_units(capsys, trained):
    model, data, frame = trained("price")
    code, out, err = run(capsys, "predict", model, data)
    predictions = pd.read_csv(io.StringIO(out))
    assert code == 0
    assert list(predictions.columns) == ["prediction"]
    off = predictions["prediction"] - frame["price"]
    assert np.sqrt((off**2).mean()) < 0.3 * frame["price"].std()
    r2 = 1 - (off**2).sum() / ((frame["price"] - frame["price"].mean()) ** 2).sum()
    assert err.splitlines()[0] == f"test r2 {r2:.3f} (120 rows; always the mean: 0)"


def test_a_row_is_predicted_alike_whatever_stands_beside_it(capsys, trained, tmp_path):
    """In a part, shuffled, as Parquet, without target: codes stay text, columns are found by name.

    To the last digit, though what BLAS returns for a row depends on how many rows there are.
    """
    pytest.importorskip("pyarrow")
    model, data, frame = trained("sold")
    whole = pd.read_csv(io.StringIO(run(capsys, "predict", model, data)[1]), dtype=str)
    rows = frame.drop(columns="sold")[["open", "code", "size"]]
    numbers_alone = rows[rows["code"] == "01"].iloc[::-1]
    numbers_alone.to_csv(tmp_path / "some.csv", index=False)
    out = run(capsys, "predict", model, tmp_path / "some.csv")[1]
    some = pd.read_csv(io.StringIO(out), dtype=str)
    pd.testing.assert_frame_equal(some, whole.loc[numbers_alone.index].reset_index(drop=True))
    rows.to_parquet(tmp_path / "all.parquet")
    code, out, err = run(capsys, "predict", model, tmp_path / "all.parquet")
    assert (code, err) == (0, TRAINED_ON)
    pd.testing.assert_frame_equal(pd.read_csv(io.StringIO(out), dtype=str), whole)


TRAINED_ON = (
    "notice: 96 of these 120 rows are equal to rows that the model was trained on, where it does "
    "better than on new ones\n"
)


@pytest.mark.parametrize("target", TARGETS)
def test_a_row_has_the_same_digits_in_every_batch(trained, shops, target):
    """For BLAS it depends on the number of rows and on the row's place which kernel is used."""
    model = load_table_model(trained(target, "--epochs", 3)[0], "numpy")
    rows = pd.concat([shops.drop(columns=[*TARGETS])] * 40, ignore_index=True)
    whole = model.predictions(rows)
    for size in (1, 2, 7, 33, 4097):
        some = model.predictions(rows.iloc[-size:])
        pd.testing.assert_frame_equal(some, whole.iloc[-size:].reset_index(drop=True))
    alike = whole.groupby(whole.index % 120).nunique()
    assert (alike == 1).all(axis=None)


@pytest.mark.parametrize("target", TARGETS)
def test_no_more_digits_than_float32_holds(capsys, trained, target):
    model, data, _ = trained(target, "--epochs", 3)
    _, *lines = run(capsys, "predict", model, data)[1].splitlines()
    numbers = [field for line in lines for field in line.split(",") if "." in field]
    assert len(numbers) >= 120
    assert all(
        len(number.partition("e")[0].replace(".", "").lstrip("0")) <= 9 for number in numbers
    )
    if target == "sold":
        assert all(str(np.float32(number)) == number for number in numbers)


def test_values_far_from_zero_keep_the_digits_of_their_deviation(trained, shops):
    """float32 could not tell 2,000,000,000.1 from 2,000,000,000.2, but the network can."""
    shops["price"] += 2e9
    model = load_table_model(trained("price")[0], "numpy")
    predicted = model.predictions(shops.drop(columns=[*TARGETS]))["prediction"]
    assert np.abs(predicted - shops["price"]).mean() < 60
    assert predicted.nunique() > 100


def test_what_is_said_of_rows_that_were_trained_on(capsys, trained, tmp_path):
    model, data, frame = trained("sold", "--epochs", 2)
    assert run(capsys, "predict", model, data)[2].splitlines()[1] == TRAINED_ON.strip()
    out = run(capsys, "predict", model, data, "--out", tmp_path / "p.csv")[1]
    assert out.splitlines()[2] == TRAINED_ON.strip()
    new = frame.assign(size=frame["size"] + 0.01)
    new.to_csv(tmp_path / "new.csv", index=False)  # but for row 3, whose size is missing
    err = run(capsys, "predict", model, tmp_path / "new.csv")[2]
    assert "notice: 1 of these 120 rows is equal to rows that" in err
    new.drop(index=3).to_csv(tmp_path / "new.csv", index=False)
    assert "notice" not in run(capsys, "predict", model, tmp_path / "new.csv")[2]


def test_a_model_that_does_not_know_its_rows(capsys, trained, tmp_path):
    """One of an earlier version, or of a table whose rows are mostly alike."""
    model, data, _ = trained("sold", "--epochs", 2)
    net, extra = load_network(model, "numpy")
    save_network(net, model, {"table": extra["table"]})
    code, _, err = run(capsys, "predict", model, data)
    assert (code, len(err.splitlines())) == (0, 1)
    save_network(net, model, {"table": extra["table"], "training_rows": [0.5]})
    code, _, err = run(capsys, "predict", model, data)
    assert (code, len(err.splitlines())) == (2, 1)
    assert "its training rows are no hashes" in err


def test_the_held_out_rows_get_the_score_that_train_has_printed(capsys, trained, tmp_path):
    """`predict` is what `train` has tested, in a process that only has the file."""
    from backprop_xp.tables.prepared import prepare
    from backprop_xp.tables.reading import read_table

    model, data, _ = trained("sold")
    tested = run(capsys, "train", data, "--target", "sold", "--quiet")[1]
    held_out = prepare(read_table(data).frame, "sold").held_out.frame
    held_out.to_csv(tmp_path / "h.csv", index=False)
    found = run(capsys, "predict", model, tmp_path / "h.csv")[2]
    assert found == re.sub(r"linear model: \d\.\d{3}; ", "", tested)  # which is not saved


def test_out_writes_a_file_and_says_so(capsys, trained, tmp_path):
    model, data, _ = trained("sold")
    expected = run(capsys, "predict", model, data)[1]
    code, out, err = run(capsys, "predict", model, data, "--out", tmp_path / "p.csv")
    assert (code, err) == (0, "")
    assert (tmp_path / "p.csv").read_text() == expected
    assert out.splitlines()[0] == f"120 predictions in {tmp_path / 'p.csv'}"
    assert out.splitlines()[1].startswith("test accuracy ")


def test_every_backend_predicts_the_same(capsys, backend, trained):
    model, data, _ = trained("sold", "--epochs", 5)
    ours = run(capsys, "predict", model, data, "--backend", backend.name)[1]
    theirs = run(capsys, "predict", model, data, "--backend", "numpy")[1]
    ours, theirs = (pd.read_csv(io.StringIO(text)) for text in (ours, theirs))
    pd.testing.assert_frame_equal(ours, theirs, rtol=1e-4, atol=1e-6)


def test_only_known_targets_are_scored(capsys, trained, tmp_path):
    model, _, frame = trained("sold")
    frame.loc[:9, "sold"] = None
    frame.loc[10:14, "sold"] = "perhaps"
    frame.to_csv(tmp_path / "u.csv", index=False)
    code, out, err = run(capsys, "predict", model, tmp_path / "u.csv")
    assert (code, len(out.splitlines())) == (0, 121)
    assert "of 105 rows right" in err
    frame["sold"] = None
    frame.to_csv(tmp_path / "u.csv", index=False)
    assert "nothing to score" in run(capsys, "predict", model, tmp_path / "u.csv")[2]


# -- wrong input -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.assign(code="03"), "column 'code' has '03' in row 1, which no row had at"),
        (lambda f: f.assign(u=1), "column 'u' is not in the training file: remove it"),
        (lambda f: f.drop(columns="open"), "column 'open' of the training file is missing"),
        (lambda f: f.assign(size="big"), "column 'size' must hold numbers, but row 1 has 'big'"),
        (lambda f: f.assign(size=np.inf), "column 'size' is inf in row 1"),
    ],
)
def test_wrong_rows(capsys, trained, tmp_path, change, message):
    model, _, frame = trained("sold", "--epochs", 1)
    change(frame).to_csv(tmp_path / "w.csv", index=False)
    code, out, err = run(capsys, "predict", model, tmp_path / "w.csv")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert message in err


def test_unseen_categories_may_be_allowed(capsys, trained, tmp_path):
    model, _, frame = trained("sold", "--epochs", 1)
    frame.loc[7, "code"] = "03"
    frame.to_csv(tmp_path / "w.csv", index=False)
    assert run(capsys, "predict", model, tmp_path / "w.csv")[0] == 2
    code, out, _ = run(capsys, "predict", model, tmp_path / "w.csv", "--allow-unseen")
    assert (code, len(out.splitlines())) == (0, 121)


def test_wrong_files(capsys, trained, tmp_path):
    model, data, _ = trained("sold", "--epochs", 1)
    plain = tmp_path / "plain.safetensors"
    bp.Network([2, 1], backend="numpy").save(plain)
    for arguments, message in [
        ((tmp_path / "no", data), "there is no such file"),
        ((data, data), "no safetensors file"),
        ((tmp_path, data), "cannot be read"),
        ((plain, data), "was not trained by `train DATA`: it knows no columns"),
        ((model, tmp_path / "no.csv"), "no.csv: no such file"),
        ((model, data, "--out", model), "would overwrite what is read"),
        ((model, data, "--out", data), "would overwrite what is read"),
        ((model, data, "--out", "/no/p.csv"), "there is no directory /no"),
    ]:
        code, out, err = run(capsys, "predict", *arguments)
        assert (code, out, len(err.splitlines())) == (2, "", 1)
        assert message in err


@pytest.mark.parametrize(
    "spoil",
    [
        lambda table: table.clear(),
        lambda table: table.update(format=3),
        lambda table: table.update(columns=[]),
        lambda table: table["columns"].pop(),
        lambda table: table["columns"][0].update(mean="0"),
        lambda table: table["columns"][1]["values"].append(7),
        lambda table: table["task"].update(classes=["no"]),
        lambda table: table["task"].update(kind="regression", classes=[], mean=1e400),
    ],
)
def test_a_model_whose_table_is_damaged(capsys, trained, spoil):
    model, data, _ = trained("sold", "--epochs", 1)
    net, extra = load_network(model, "numpy")
    spoil(extra["table"])
    save_network(net, model, json.loads(json.dumps(extra).replace("Infinity", "1e400")))
    code, out, err = run(capsys, "predict", model, data)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert "is damaged, or by a newer version" in err
