"""`train DATA`: from the user's file to a tested and saved network."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.cli import main
from backprop_xp.cli import train_table as room
from backprop_xp.maths.loading import load_network
from backprop_xp.maths.saved import save_network
from backprop_xp.tables import defaults
from backprop_xp.tables.model import load_table_model
from backprop_xp.tables.prepared import prepare

pd = pytest.importorskip("pandas")
datasets = pytest.importorskip("sklearn.datasets")


@pytest.fixture(autouse=True)
def no_choice(monkeypatch):
    monkeypatch.delenv("BACKEND", raising=False)


@pytest.fixture
def wine(tmp_path):
    data = datasets.load_wine(as_frame=True)
    frame = data.frame.assign(target=data.target_names[data.target])
    frame.to_csv(tmp_path / "wine.csv", index=False)
    return tmp_path / "wine.csv"


@pytest.fixture
def diabetes(tmp_path):
    datasets.load_diabetes(as_frame=True).frame.to_csv(tmp_path / "diabetes.csv", index=False)
    return tmp_path / "diabetes.csv"


@pytest.fixture
def shops(tmp_path, rng):
    """A small table with numbers, text, missing values and a binary target."""
    m = 200
    frame = pd.DataFrame({"size": rng.normal(5, 2, m), "colour": rng.choice(["red", "blue"], m)})
    frame["sold"] = np.where(frame["size"] + 3 * (frame["colour"] == "red") > 6, "yes", "no")
    frame.loc[4, "size"] = np.nan
    frame.to_csv(tmp_path / "shops.csv", index=False)
    return tmp_path / "shops.csv"


def run(capsys, *arguments):
    """The exit code, the lines on stdout, and stderr."""
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out.splitlines(), captured.err


def figure(line):
    return float(re.match(r"test (?:accuracy|r2) (-?\d\.\d{3}) \(", line)[1])


# -- the three tasks ---------------------------------------------------------------------------


def test_multiclass(capsys, wine):
    code, lines, err = run(capsys, "train", wine, "--target", "target")
    assert (code, err) == (0, "")
    assert "task      target 'target': text with 3 values → multiclass classification" in lines
    assert "columns   13 of numbers (standardised) → 13 features" in lines
    assert figure(lines[-1]) >= 0.9
    start = next(i for i, line in enumerate(lines) if line.startswith("confusion matrix")) + 1
    matrix = lines[start : start + 4]
    assert matrix[0].split() == ["class_0", "class_1", "class_2", "right"]
    assert sum(int(cell) for line in matrix[1:] for cell in line.split()[1:4]) == 36
    # A path has nowhere to be broken.
    assert max(len(line) for line in lines[:-1] if str(wine) not in line) <= 80
    scores = [line.split() for line in lines[start + 5 : start + 9]]
    assert scores[0] == ["accuracy", "balanced", "F1", "ROC", "AUC", "log-loss"]
    assert [row[:2] for row in scores[1:]] == [
        ["this", "network"],
        ["linear", "model"],
        ["always", "class_1"],
    ]
    assert scores[1][2] == f"{figure(lines[-1]):.3f}"
    assert f"; linear model: {scores[2][2]}; always class_1: 0.389)" in lines[-1]


def test_binary(capsys, shops):
    code, lines, _ = run(capsys, "train", shops, "--target", "sold")
    assert code == 0
    assert "task      target 'sold': text with 2 values → binary classification" in lines
    assert (
        "columns   1 of numbers (standardised) and 1 of categories (one-hot) → 4 features" in lines
    )
    assert any(line.startswith("notice    column 'size': 1 missing → the median") for line in lines)
    assert figure(lines[-1]) >= 0.9


def test_regression(capsys, diabetes):
    """As good as the linear model of scikit-learn on the same rows, or better."""
    from sklearn.linear_model import LinearRegression

    from backprop_xp.tables.reading import read_table

    code, lines, _ = run(capsys, "train", diabetes, "--target", "target")
    assert code == 0
    data = prepare(read_table(diabetes).frame, "target")
    linear = LinearRegression().fit(data.training.X, data.training.Y)
    assert figure(lines[-1]) > linear.score(data.held_out.X, data.held_out.Y) - 0.05
    assert lines[-4].split() == ["least", "5%", "25%", "50%", "75%", "95%", "most"]
    assert len(lines[-3].split()) == 7
    assert lines[-10].split() == ["r2", "MAE", "RMSE"]
    assert lines[-9].split()[:3] == ["this", "network", f"{figure(lines[-1]):.3f}"]
    assert lines[-7].split()[:4] == ["always", "the", "mean", "0.000"]


def test_parquet_and_npz_train_as_csv_does(capsys, tmp_path, diabetes):
    pytest.importorskip("pyarrow")
    frame = pd.read_csv(diabetes)
    frame.to_parquet(tmp_path / "d.parquet")
    np.savez(tmp_path / "d.npz", X=frame.drop(columns="target"), y=frame["target"])
    last = run(capsys, "train", diabetes, "--target", "target", "--quiet")[1]
    assert run(capsys, "train", tmp_path / "d.parquet", "--target", "target", "--quiet")[1] == last
    assert run(capsys, "train", tmp_path / "d.npz", "--quiet")[1] == last


def test_every_backend_trains_the_same(capsys, backend, shops):
    arguments = ("train", shops, "--target", "sold", "--quiet", "--epochs", 20)
    ours = run(capsys, *arguments, "--backend", backend.name)[1]
    assert ours == run(capsys, *arguments, "--backend", "numpy")[1]


# -- held-out rows -----------------------------------------------------------------------------


def test_nothing_is_learned_from_held_out_rows(shops):
    """Wild values in rows that are set aside change neither preprocessing nor training rows."""
    frame = pd.read_csv(shops)
    before = prepare(frame, "sold", validation=0.1)
    aside = [*before.held_out.frame.index, *before.validation.frame.index]
    frame.loc[aside, "size"] = 1e6
    frame.loc[aside, "colour"] = "never seen"
    after = prepare(frame, "sold", validation=0.1)
    assert after.preprocessing == before.preprocessing
    np.testing.assert_array_equal(after.training.X, before.training.X)
    assert sorted([*aside, *after.training.frame.index]) == list(range(200))


def test_classes_are_held_out_alike_and_rare_ones_kept(rng):
    labels = ["a"] * 100 + ["b"] * 50 + ["c"] * 2
    frame = pd.DataFrame({"x": rng.normal(size=152), "y": labels})
    data = prepare(frame, "y", held_out=0.2)
    assert data.held_out.frame["y"].value_counts().to_dict() == {"a": 20, "b": 10}
    assert data.notices == ["class 'c' has 2 rows, too few to hold some out: none is tested"]


def test_a_rows_number_is_the_files(shops, tmp_path, capsys):
    frame = pd.read_csv(shops)
    frame["size"] = frame["size"].astype(object)
    frame.loc[[2, 7], "sold"] = None
    frame.loc[9, "size"] = "inf"
    frame.to_csv(tmp_path / "t.csv", index=False)
    _, _, err = run(capsys, "train", tmp_path / "t.csv", "--target", "sold")
    assert "column 'size' is inf in row 10" in err
    frame.loc[9, "size"] = 1
    frame.to_csv(tmp_path / "t.csv", index=False)
    _, lines, _ = run(capsys, "train", tmp_path / "t.csv", "--target", "sold", "--epochs", 1)
    notice = "notice    2 rows without a target are not used (the first is row 3)"
    assert notice in lines


# -- options -----------------------------------------------------------------------------------


def test_quiet_prints_the_last_line_alone(capsys, wine):
    full = run(capsys, "train", wine, "--target", "target", "--epochs", 3)[1]
    quiet = run(capsys, "train", wine, "--target", "target", "--epochs", 3, "--quiet")
    assert quiet == (0, [full[-1]], "")


def test_json_prints_one_document(capsys, wine, tmp_path):
    out = tmp_path / "m.safetensors"
    code, lines, err = run(
        capsys, "train", wine, "--target", "target", "--epochs", 3, "--json", "--out", out
    )
    document = json.loads("\n".join(lines))
    assert (code, err) == (0, "")
    assert (document["task"], document["epochs"], len(document["loss"])) == ("multiclass", 3, 3)
    assert document["rows"] == {"training": 142, "validation": 0, "held_out": 36}
    assert document["network"]["sizes"] == [13, 64, 32, 3]
    test = document["test"]
    assert np.trace(test["confusion"]) == test["right"] == round(test["accuracy"] * 36)
    assert document["out"] == str(out)
    assert out.exists()


def test_the_network_is_what_was_asked_for(capsys, wine, tmp_path):
    out = tmp_path / "m.safetensors"
    run(
        *(capsys, "train", wine, "--target", "target", "--hidden", "7,5", "--activation", "tanh"),
        *("--drop", "alcohol", "--drop", "ash", "--l2", 0.5, "--dropout", 0.1, "--out", out),
    )
    net = bp.load(out, backend="numpy")
    assert net.sizes == (11, 7, 5, 3)
    assert [g.name for g in net.hidden] == ["tanh", "tanh"]
    assert net.architecture.l2 == 0.5
    run(capsys, "train", wine, "--target", "target", "--hidden", "none", "--out", out)
    assert bp.load(out, backend="numpy").sizes == (13, 3)


def test_json_without_a_number_is_null(capsys, tmp_path, rng):
    """The held-out targets are all the same: their r2 is not defined, in no epoch."""
    y = np.zeros(60)
    frame = pd.DataFrame({"x": rng.normal(size=60), "y": y})
    held_out = prepare(frame.assign(y=np.arange(60)), "y").held_out.frame.index
    frame.loc[frame.index.difference(held_out), "y"] = rng.normal(size=48)
    frame.to_csv(tmp_path / "t.csv", index=False)
    arguments = ("train", tmp_path / "t.csv", "--target", "y", "--epochs", 2)
    code, lines, _ = run(capsys, *arguments, "--json")

    def refuse(constant):
        raise AssertionError(constant)

    document = json.loads("\n".join(lines), parse_constant=refuse)
    assert (code, document["test"]["r2"], document["test_r2"]) == (0, None, [None, None])
    assert document["test"]["baselines"]["linear"]["r2"] is None
    assert run(capsys, *arguments)[1][-1] == (
        "test r2 nan (12 rows; linear model: –; always the mean: 0)"
    )


def test_curves_have_the_names_of_their_rows(capsys, monkeypatch, wine, tmp_path):
    """Without --patience they are the test rows, which decide nothing; no epoch is the best."""
    from backprop_xp.insight import history_plot

    drawn = []
    monkeypatch.setattr(
        room,
        "plot_history",
        lambda *args, **kw: drawn.append(history_plot.plot_history(*args, **kw)),
    )
    arguments = ("train", wine, "--target", "target", "--epochs", 30, "--plot", tmp_path / "p.png")
    plain = json.loads("\n".join(run(capsys, *arguments, "--json")[1]))
    assert len(plain["test_loss"]) == len(plain["test_accuracy"]) == 30
    assert plain["test_accuracy"][-1] == pytest.approx(plain["test"]["accuracy"])
    assert (plain["validation_loss"], plain["best_epoch"]) == ([], None)
    more = ("--patience", 2, "--learning-rate", 0.1, "--l2", 0)
    stopped = json.loads("\n".join(run(capsys, *arguments, *more, "--json")[1]))
    kept = stopped["best_epoch"]
    assert len(stopped["validation_loss"]) == stopped["epochs"] == kept + 2
    assert kept == 1 + np.argmin(stopped["validation_loss"])
    assert "test_loss" not in stopped
    names = [[line.get_label() for line in figure.axes[0].get_lines()] for figure in drawn]
    assert names[0] == ["training", "test"]
    assert names[1][:2] == ["training", "validation"]
    assert f"epoch {kept}, kept" in names[1]
    printed = " ".join(" ".join(run(capsys, *arguments, *more)[1]).split())
    assert f"; the weights are those of epoch {kept})" in printed


def test_one_is_singular(capsys, tmp_path, rng):
    x = rng.normal(size=10)
    frame = pd.DataFrame({"x": x, "y": 2 * x})
    frame.to_csv(tmp_path / "t.csv", index=False)
    lines = run(
        *(capsys, "train", tmp_path / "t.csv", "--target", "y", "--epochs", 1),
        *("--hidden", "none", "--held-out", 0.1),
    )[1]
    text = " ".join(" ".join(lines).split())
    for words in ("→ 1 feature ", "1 feature → 1 identity", "1 epoch of adam", "(1 row; "):
        assert words in text
    assert not re.search(r"\b1 (features|epochs|rows|columns|parameters)\b", text)


@pytest.mark.parametrize("name", room.OPTIMIZERS)
def test_every_optimizer(capsys, wine, name):
    rate = 0.05 if name in ("sgd", "momentum", "nesterov") else 0.003
    _, lines, _ = run(
        *(capsys, "train", wine, "--target", "target", "--quiet"),
        *("--optimizer", name, "--learning-rate", rate),
    )
    assert figure(lines[0]) > 0.9


def test_patience_stops_on_rows_of_its_own(capsys, wine):
    _, lines, _ = run(capsys, "train", wine, "--target", "target", "--patience", 5, "--l2", 0)
    assert "rows      127 to train on, 15 to stop by, 36 held out to test on" in lines
    (trained,) = (i for i, line in enumerate(lines) if line.startswith("trained"))
    assert "early stopping" in lines[trained] + lines[trained + 1]


def test_class_weight_lifts_the_rare_class(capsys, rng, tmp_path):
    m = 1000
    x = rng.normal(size=m)
    y = np.where(x + rng.normal(size=m) > 2.2, "rare", "usual")
    pd.DataFrame({"x": x, "y": y}).to_csv(tmp_path / "t.csv", index=False)
    found = []
    for more in ((), ("--class-weight", "balanced")):
        lines = run(capsys, "train", tmp_path / "t.csv", "--target", "y", "--json", *more)[1]
        found.append(json.loads("\n".join(lines))["test"]["confusion"][0][0])
    assert found[1] > 2 * found[0]
    last = run(capsys, "train", tmp_path / "t.csv", "--target", "y", "--quiet", *more)[1][-1]
    assert re.fullmatch(
        r"test accuracy 0\.\d{3} \(balanced accuracy (0\.\d{3}); linear model: 0\.\d{3}; "
        r"always usual: 0\.500\)",
        last,
    )


def test_resume_goes_on_bit_for_bit(capsys, wine, tmp_path):
    whole, part, checkpoint = (tmp_path / n for n in ("whole", "part", "checkpoint"))
    base = ("train", wine, "--target", "target", "--dropout", 0.2)
    run(capsys, *base, "--epochs", 9, "--out", whole)
    run(capsys, *base, "--epochs", 4, "--checkpoint", checkpoint)
    assert load_table_model(checkpoint, "numpy").task.classes == ("class_0", "class_1", "class_2")
    run(capsys, *base, "--epochs", 9, "--resume", checkpoint, "--out", part)
    thetas = [bp.load(path, backend="numpy").theta for path in (whole, part)]
    np.testing.assert_array_equal(*thetas)
    code, _, err = run(capsys, *base, "--held-out", 0.3, "--resume", checkpoint)
    assert code == 2
    assert "belongs to another run: its table had other columns or other values" in err


def test_a_checkpoint_of_an_earlier_version_is_named(capsys, wine, tmp_path):
    checkpoint = tmp_path / "checkpoint"
    base = ("train", wine, "--target", "target", "--epochs", 1)
    run(capsys, *base, "--checkpoint", checkpoint)
    net, extra = load_network(checkpoint, "numpy")
    extra["table"]["format"] = 1
    del extra["table"]["reading"]
    save_network(net, checkpoint, extra)
    code, _, err = run(capsys, *base, "--resume", checkpoint)
    assert code == 2
    assert "was written by an earlier version, which made other features of a table" in err
    assert run(capsys, "predict", checkpoint, wine)[0] == 0


def test_many_rare_classes_are_one_line(capsys, tmp_path, rng):
    labels = ["x", "z"] * 8 + [f"c{i}" for i in range(5)]
    frame = pd.DataFrame({"a": rng.normal(size=len(labels)), "y": labels})
    frame.to_csv(tmp_path / "t.csv", index=False)
    base = ("train", tmp_path / "t.csv", "--target", "y", "--epochs", 1, "--json")
    document = json.loads("\n".join(run(capsys, *base, "--task", "multiclass")[1]))
    assert document["notices"] == [
        "5 of the classes have too few rows to hold some out: none of these is tested ('c0', 'c1', "
        "'c2' and 2 more)"
    ]


def test_ctrl_c_reports_what_was_trained(wine, tmp_path):
    """SIGINT after the first epochs: the report and the model of the epochs so far."""
    out, checkpoint = tmp_path / "m.safetensors", tmp_path / "checkpoint"
    command = [sys.executable, "-m", "backprop_xp", "train", wine, "--target", "target"]
    command += ["--epochs", "1000000", "--checkpoint", checkpoint, "--out", out]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as p:
        written = set()
        while len(written) < 3 and p.poll() is None:  # the first is written before any epoch
            if checkpoint.exists():
                written.add(checkpoint.stat().st_mtime_ns)
        p.send_signal(signal.SIGINT)
        stdout, stderr = p.communicate(timeout=60)
    assert (p.returncode, stderr) == (0, "")
    assert "interrupted" in stdout
    assert figure(stdout.splitlines()[-1]) > 0
    assert out.exists()


# -- wrong input -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "which column is to be predicted? Say --target COL. The columns are: size, colour"),
        (["--target", "Sould"], "--target 'Sould': no such column. Did you mean 'sold'?"),
        (["--target", "sold", "--drop", "colr"], "--drop 'colr': no such column. Did you mean"),
        (["--target", "sold", "--drop", "sold"], "--drop 'sold' is the target"),
        (["--target", "sold", "--task", "regression"], "is not numbers (row 1: '"),
        (["--target", "size", "--task", "binary"], "the target 'size' has 199 values, not 2"),
        (["--target", "sold", "--hidden", "8,x"], "--hidden '8,x': expected widths such as"),
        (["--target", "sold", "--activation", "rleu"], "Did you mean 'relu'?"),
        (["--target", "sold", "--optimizer", "adm"], "'adm': no such optimizer. Did you mean"),
        (["--target", "sold", "--held-out", "1.5"], "expected a fraction in (0, 1)"),
        (["--target", "sold", "--epochs", "0"], "epochs=0: expected a positive integer"),
        (
            ["--target", "sold", "--out", "/no/m"],
            "--out /no/m cannot be written: there is no directory /no",
        ),
        (["--target", "sold", "--out", "/"], "--out / cannot be written: it is a directory"),
        (["--target", "sold", "--out", "m", "--checkpoint", "./m"], "are the same file, m"),
        (["--target", "sold", "--checkpoint", "/proc/m"], "/proc/m cannot be written"),
        (["--target", "sold", "--resume", "/no/c"], "/no/c cannot be read: there is no such file"),
        (["--target", "size", "--class-weight", "balanced"], "has no classes, it is a regression"),
        (["--target", "sold", "--learning-rate", "1e30"], "the loss became"),
    ],
)
def test_wrong_options(capsys, shops, arguments, message):
    code, lines, err = run(capsys, "train", shops, *arguments, "--quiet")
    assert (code, lines) == (2, [])
    assert len(err.splitlines()) == 1
    assert message in err


def test_the_data_are_never_overwritten(capsys, shops):
    before = shops.read_bytes()
    code, _, err = run(capsys, "train", shops, "--target", "sold", "--out", shops)
    assert (code, shops.read_bytes()) == (2, before)
    assert "would overwrite what is read" in err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,y\n" + "1,no\n" * 20, "the target 'y' is 'no' in every row: there is nothing to learn"),
        (
            "a,y\n" + ",no\n,yes\n" * 20,
            "no column is left to learn 'y' from: 'a', it has no value in any of",
        ),
        (
            "a,y\n1,no\n2,yes\n",
            "only 2 rows with a target: too few to learn from and to test on, 10",
        ),
        ("a,y\n" + "1,\n" * 20, "the target 'y' is missing in every row"),
        ("a,y\n" + "1,no\n" * 20 + "1\n", "line 22: 1 field where the header has 2"),
        ("y\n" + "no\nyes\n" * 20, "no column is left to learn 'y' from"),
    ],
)
def test_wrong_tables(capsys, tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text)
    code, lines, err = run(capsys, "train", tmp_path / "t.csv", "--target", "y")
    assert (code, lines) == (2, [])
    assert len(err.splitlines()) == 1
    assert message in err


@pytest.mark.parametrize(
    "arguments",
    [["--target", "y"], ["--quiet"], ["--hidden", "8"], ["--out", "m"], ["--held-out", "0"]],
)
def test_options_of_a_table_without_one(capsys, arguments):
    code, lines, err = run(capsys, "train", *arguments)
    assert (code, lines) == (2, [])
    assert f"{arguments[0]} needs DATA: train FILE --target COL" in err


def test_what_is_left_open_follows_from_the_rows(capsys, diabetes):
    lines = run(capsys, "train", diabetes, "--target", "target", "--json")[1]
    told = json.loads("\n".join(lines))
    rows = told["rows"]["training"]
    assert told["network"]["sizes"][1:] == [*defaults.HIDDEN, 1]
    assert told["network"]["hidden"] == [defaults.ACTIVATION] * 2
    assert told["network"]["l2"] == defaults.default_l2(rows)
    assert told["epochs"] == defaults.default_epochs(rows, defaults.default_batch_size(rows))
    assert told["rows"]["held_out"] == round(defaults.HELD_OUT * 442)


def test_pandas_is_all_that_a_table_needs(shops):
    code = (
        "import sys; sys.modules.update(sklearn=None, scipy=None); from backprop_xp.cli import main"
        f"; sys.exit(main(['train', {str(shops)!r}, '--target', 'sold', '--epochs', '2']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "linear model" in done.stdout


def test_a_missing_extra(capsys, monkeypatch, shops):
    monkeypatch.setitem(sys.modules, "pandas", None)
    code, lines, err = run(capsys, "train", shops, "--target", "sold")
    assert (code, lines) == (2, [])
    assert 'which is not installed: pip install "backprop-xp[tables]"' in err
