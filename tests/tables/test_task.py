"""What a target column asks for."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.tables.task import Task, infer_task

pd = pytest.importorskip("pandas")


@pytest.mark.parametrize(
    ("values", "kind", "classes", "why"),
    [
        (["b", "a", "b"], "binary", ("a", "b"), "text with 2 values → binary classification"),
        ([True, False], "binary", ("False", "True"), "labels with 2 values → binary"),
        ([1, 0, 1], "binary", (0, 1), "whole numbers with 2 values → binary classification"),
        ([1.5, 2.5] * 9, "binary", (1.5, 2.5), "numbers with 2 values → binary classification"),
        (["c", "a", "b"] * 4, "multiclass", ("a", "b", "c"), "text with 3 values → multiclass"),
        ([3.0, 1.0, 2.0], "multiclass", (1, 2, 3), "whole numbers with 3 values → multiclass"),
        (list(range(21)), "regression", (), "whole numbers with 21 values → regression"),
        ([0.5, 1.0, 2.0], "regression", (), "numbers with 3 values → regression"),
    ],
)
def test_inference(values, kind, classes, why):
    task = infer_task(pd.Series(values), "y")
    assert (task.kind, task.classes) == (kind, classes)
    assert task.why.startswith(why)


def test_categories_of_pandas():
    task = infer_task(pd.Series(pd.Categorical([2, 1, 2])), "y")
    assert task.classes == ("1", "2")


def test_the_user_decides():
    numbers = pd.Series([1, 2, 3])
    assert infer_task(numbers, "y", "regression").classes == ()
    assert infer_task(numbers, "y", "regression").why.endswith("→ regression (--task)")
    two = infer_task(pd.Series([0, 1]), "y", "multiclass")
    assert (two.outputs, two.output) == (2, "softmax")
    many = pd.Series([f"c{i}" for i in range(150)])
    assert infer_task(many, "y", "multiclass").outputs == 150


@pytest.mark.parametrize(
    ("values", "asked", "error", "message"),
    [
        (["a"] * 3, None, bp.DataError, "'y' is 'a' in every row"),
        ([1.0] * 3, None, bp.DataError, "'y' is 1 in every row"),
        ([1.0, np.inf], None, bp.DataError, "'y' is inf in row 2"),
        ([f"c{i}" for i in range(9)], None, bp.DataError, "text with 9 values in 9 rows; such as"),
        ([*map(str, range(9)), "1,5,"], None, bp.DataError, "9 of 10 are numbers, but row 10 has"),
        (["a", "b"], "regression", bp.ConfigurationError, "is not numbers (row 1: 'a')"),
        ([1, 2, 3], "binary", bp.ConfigurationError, "has 3 values, not 2"),
        ([pd.Timestamp(0)] * 2, None, bp.DataError, "expected numbers or labels"),
    ],
)
def test_targets_that_are_refused(values, asked, error, message):
    with pytest.raises(error) as refusal:
        infer_task(pd.Series(values), "y", asked)
    assert message in str(refusal.value)


BIG = 1099511627776000001


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        ([BIG, BIG + 1, 7], (7, BIG, BIG + 1)),
        (np.array([2**64 - 1, 2**64 - 2], dtype=np.uint64), (2**64 - 2, 2**64 - 1)),
        ([Decimal(BIG), Decimal(BIG + 1)], (BIG, BIG + 1)),
        ([Decimal(f"{BIG}.5"), Decimal(f"{BIG + 1}.5")], (f"{BIG}.5", f"{BIG + 1}.5")),
        ([10**30 + 1, 10**30], (10**30, 10**30 + 1)),
        (np.array([0.1, 0.2], dtype=np.float32), (0.1, 0.2)),
        ([1e300, 2e300], (1e300, 2e300)),
        (["00501", "501"], ("00501", "501")),
        (["1.0", "10.0", "9.0"], ("1.0", "9.0", "10.0")),
        (["+1", "-1"], ("-1", "+1")),
        (["1,5", "2,5"], ("1,5", "2,5")),
        (["None", "a"], ("None", "a")),
    ],
)
def test_labels_stay_what_they_are(values, classes):
    column = pd.Series(values)
    task = infer_task(column, "y")
    assert task.classes == classes
    assert sorted(task.labels(column)) == list(range(len(classes)))


@pytest.mark.parametrize(
    ("values", "classes", "notice"),
    [
        (["yes", "yes ", "no"], ("no", "yes"), "'yes' and 'yes ' look the same and are read as"),
        (["1", "1.0", "1.0", "0.0"], ("0.0", "1.0"), "'1' and '1.0' are the same whole number"),
    ],
)
def test_labels_that_are_alike_are_one(values, classes, notice):
    notices = []
    task = infer_task(pd.Series(values), "y", notices=notices)
    assert task.classes == classes
    assert task.labels(pd.Series(values)).tolist() == [
        classes.index(next(c for c in classes if c.rstrip("0.") == v.strip().rstrip("0.")))
        for v in values
    ]
    assert notices[0].startswith(f"target 'y': {notice}")


def test_numbers_that_are_text():
    column = pd.Series([f"{i},5 €" for i in range(30)])
    task = infer_task(column, "y", decimal=",")
    assert (task.kind, task.why) == ("regression", "numbers with 30 values → regression")
    codes = pd.Series([f"{i:03}" for i in range(30)])
    assert infer_task(codes, "y", "regression").kind == "regression"
    with pytest.raises(bp.DataError, match="all are digits: say --task regression, or"):
        infer_task(codes, "y")


def test_labels_and_back():
    task = Task("y", "multiclass", "", ("a", "b", "c"))
    column = pd.Series(["c", "a", None, "z"])
    np.testing.assert_array_equal(task.labels(column), [2, 0, -1, -1])
    np.testing.assert_array_equal(task.known(column), [True, True, False, False])
    numbers = Task("y", "binary", "", (0, 1))
    np.testing.assert_array_equal(numbers.labels(pd.Series([1.0, 0.0, np.nan])), [1, 0, -1])


def test_a_regression_is_standardised():
    column = pd.Series([1.0, 2.0, 6.0])
    task = Task("y", "regression", "").fitted(column)
    Y = task.encode(column)
    np.testing.assert_allclose([Y.mean(), Y.std()], [0, 1], atol=1e-12)
    np.testing.assert_allclose(Y * task.deviation + task.mean, column)
    with pytest.raises(bp.DataError, match="cannot be standardised"):
        task.fitted(pd.Series([2.0, 2.0]))
