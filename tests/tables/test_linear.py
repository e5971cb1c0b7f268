"""Linear models: as good as scikit-learn's, which have the same least cost."""

from __future__ import annotations

import numpy as np
import pytest

from backprop_xp.tables import linear
from backprop_xp.tables.linear import logistic, minimum, ridge

linear_model = pytest.importorskip("sklearn.linear_model")
datasets = pytest.importorskip("sklearn.datasets")


@pytest.mark.parametrize(("rows", "features"), [(50, 3), (30, 30), (20, 70)])
def test_ridge(rng, rows, features):
    X = rng.normal(3.0, 2.0, (rows, features))
    Y = X[:, 0] - 7.0 + rng.normal(size=rows)
    tested = rng.normal(size=(9, features))
    expected = linear_model.Ridge().fit(X, Y).predict(tested)
    np.testing.assert_allclose(ridge(X, Y, tested), expected, rtol=1e-9, atol=1e-9)
    single = ridge(X.astype("float32"), Y, tested.astype("float32"))
    np.testing.assert_allclose(single, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("share", [1, 4])
def test_logistic_goes_to_the_same_least_cost(rng, monkeypatch, classes, balanced, share):
    monkeypatch.setattr(linear, "_SLOPE", 1e-8)
    X = rng.normal(size=(300, 4))
    Y = (share * X @ rng.normal(size=(4, classes)) + rng.gumbel(size=(300, classes))).argmax(1)
    Y[:classes] = range(classes)
    peer = linear_model.LogisticRegression(
        tol=1e-8, max_iter=10_000, class_weight="balanced" if balanced else None
    )
    expected = peer.fit(X, Y).predict_proba(X[:50])
    np.testing.assert_allclose(logistic(X, Y, X[:50], balanced), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["breast_cancer", "digits", "iris", "wine"])
def test_logistic_stops_as_near_to_it(name):
    """Both stop early: neither is farther from the least cost than the other by much."""
    X, Y = getattr(datasets, f"load_{name}")(return_X_y=True)
    X = (X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-9)
    best = linear_model.LogisticRegression(tol=1e-9, max_iter=10_000).fit(X, Y).predict_proba(X)
    peer = linear_model.LogisticRegression(max_iter=300).fit(X, Y).predict_proba(X)
    far = np.abs(logistic(X, Y, X) - best).mean()
    assert far < 2.0 * np.abs(peer - best).mean() < 0.01


def test_badly_scaled_features_end_after_so_many_steps(rng):
    X = rng.normal(size=(200, 4)) * np.array([1e-4, 1, 1e3, 1e4])
    Y = (X[:, 1] > 0).astype(int)
    answers = logistic(X, Y, X)
    assert np.isfinite(answers).all()
    assert (answers.argmax(axis=1) == Y).mean() > 0.9


def test_what_was_never_seen_so_large_has_an_answer(rng):
    X = rng.normal(size=(50, 2))
    answers = logistic(X, (X[:, 0] > 0).astype(int), np.array([[1e30, 0.0], [-1e30, 0.0]]))
    np.testing.assert_array_equal(answers, [[0.0, 1.0], [1.0, 0.0]])


def test_a_minimum_that_rounding_hides_ends_the_search():
    """A cost that never gets less than at the start, though its slope says so."""
    start = np.ones(3)
    np.testing.assert_array_equal(minimum(lambda x: (1.0, np.ones(3)), start), start)


def test_a_long_valley_is_followed_to_its_end(rng):
    scales, goal = np.geomspace(1.0, 1e3, 20), rng.normal(size=20)
    found = minimum(lambda x: (0.5 * scales @ (x - goal) ** 2, scales * (x - goal)), np.zeros(20))
    assert np.abs(scales * (found - goal)).max() <= 1e-4
