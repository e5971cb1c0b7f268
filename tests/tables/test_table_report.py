"""Reports: numbers that are right, and text that fits a terminal."""

from __future__ import annotations

import numpy as np
import pytest

from backprop_xp.tables.report import ClassReport, _values


def test_class_report():
    report = ClassReport(("cat", "dog"), np.array([[8, 2], [1, 1234]]))
    assert (report.rows, report.right) == (1245, 1242)
    assert report.text().splitlines() == [
        "confusion matrix: rows are the actual class, columns the predicted one",
        "       cat    dog    right",
        "  cat    8      2    80.0%",
        "  dog    1  1,234    99.9%",
    ]
    assert report.last_line() == (
        "test accuracy 0.998 (1,242 of 1,245 rows right; always dog: 0.992)"
    )
    assert report.plain()["confusion"] == [[8, 2], [1, 1234]]


def test_class_names_of_any_width_stay_aligned():
    names = ("猫", "a name that is longer than twenty characters", "")
    lines = ClassReport(names, np.arange(9).reshape(3, 3)).text().splitlines()
    assert "  猫  " in lines[2]
    assert "a name that is long…" in lines[1]
    assert lines[4].startswith("  ''")


def test_a_class_without_held_out_rows():
    report = ClassReport(("a", "b"), np.array([[3, 0], [0, 0]]))
    assert report.text().splitlines()[-1].endswith("–")


def test_many_classes_are_listed_by_confusion():
    confusion = np.diag(np.full(30, 5))
    confusion[3, 7], confusion[9, 2] = 4, 2
    names = tuple(f"class {i}" for i in range(30))
    assert ClassReport(names, confusion).text().splitlines() == [
        "most frequent confusions, of 30 classes",
        "       4      of 9  class 3 was called class 7",
        "       2      of 7  class 9 was called class 2",
    ]


def test_value_report_agrees_with_scikit_learn(rng):
    metrics = pytest.importorskip("sklearn.metrics")
    actual = rng.normal(size=40)
    predicted = actual + 0.3 * rng.normal(size=40)
    report = _values("y", actual, predicted)
    assert report.r2 == pytest.approx(metrics.r2_score(actual, predicted))
    assert report.mean_absolute_error == pytest.approx(
        metrics.mean_absolute_error(actual, predicted)
    )
    assert report.root_mean_squared_error == pytest.approx(
        metrics.root_mean_squared_error(actual, predicted)
    )
    quantiles = report.plain()["residual_quantiles"]
    assert quantiles["0.5"] == pytest.approx(np.median(actual - predicted))
    assert quantiles["1"] == pytest.approx((actual - predicted).max())
    assert max(map(len, report.text().splitlines())) <= 80
    assert report.last_line() == f"test r2 {report.r2:.3f} (40 rows; always the mean: 0)"
