"""What a target column asks for."""

from __future__ import annotations

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
