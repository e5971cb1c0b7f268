"""Baselines: what linear models and constants say."""

from __future__ import annotations

import numpy as np
import pytest

from backprop_xp.tables import baselines
from backprop_xp.tables.baselines import constant_answers, linear_answers
from backprop_xp.tables.linear import logistic
from backprop_xp.tables.task import Task

VALUES = Task("y", "regression", "", (), mean=100.0, deviation=5.0)


def labels(rng, classes, rows=400):
    X = rng.normal(size=(rows, 4)).astype("float32")
    return X, (X @ rng.normal(size=(4, classes))).argmax(axis=1)


def test_values_are_in_the_targets_units(rng):
    X = rng.normal(size=(50, 3)).astype("float32")
    answers = linear_answers(VALUES, X, X[:, 0] * 2, X[:5])
    np.testing.assert_allclose(answers, 100 + 5 * 2 * X[:5, 0], rtol=0.05)
    np.testing.assert_array_equal(constant_answers(VALUES, np.array([1.0, 5.0])), [3.0, 3.0])


def test_many_classes_are_no_warning(rng):
    task = Task("y", "multiclass", "", tuple(range(30)))
    answers = linear_answers(task, rng.normal(size=(40, 2)), np.arange(40) % 30, np.zeros((1, 2)))
    np.testing.assert_allclose(answers.sum(axis=1), 1.0)


@pytest.mark.parametrize("weight", [None, "balanced"])
@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities(rng, classes, weight):
    X, Y = labels(rng, classes)
    task = Task("y", "multiclass", "", tuple(range(classes)))
    answers = linear_answers(task, X, Y, X[:9], weight)
    np.testing.assert_array_equal(answers, logistic(X, Y, X[:9], balanced=weight is not None))
    np.testing.assert_allclose(constant_answers(task, Y)[7], np.bincount(Y) / len(Y))


def test_of_many_rows_a_part_is_used_where_a_class_may_be_missing(rng, monkeypatch):
    monkeypatch.setattr(baselines, "_ROWS", 50)
    X, Y = labels(rng, 2)
    Y[0] = 2
    answers = linear_answers(Task("y", "multiclass", "", ("a", "b", "c")), X, Y, X[:9])
    assert answers.shape == (9, 3)
    np.testing.assert_allclose(answers.sum(axis=1), 1.0)


def test_a_part_may_have_a_single_class(rng):
    X, _ = labels(rng, 2)
    task = Task("y", "multiclass", "", ("a", "b", "c"))
    answers = linear_answers(task, X, np.full(len(X), 1), X[:9])
    np.testing.assert_array_equal(answers, np.tile([0.0, 1.0, 0.0], (9, 1)))
