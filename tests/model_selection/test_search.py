"""cross_validate and search: folds, scores, and the networks behind them."""

from __future__ import annotations

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.data.checks import checked_rows
from backprop_xp.model_selection.folds import folds_of
from backprop_xp.model_selection.score_table import ScoreTable
from backprop_xp.training.populations.member_batches import MemberBatches

SIZES = [3, 5, 1]


def data(rows=43, seed=5):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 3))
    return X, (X[:, 0] * X[:, 1] > 0.3).astype(int)


def rows_of_folds(backend, Y, folds=5, seed=0, **options):
    net = bp.Network(SIZES, backend=backend, dtype="float64", **options)
    X, targets = checked_rows(net, np.zeros((len(Y), 3)), Y)
    return X, targets, folds_of(net, targets, folds, seed)


# -- folds -------------------------------------------------------------------------------------


@pytest.mark.parametrize("folds", [2, 3, 5, 10])
def test_every_row_is_held_out_once(backend, folds):
    _, Y = data()
    _, _, held_out = rows_of_folds(backend, Y, folds)
    np.testing.assert_array_equal(np.sort(np.concatenate(held_out)), np.arange(43))
    sizes = [len(rows) for rows in held_out]
    assert max(sizes) - min(sizes) <= 1
    ones = [int(Y[rows].sum()) for rows in held_out]
    assert max(ones) - min(ones) <= 1


def test_as_even_as_those_of_scikit_learn(backend):
    selection = pytest.importorskip("sklearn.model_selection")
    _, Y = data()
    splitter = selection.StratifiedKFold(5, shuffle=True, random_state=0)
    theirs = [int(Y[rows].sum()) for _, rows in splitter.split(np.zeros((43, 1)), Y)]
    ours = [int(Y[rows].sum()) for rows in rows_of_folds(backend, Y)[2]]
    assert sorted(ours) == sorted(theirs)


def test_folds_of_numbers_are_dealt_out_too(backend):
    X, _ = data()
    held_out = rows_of_folds(backend, X[:, 0], output="identity")[2]
    np.testing.assert_array_equal(np.sort(np.concatenate(held_out)), np.arange(43))
    again = rows_of_folds(backend, X[:, 0], output="identity")[2]
    other = rows_of_folds(backend, X[:, 0], seed=1, output="identity")[2]
    assert all((a == b).all() for a, b in zip(held_out, again, strict=True))
    assert any(list(a) != list(b) for a, b in zip(held_out, other, strict=True))


@pytest.mark.parametrize("batch_size", [None, 1, 7, 11, 34, 35, 60])
@pytest.mark.parametrize("at_once", [1, 2**17])
def test_every_member_sees_its_rows_once(backend, monkeypatch, batch_size, at_once):
    """With weight 1; what fills up the shorter has weight 0."""
    monkeypatch.setattr(
        "backprop_xp.training.populations.member_batches.GATHERED_ELEMENTS", at_once
    )
    X, Y = data()
    net = bp.Network(SIZES, backend=backend, dtype="float64")
    tables = checked_rows(net, np.arange(43.0)[:, None] * np.ones(3), Y)
    subsets = [np.arange(43)[np.arange(43) % 5 != k] for k in range(5)]
    rngs = [np.random.default_rng(k) for k in range(5)]
    made = MemberBatches(backend, *tables, batch_size, rngs, None, subsets)
    epoch = made.epoch()
    batches = [[backend.to_numpy(a) for a in batch] for batch in epoch.batches()]
    assert len(batches) == len(made)
    assert [batch[0].shape[1] for batch in batches] == made.sizes()
    for k, rows in enumerate(subsets):
        weights = np.concatenate([batch[2][k, :, 0] for batch in batches])
        seen = np.concatenate([batch[0][k, :, 0] for batch in batches])
        labels = np.concatenate([batch[1][k, :, 0] for batch in batches])
        assert sorted(seen[weights == 1].astype(int)) == list(rows)
        np.testing.assert_array_equal(labels, Y[seen.astype(int)])
        assert weights.sum() == len(rows)
    for start in range(len(made)):
        again = next(iter(epoch.batches(start)))
        for a, b in zip(again, batches[start], strict=True):
            np.testing.assert_array_equal(backend.to_numpy(a), b)
    assert X.shape == (43, 3)


