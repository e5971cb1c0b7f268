"""Reports: numbers that are right, and text that fits a terminal."""

from __future__ import annotations

import math

import numpy as np
import pytest

from backprop_xp.tables.metrics import class_scores, value_scores
from backprop_xp.tables.report import ClassReport, ValueReport

SAYS = {
    "accuracy": 0.75,
    "balanced_accuracy": 0.5,
    "f1_macro": 0.25,
    "roc_auc": math.nan,
    "log_loss": 1.0,
}
SCORES = {"this network": SAYS, "linear model": SAYS | {"accuracy": 0.8}, "constant": SAYS}


def class_report(names, confusion, **options):
    return ClassReport(names, np.array(confusion), SCORES, **options)


def matrix(report):
    return report.text().partition("\n\n")[0].splitlines()


def test_class_report():
    report = class_report(("cat", "dog"), [[8, 2], [1, 1234]])
    assert (report.rows, report.right) == (1245, 1242)
    assert report.text().splitlines() == [
        "confusion matrix: rows are the actual class, columns the predicted one",
        "       cat    dog    right",
        "  cat    8      2    80.0%",
        "  dog    1  1,234    99.9%",
        "",
        "                accuracy  balanced     F1  ROC AUC  log-loss",
        "  this network     0.750     0.500  0.250        –     1.000",
        "  linear model     0.800     0.500  0.250        –     1.000",
        "  always dog       0.750     0.500  0.250        –     1.000",
        "  (balanced accuracy, F1 and ROC AUC are means over the classes)",
    ]
    assert report.last_line() == (
        "test accuracy 0.998 (1,242 of 1,245 rows right; linear model: 0.800; always dog: 0.750)"
    )
    plain = report.plain()
    assert plain["confusion"] == [[8, 2], [1, 1234]]
    assert plain["balanced_accuracy"] == 0.5
    assert plain["baselines"]["linear"]["accuracy"] == 0.8
    assert plain["baselines"]["constant"]["log_loss"] == 1.0
    np.testing.assert_allclose(plain["f1"], [16 / 19, 2468 / 2471])


def test_a_network_that_weighs_classes_alike_is_measured_so():
    """Its accuracy may well be below that of always saying the most frequent class."""
    report = class_report(("cat", "dog"), [[8, 2], [1, 34]], weighted=True)
    assert report.last_line() == (
        "test accuracy 0.933 (balanced accuracy 0.500; linear model: 0.500; always dog: 0.500)"
    )


def test_class_names_of_any_width_stay_aligned():
    names = ("猫", "a name that is longer than twenty characters", "")
    lines = matrix(class_report(names, np.arange(9).reshape(3, 3)))
    assert "  猫  " in lines[2]
    assert "a name that is long…" in lines[1]
    assert lines[4].startswith("  ''")


def test_a_class_without_held_out_rows():
    assert matrix(class_report(("a", "b"), [[3, 0], [0, 0]]))[-1].endswith("–")


def test_one_row():
    line = class_report(("a", "b"), [[1, 0], [0, 0]]).last_line()
    assert line.startswith("test accuracy 1.000 (1 of 1 row right; ")
    scores = {"this network": value_scores(np.ones(1), np.ones(1))}
    assert ValueReport("y", 1, scores, {}).last_line().startswith("test r2 nan (1 row; always")


def test_many_classes_are_listed_by_confusion():
    confusion = np.diag(np.full(30, 5))
    confusion[3, 7], confusion[9, 2] = 4, 2
    names = tuple(f"class {i}" for i in range(30))
    assert matrix(class_report(names, confusion)) == [
        "most frequent confusions, of 30 classes",
        "       4      of 9  class 3 was called class 7",
        "       2      of 7  class 9 was called class 2",
    ]


def test_value_report():
    scores = {
        "this network": {
            "r2": 0.5,
            "mean_absolute_error": 4325.4,
            "root_mean_squared_error": 5529.2,
        },
        "constant": {"r2": 0.0, "mean_absolute_error": 68.7, "root_mean_squared_error": 12345.6},
    }
    residuals = {0.0: -123000.0, 0.05: -8123.4, 0.25: -1.0, 0.5: 0.01, 0.75: 1, 0.95: 5, 1.0: 31780}
    report = ValueReport("price", 88, scores, residuals)
    assert report.text().splitlines() == [
        "                      r2    MAE    RMSE",
        "  this network     0.500  4,325   5,529",
        "  always the mean  0.000     69  12,346",
        "",
        "residuals, price − prediction, and the share of rows below",
        "     least      5%  25%  50%  75%  95%    most",
        "  -123,000  -8,123   -1    0    1    5  31,780",
    ]
    assert report.last_line() == "test r2 0.500 (88 rows; always the mean: 0)"
    plain = report.plain()
    assert (plain["r2"], plain["rows"]) == (0.5, 88)
    assert plain["residual_quantiles"]["0.5"] == 0.01
    assert plain["baselines"] == {"constant": scores["constant"]}


# -- metrics -----------------------------------------------------------------------------------


def test_value_scores_agree_with_scikit_learn(rng):
    metrics = pytest.importorskip("sklearn.metrics")
    actual = rng.normal(size=40)
    predicted = actual + 0.3 * rng.normal(size=40)
    scores = value_scores(actual, predicted)
    assert scores["r2"] == pytest.approx(metrics.r2_score(actual, predicted))
    assert scores["mean_absolute_error"] == pytest.approx(
        metrics.mean_absolute_error(actual, predicted)
    )
    assert scores["root_mean_squared_error"] == pytest.approx(
        metrics.root_mean_squared_error(actual, predicted)
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("grid", [2, 10_000])
def test_class_scores_agree_with_scikit_learn(rng, classes, dtype, grid):
    """Also with many equal scores, and probabilities of 0 and 1."""
    metrics = pytest.importorskip("sklearn.metrics")
    actual = rng.choice(classes, 300, p=np.arange(1, classes + 1) / sum(range(classes + 1)))
    drawn = rng.dirichlet(np.ones(classes), 300)
    drawn[np.arange(300), actual] += 0.5
    probabilities = np.round(drawn / drawn.sum(axis=1, keepdims=True) * grid) / grid
    probabilities[:, -1] = 1 - probabilities[:, :-1].sum(axis=1)
    probabilities = np.clip(probabilities, 0, 1).astype(dtype)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    predicted = probabilities.argmax(axis=1)
    ranked = probabilities[:, 1] if classes == 2 else probabilities
    area = metrics.roc_auc_score(actual, ranked, multi_class="ovr")
    expected = {
        "accuracy": metrics.accuracy_score(actual, predicted),
        "balanced_accuracy": metrics.balanced_accuracy_score(actual, predicted),
        "f1_macro": metrics.f1_score(actual, predicted, average="macro"),
        "roc_auc": area,
        "log_loss": metrics.log_loss(actual, probabilities, labels=np.arange(classes)),
    }
    assert class_scores(actual, probabilities) == pytest.approx(expected, rel=1e-5)


def test_class_scores_where_only_one_class_is_tested():
    scores = class_scores(np.array([1, 1]), np.array([[0.25, 0.75], [0.75, 0.25]]))
    assert math.isnan(scores.pop("roc_auc"))
    assert scores == pytest.approx(
        {
            "accuracy": 0.5,
            "balanced_accuracy": 0.5,
            "f1_macro": 1 / 3,
            "log_loss": -(math.log(0.75) + math.log(0.25)) / 2,
        }
    )
