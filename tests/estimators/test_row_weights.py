"""Weights of rows in the estimators: scikit-learn's numbers, and sense where those have none."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.neural_network as theirs

from backprop_xp.estimators import MLPClassifier, MLPRegressor
from backprop_xp.estimators.row_weights import within_reach

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SIZES = [5e-324, 1e-200, 1e-44, 1e38, 1e200, 1.7e308]
OPTIONS = {"hidden_layer_sizes": (5,), "max_iter": 5, "random_state": 0, "batch_size": 50}


def coefs(kind, X, y, weights, **options):
    model = kind(**{**OPTIONS, **options}).fit(X[:120], y[:120], sample_weight=weights)
    return [np.array(coef) for coef in model.coefs_]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equal_weights_of_any_size_are_ones(data, size, solver, dtype):
    for kind, name in ((MLPClassifier, "digits"), (MLPRegressor, "diabetes")):
        X, y = data[name]
        X = X.astype(dtype)
        own, ones = (
            coefs(kind, X, y, np.full(120, w), solver=solver, alpha=0.1) for w in (size, 1.0)
        )
        for coef, wanted in zip(own, ones, strict=True):
            np.testing.assert_array_equal(coef, wanted)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("option", [{"early_stopping": True}, {"class_weight": "balanced"}])
def test_with_early_stopping_and_with_class_weights(data, size, option):
    X, y = data["breast_cancer"]
    own, ones = (coefs(MLPClassifier, X, y, np.full(120, w), **option) for w in (size, 1.0))
    for coef, wanted in zip(own, ones, strict=True):
        np.testing.assert_array_equal(coef, wanted)


@pytest.mark.parametrize("size", SIZES)
def test_class_weights_of_any_size_and_partial_fit(data, size):
    X, y = data["breast_cancer"]
    models = []
    for each in (size, 1.0):
        model = MLPClassifier(**OPTIONS, class_weight={0: each, 1: each})
        for _ in range(3):
            model.partial_fit(X, y, classes=[0, 1], sample_weight=np.full(len(y), each))
        models.append(model)
    np.testing.assert_array_equal(*(model.predict_proba(X) for model in models))


@pytest.mark.parametrize("scale", [2e-6, 0.01, 30.0, 1e5])
def test_weights_of_ordinary_size_are_scikit_learns(data, scale):
    """Whose `alpha` is divided by the sum of the weights."""
    X, y = data["breast_cancer"]
    weights = scale * np.random.default_rng(0).uniform(0.5, 1.5, 120)
    options = {**OPTIONS, "alpha": 1e-3, "hidden_layer_sizes": (5,)}
    peer = theirs.MLPClassifier(**options).fit(X[:120], y[:120], sample_weight=weights)
    own = coefs(MLPClassifier, X, y, weights, **options)
    for coef, wanted in zip(own, peer.coefs_, strict=True):
        np.testing.assert_allclose(coef, wanted, rtol=1e-8, atol=1e-12)


def test_within_reach():
    np.testing.assert_array_equal(within_reach(np.array([0.0, 0.0])), [0.0, 0.0])
    np.testing.assert_array_equal(within_reach(np.array([1, 3], "float32")), [1.0, 3.0])
    np.testing.assert_allclose(within_reach(np.array([1e-300, 3e-300])), [0.5, 1.5])
    np.testing.assert_allclose(within_reach(np.array([0.0, 1.5e308, 1.5e308])), [0, 1.5, 1.5])