# -- cross_validate ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch_size": None},
        {"l2": 0.1, "clip_norm": 0.1},
        {"schedule": bp.CosineDecay(1)},
        {"hidden": "relu", "learning_rate": 0.1},
    ],
    ids=["plain", "one batch", "penalty", "schedule", "rate"],
)
def test_each_network_is_as_if_fitted_alone(backend, options):
    """A batch of 6 leaves no row alone in a last batch: 34 and 35 training rows are 6 batches."""
    X, Y = data()
    options = {"batch_size": 6, **options}
    table = bp.cross_validate(
        SIZES,
        X,
        Y,
        members=2,
        epochs=3,
        optimizer=bp.Adam(0.05),
        dtype="float64",
        backend=backend,
        seed=4,
        progress=False,
        **options,
    )
    rate = options.pop("learning_rate", 0.05)
    network = {name: options.pop(name) for name in ("l2", "hidden") if name in options}
    for row in table.rows:
        _, _, held_out = rows_of_folds(backend, Y, seed=4)
        held = held_out[row["fold"]]
        kept = np.setdiff1d(np.arange(43), held)
        net = bp.Network(SIZES, dtype="float64", backend=backend, seed=row["seed"], **network)
        history = bp.fit(
            net,
            X[kept],
            Y[kept],
            epochs=3,
            optimizer=bp.Adam(rate),
            seed=row["seed"],
            progress=False,
            **options,
        )
        probability = backend.to_numpy(net.predict(backend.asarray(X[held])))[:, 0]
        cross_entropy = -np.log(np.where(Y[held] == 1, probability, 1 - probability)).mean()
        assert row["rows"] == len(held)
        assert row["loss"] == pytest.approx(history.loss[-1], rel=1e-9)
        assert row["validation_loss"] == pytest.approx(cross_entropy, rel=1e-9)
        assert row["accuracy"] == pytest.approx(np.mean((probability > 0.5) == Y[held]))


def test_dropout_and_weights(backend):
    X, Y = data()
    weights = np.linspace(0.1, 2.0, 43)
    options = {"epochs": 2, "batch_size": 6, "sample_weight": weights, "progress": False}
    table = bp.cross_validate(SIZES, X, Y, dropout=0.3, dtype="float64", backend=backend, **options)
    held_out = rows_of_folds(backend, Y)[2]
    for fold, held in enumerate(held_out):
        kept = np.setdiff1d(np.arange(43), held)
        net = bp.Network(SIZES, dropout=0.3, dtype="float64", backend=backend)
        history = bp.fit(net, X[kept], Y[kept], **{**options, "sample_weight": weights[kept]})
        assert table.columns["loss"][fold] == pytest.approx(history.loss[-1], rel=1e-9)


def test_regression_and_classes(backend):
    X, _ = data()
    r2 = bp.cross_validate(
        [3, 8, 2],
        X,
        X[:, :2] - X[:, 1:],
        output="identity",
        optimizer=bp.Adam(0.05),
        epochs=40,
        backend=backend,
        progress=False,
    )
    assert r2.score == "r2"
    assert np.mean(r2.columns["r2"]) > 0.7
    classes = bp.cross_validate(
        [3, 8, 3],
        X,
        (X[:, 0] > 0).astype(int) + (X[:, 1] > 0),
        output="softmax",
        optimizer=bp.Adam(0.05),
        epochs=30,
        backend=backend,
        progress=False,
    )
    assert classes.best["accuracy"] > 0.7
    assert str(classes).splitlines()[-1].startswith("accuracy 0.")


# -- search ------------------------------------------------------------------------------------


def test_a_search_is_a_cross_validation_of_each_setting(backend):
    X, Y = data()
    options = {"epochs": 3, "batch_size": 6, "dtype": "float64", "backend": backend, "seed": 2}
    options |= {"progress": False, "members": 2, "optimizer": bp.Nesterov(0.1)}
    table = bp.search(SIZES, X, Y, learning_rate=[0.5, 0.01], l2=[0.0, 0.1, 1.0], **options)
    assert len(table) == 6
    assert table.columns["rank"] == [1, 2, 3, 4, 5, 6]
    assert table.columns["accuracy"] == sorted(table.columns["accuracy"], reverse=True)
    for row in table.rows:
        own = bp.cross_validate(
            SIZES, X, Y, learning_rate=row["learning_rate"], l2=row["l2"], **options
        )
        scores = own.columns["accuracy"]
        assert row["accuracy"] == pytest.approx(np.mean(scores))
        assert row["std"] == pytest.approx(np.std(scores))
        assert row["validation_loss"] == pytest.approx(
            np.mean(own.columns["validation_loss"]), rel=1e-9
        )
    assert table.best == table.rows[0]


