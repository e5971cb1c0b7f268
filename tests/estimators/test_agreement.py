"""The same weights, losses and predictions as scikit-learn, from the same random_state."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.neural_network as theirs
from sklearn.datasets import make_multilabel_classification

import backprop_xp.estimators as ours

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NETWORKS = {"digits": "MLPClassifier", "breast_cancer": "MLPClassifier", "diabetes": "MLPRegressor"}
OPTIONS = {
    "adam": {},
    "sgd": {"solver": "sgd"},
    "lbfgs": {"solver": "lbfgs"},
    "plain momentum, invscaling": {
        "solver": "sgd",
        "nesterovs_momentum": False,
        "learning_rate": "invscaling",
    },
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.1, "n_iter_no_change": 1},
    "early stopping": {"early_stopping": True, "n_iter_no_change": 3},
    "in order, two logistic layers": {
        "activation": "logistic",
        "hidden_layer_sizes": (20, 10),
        "shuffle": False,
        "batch_size": 50,
    },
    "penalty": {"activation": "tanh", "alpha": 3.0, "batch_size": 64},
    "no hidden layer": {"hidden_layer_sizes": ()},
}


def fitted(kind, X, y, sample_weight=None, **options):
    """Theirs and ours, trained alike."""
    if kind == "MLPRegressor" and options.get("solver") == "sgd":
        options = {"learning_rate_init": 1e-4, **options}
    options = {"random_state": 5, "max_iter": 20, "hidden_layer_sizes": (30,), **options}
    models = getattr(theirs, kind)(**options), getattr(ours, kind)(**options)
    return [model.fit(X, y, sample_weight=sample_weight) for model in models]


def compare(peer, own, X, rtol=1e-9):
    """All that is public of the two."""
    assert (peer.n_iter_, peer.n_outputs_, peer.n_layers_) == (
        own.n_iter_,
        own.n_outputs_,
        own.n_layers_,
    )
    assert peer.out_activation_ == own.out_activation_
    np.testing.assert_allclose(own.loss_, peer.loss_, rtol=rtol)
    for name in ("loss_curve_", "validation_scores_"):
        if getattr(peer, name, None) is not None:
            np.testing.assert_allclose(getattr(own, name), getattr(peer, name), rtol=rtol)
    for name in ("coefs_", "intercepts_"):
        for mine, theirs_ in zip(getattr(own, name), getattr(peer, name), strict=True):
            np.testing.assert_allclose(mine, theirs_, rtol=1e-6, atol=1e-8)
    if hasattr(peer, "classes_"):
        np.testing.assert_array_equal(own.predict(X), peer.predict(X))
    else:
        np.testing.assert_allclose(own.predict(X), peer.predict(X), rtol=1e-6)
    if hasattr(peer, "predict_proba"):
        for name in ("predict_proba", "predict_log_proba"):
            with np.errstate(divide="ignore"):
                mine, other = getattr(own, name)(X), getattr(peer, name)(X)
            np.testing.assert_allclose(mine, other, rtol=1e-6, atol=1e-9)
    assert (peer.t_ if hasattr(peer, "t_") else None) == own.t_


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("options", OPTIONS)
def test_twenty_epochs(data, name, options):
    X, y = data[name]
    compare(*fitted(NETWORKS[name], X, y, **OPTIONS[options]), X)


@pytest.mark.parametrize("name", NETWORKS)
def test_after_full_training(data, name):
    X, y = data[name]
    tol = 1.0 if name == "diabetes" else 1e-3
    peer, own = fitted(NETWORKS[name], X, y, max_iter=300, learning_rate_init=0.01, tol=tol)
    assert peer.n_iter_ < 300  # it has converged, by the same rule
    compare(peer, own, X)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("options", [{}, {"early_stopping": True}, {"solver": "lbfgs"}])
def test_sample_weights(data, name, options):
    X, y = data[name]
    weights = np.random.default_rng(0).uniform(0.0, 3.0, len(y))
    compare(*fitted(NETWORKS[name], X, y, weights, alpha=1.0, **options), X)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_multilabel(solver):
    X, y = make_multilabel_classification(n_samples=200, random_state=1)
    compare(*fitted("MLPClassifier", X, y, solver=solver), X)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_poisson(data, solver):
    X, _ = data["diabetes"]
    y = np.random.default_rng(1).poisson(np.exp(X[:, 0])).astype(float)
    compare(*fitted("MLPRegressor", X, y, solver=solver, loss="poisson"), X)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_several_outputs_train_alike_and_report_the_loss_of_the_gradient(data, solver):
    X, y = data["diabetes"]
    Y = np.stack([y / y.std(), X[:, 0], np.sin(X[:, 1])], axis=1)
    options = {"solver": solver, "alpha": 0.1, "max_iter": 80, "tol": 5e-3, "n_iter_no_change": 2}
    peer, own = fitted("MLPRegressor", X, Y, **options)
    np.testing.assert_allclose(own.predict(X), peer.predict(X), rtol=1e-6)
    assert own.n_iter_ == peer.n_iter_
    if solver == "lbfgs":
        squares = sum((coef**2).sum() for coef in own.coefs_)
        wanted = ((own.predict(X) - Y) ** 2).sum(axis=1).mean() / 2 + 0.05 * squares / len(X)
        assert own.loss_ == pytest.approx(wanted, rel=1e-9)
    assert own.loss_ > 2 * peer.loss_ * 0.9


def test_partial_fit_follows_the_same_path(data):
    X, y = data["digits"]
    models = [
        kind(random_state=np.random.RandomState(4), batch_size=100, hidden_layer_sizes=(20,))
        for kind in (theirs.MLPClassifier, ours.MLPClassifier)
    ]
    for model in models:
        for start in range(0, 900, 300):
            rows = slice(start, start + 300)
            model.partial_fit(X[rows], y[rows], classes=np.arange(10))
    compare(*models, X)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_warm_start(data, solver):
    X, y = data["breast_cancer"]
    options = {"solver": solver, "warm_start": True, "max_iter": 5}
    peer, own = fitted("MLPClassifier", X, y, **options)
    for model in (peer, own):
        model.set_params(alpha=0.5).fit(X, y)
    compare(peer, own, X)


def test_float32_is_kept(data):
    X, y = data["digits"]
    peer, own = fitted("MLPClassifier", X.astype("float32"), y)
    assert {coef.dtype.name for coef in own.coefs_} == {"float32"}
    assert own.predict_proba(X.astype("float32")).dtype == "float32"
    np.testing.assert_allclose(own.loss_curve_, peer.loss_curve_, rtol=1e-4)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("form", ["csr_matrix", "csc_array"])
def test_sparse(data, form, solver):
    sparse = pytest.importorskip("scipy.sparse")
    X, y = data["digits"]
    X = getattr(sparse, form)(np.where(X > 0.5, X, 0.0))
    compare(*fitted("MLPClassifier", X, y, solver=solver), X)


def test_strings_and_names():
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(2)
    X = pandas.DataFrame(rng.normal(size=(90, 3)), columns=["a", "b", "c"])
    y = np.array(["low", "middle", "high"])[np.digitize(X["a"], [-0.5, 0.5])]
    peer, own = fitted("MLPClassifier", X, y, early_stopping=True)
    assert own.classes_.tolist() == peer.classes_.tolist()
    assert own.feature_names_in_.tolist() == ["a", "b", "c"]
    compare(peer, own, X)


def test_verbose_output_is_the_same(data, capsys):
    X, y = data["breast_cancer"]
    printed = []
    for module in (theirs, ours):
        for options in (
            {"early_stopping": True, "tol": 0.1, "n_iter_no_change": 2},
            {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.5, "n_iter_no_change": 1},
        ):
            model = module.MLPClassifier(random_state=1, verbose=True, max_iter=40, **options)
            model.fit(X, y)
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert "Learning rate too small. Stopping." in printed[1]


def test_a_warm_start_without_a_better_score_keeps_the_best_weights(data):
    """Theirs trains over them: their best weights are the very arrays that it trains."""
    X, y = data["breast_cancer"]
    options = {"early_stopping": True, "warm_start": True, "random_state": 0, "max_iter": 40}
    options |= {"hidden_layer_sizes": (8,), "learning_rate_init": 0.01, "n_iter_no_change": 3}
    peer, own = (kind(**options).fit(X, y) for kind in (theirs.MLPClassifier, ours.MLPClassifier))
    before = [coef.copy() for coef in own.coefs_]
    best = own.best_validation_score_
    for model in (peer, own):
        model.fit(X, y)
        assert model.n_iter_ == 1
        assert model.best_validation_score_ == best
    assert own.loss_curve_ == pytest.approx(peer.loss_curve_)
    for coef, wanted, their in zip(own.coefs_, before, peer.coefs_, strict=True):
        np.testing.assert_array_equal(coef, wanted)
        assert np.abs(their - wanted).max() > 1e-3