def test_a_setting_that_diverges_is_last(backend):
    X, _ = data()
    options = {"epochs": 4, "output": "identity", "hidden": "relu", "backend": backend}
    rates = [1e30, 0.01]
    table = bp.search(
        SIZES, X, X[:, 0], learning_rate=rates, optimizer=bp.SGD(), progress=False, **options
    )
    assert table.columns["learning_rate"] == [0.01, 1e30]
    assert np.isfinite(table.columns["r2"][0])
    assert np.isnan(table.columns["r2"][1])
    assert table.best["learning_rate"] == 0.01
    alone = bp.search(
        SIZES, X, X[:, 0], learning_rate=[0.01], optimizer=bp.SGD(), progress=False, **options
    )
    assert alone.best["r2"] == pytest.approx(table.best["r2"], rel=1e-5)


def test_an_interruption_is_no_result(monkeypatch):
    """Ctrl-C ends a fit in order, but half a training has no scores."""
    from backprop_xp.training.interruption import Interruption

    monkeypatch.setattr(Interruption, "__enter__", lambda self: setattr(self, "asked", True))
    X, Y = data()
    with pytest.raises(KeyboardInterrupt):
        bp.search(SIZES, X, Y, l2=[0.0, 0.1], epochs=2, backend="numpy", progress=False)


def test_a_table_that_is_no_frame_becomes_one():
    pandas = pytest.importorskip("pandas")
    X, Y = data()
    table = bp.search(SIZES, X, Y, l1=[0.0, 0.1], epochs=1, backend="numpy", progress=False)
    frame = pandas.DataFrame(table.columns)
    assert list(frame) == ["rank", "l1", "accuracy", "std", "validation_loss"]
    assert len(frame) == 2


def test_a_long_table_is_cut_when_printed():
    table = ScoreTable({"r2": [0.001 * k for k in range(50)]}, "r2", "end")
    assert str(table).splitlines()[-2:] == ["… 20 more rows", "end"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"folds": 1}, bp.ConfigurationError, "folds=1"),
        ({"folds": 44}, bp.ConfigurationError, "from 2 to the number of rows, 43"),
        ({"folds": 2.0}, bp.ConfigurationError, "folds=2.0"),
        ({"members": 0}, bp.ConfigurationError, "members=0"),
        ({"seed": -1}, bp.ConfigurationError, "seed=-1"),
        ({"seed": [1, 2]}, bp.ConfigurationError, "seed="),
        ({"epochs": 0}, bp.ConfigurationError, "epochs=0"),
        ({"learning_rate": [0.1, -1.0]}, bp.ConfigurationError, "learning_rate=-1"),
        ({"learning_rate": []}, bp.ConfigurationError, "learning_rate"),
        ({"learning_rate": "fast"}, bp.ConfigurationError, "learning_rate='fast'"),
        ({"l2": [0.1, -1.0]}, bp.ConfigurationError, "l2=-1"),
        ({"optimizer": "adam"}, bp.ConfigurationError, "optimizer='adam'"),
        ({"schedule": bp.ReduceOnPlateau()}, bp.ConfigurationError, "ReduceOnPlateau"),
        ({"sample_weight": [1.0]}, bp.ShapeError, "sample_weight"),
        ({"hidden": "reul"}, bp.ConfigurationError, "relu"),
    ],
)
def test_what_cannot_be_searched(backend, options, error, message):
    X, Y = data()
    with pytest.raises(error, match=message):
        bp.search(SIZES, X, Y, backend=backend, **options)


def test_sizes_that_differ_are_refused(backend):
    X, Y = data()
    with pytest.raises(bp.ShapeError, match="sizes="):
        bp.search([[3, 5, 1], [3, 6, 1]], X, Y, backend=backend)
