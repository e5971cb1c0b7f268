"""What scikit-learn's classes do not have."""

from __future__ import annotations

import copy
import io
import pickle
import re
import warnings

import joblib
import numpy as np
import pytest
import sklearn.neural_network as theirs
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import ConvergenceWarning
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import backprop_xp as bp
from backprop_xp.estimators import MLPClassifier, MLPRegressor
from backprop_xp.estimators.solvers import Solver

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def small(**options):
    defaults = {"hidden_layer_sizes": (8,), "max_iter": 15, "learning_rate_init": 0.01}
    return MLPClassifier(**{**defaults, "random_state": 0, **options})


def test_inputs_of_predict_are_checked_as_theirs_are(data):
    X, y = data["breast_cancer"]
    ours = MLPClassifier((4,), max_iter=2).fit(X, y)
    other = theirs.MLPClassifier((4,), max_iter=2).fit(X, y)
    missing, infinite = X.copy(), X.copy()
    missing[3, 2], infinite[5, 1] = np.nan, -np.inf
    for wrong in (missing, infinite, X[:0], X[:, :3], X[0], X[None], X.astype(complex)):
        with pytest.raises(ValueError, match=r"[A-Z]") as expected:
            other.predict(wrong)
        with pytest.raises(ValueError, match=re.escape(str(expected.value)[:60])):
            ours.predict(wrong)
    huge = np.full((2, X.shape[1]), 1e308)  # finite, though its sum is not
    with np.errstate(over="ignore", invalid="ignore"):
        assert ours.predict_proba(huge).shape == (2, 2)
    np.testing.assert_array_equal(ours.predict(X[::2]), ours.predict(X)[::2])


# -- what scikit-learn does with estimators ----------------------------------------------------


def test_in_a_pipeline_in_a_grid_search(data):
    X, y = data["breast_cancer"]
    pipeline = make_pipeline(StandardScaler(), small())
    search = GridSearchCV(pipeline, {"mlpclassifier__alpha": [1e-4, 1.0]}, n_jobs=2, cv=3)
    assert search.fit(X, y).best_score_ > 0.9


def test_other_tools(data):
    X, y = data["breast_cancer"]
    calibrated = CalibratedClassifierCV(small(), cv=2).fit(X, y)
    assert calibrated.predict_proba(X).shape == (len(y), 2)
    model = small().fit(X, y)
    importance = permutation_importance(model, X, y, n_repeats=1, random_state=0)
    assert importance.importances_mean.max() > 0
    assert cross_val_score(small(), X, y, cv=2).min() > 0.9


def test_clones_and_copies_predict_the_same(data):
    X, y = data["digits"]
    model = small(hidden_layer_sizes=(20,)).partial_fit(X, y, classes=range(10))
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    copies = [pickle.loads(pickle.dumps(model)), copy.deepcopy(model), joblib.load(file)]
    expected = model.partial_fit(X, y).predict_proba(X)
    for twin in copies:  # with what the optimizer remembers
        np.testing.assert_array_equal(twin.partial_fit(X, y).predict_proba(X), expected)
    twin = clone(model)
    assert not hasattr(twin, "coefs_")
    assert twin.get_params() == model.get_params()


def test_early_pickles_of_a_solver_leave_factors_out_of_the_moments(data):
    X, y = data["breast_cancer"]
    state = small().partial_fit(X, y, classes=[0, 1])._optimizer.__getstate__()
    steps, moments = state["_memory"]
    early = [moments[0] / (1.0 - 0.9), moments[1] / (1.0 - 0.999)]
    del state["moments"]
    solver = Solver(state["optimizer"])
    solver.__setstate__(state | {"_memory": (steps, early)})
    for kept, moment in zip(solver._remembered()[1], moments, strict=True):
        np.testing.assert_allclose(kept, moment, rtol=1e-6)


def test_coefs_are_the_networks(data):
    """Changed in place, put in their place, or in another list: predictions follow."""
    X, y = data["diabetes"]
    model = MLPRegressor(hidden_layer_sizes=(5,), max_iter=3, random_state=0).fit(X, y)
    model.coefs_[1][...] = 0.0
    np.testing.assert_allclose(model.predict(X), model.intercepts_[1][0])
    model.intercepts_[1] = np.array([7.0])
    np.testing.assert_allclose(model.predict(X), 7.0)
    model.coefs_ = [np.zeros((10, 5)), np.ones((5, 1))]
    model.intercepts_ = [np.ones(5), np.zeros(1)]
    np.testing.assert_allclose(model.predict(X), 5.0)
    model.set_params(warm_start=True, max_iter=1).fit(X, y)
    assert 4.0 < model.predict(X).mean() < 6.0
    assert np.shares_memory(model.coefs_[0], model.intercepts_[0].base)


def test_one_step_from_given_weights():
    """What their test_fit does through private methods."""
    options = {"solver": "sgd", "alpha": 0.1, "activation": "logistic", "momentum": 0}
    X = [[0.6, 0.8, 0.7]]
    models = []
    for kind in (theirs.MLPClassifier, MLPClassifier):
        model = kind(hidden_layer_sizes=2, learning_rate_init=0.1, random_state=1, **options)
        model.partial_fit(X, [0], classes=[0, 1])
        model.coefs_[0][...] = [[0.1, 0.2], [0.3, 0.1], [0.5, 0.0]]
        model.coefs_[1][...] = [[0.1], [0.2]]
        model.intercepts_[0][...], model.intercepts_[1][...] = 0.1, 1.0
        models.append(model.partial_fit(X, [0]))
    peer, own = models
    assert own.predict_proba(X)[0, 1] == pytest.approx(0.739, abs=1e-3)
    pairs = zip(own.coefs_ + own.intercepts_, peer.coefs_ + peer.intercepts_, strict=True)
    for mine, other in pairs:
        np.testing.assert_allclose(mine, other, rtol=1e-12)


# -- options of ours ---------------------------------------------------------------------------


@pytest.mark.parametrize("weights", ["balanced", {0: 5.0, 1: 1.0}])
def test_class_weight_is_a_sample_weight(data, weights):
    X, y = data["breast_cancer"]
    each = {0: 5.0, 1: 1.0}
    if weights == "balanced":
        each = {label: len(y) / (2 * (y == label).sum()) for label in (0, 1)}
    by_class = small(class_weight=weights).fit(X, y)
    by_row = small().fit(X, y, sample_weight=[each[label] for label in y])
    np.testing.assert_allclose(by_class.loss_curve_, by_row.loss_curve_, rtol=1e-12)
    both = small(class_weight=each).fit(X, y, sample_weight=1.0 + y)
    again = small().fit(X, y, sample_weight=[(1.0 + k) * each[k] for k in y])
    np.testing.assert_allclose(both.loss_curve_, again.loss_curve_, rtol=1e-12)


def test_balanced_needs_all_of_y(data):
    X, y = data["breast_cancer"]
    with pytest.raises(ValueError, match="not supported for partial_fit"):
        small(class_weight="balanced").partial_fit(X, y, classes=[0, 1])


@pytest.mark.parametrize("activation", ["leaky_relu", "elu", "gelu", "silu", "softplus", "sigmoid"])
def test_all_activations(data, activation):
    X, y = data["breast_cancer"]
    assert small(activation=activation).fit(X, y).score(X, y) > 0.85


def test_an_activation_per_layer_and_of_ones_own(data):
    X, y = data["breast_cancer"]
    cube = bp.Activation("cube", lambda xp, z: z**3 / 8, lambda xp, z, a: 3 * z**2 / 8)
    model = small(hidden_layer_sizes=(8, 6), activation=["tanh", cube]).fit(X, y)
    assert [g.name for g in model.to_network().hidden] == ["tanh", "cube"]
    with pytest.raises(bp.ConfigurationError, match=r"lists 2 activations for 1 hidden layer$"):
        small(activation=["tanh", cube]).fit(X, y)


def test_sigmoid_is_their_logistic(data):
    X, y = data["breast_cancer"]
    curves = [small(activation=name).fit(X, y).loss_curve_ for name in ("sigmoid", "logistic")]
    assert curves[0] == curves[1]


@pytest.mark.parametrize("loss", ["absolute_error", "huber"])
def test_losses_of_regression(data, loss):
    X, y = data["diabetes"]
    options = {"loss": loss, "hidden_layer_sizes": (16,), "max_iter": 200, "random_state": 0}
    model = MLPRegressor(learning_rate_init=0.05, alpha=0.0, **options).fit(X, y)
    error = np.abs(model.predict(X) - y)
    j = error if loss == "absolute_error" else np.where(error <= 1, error**2 / 2, error - 0.5)
    assert model.loss_curve_[-1] == pytest.approx(j.mean(), rel=0.05)
    assert model.loss_curve_[-1] < 0.5 * model.loss_curve_[0]


def test_losses_of_classification(data):
    X, y = data["digits"]
    model = small(loss="squared_error", hidden_layer_sizes=(40,), max_iter=40).fit(X, y)
    assert model.score(X, y) > 0.9


def test_dropout(data):
    X, y = data["digits"]
    plain, dropped, again = (
        small(hidden_layer_sizes=(40,), dropout=rate).fit(X, y) for rate in (0.0, 0.5, [0.5])
    )
    assert dropped.loss_ > plain.loss_
    assert dropped.loss_curve_ == again.loss_curve_
    assert dropped.score(X, y) > 0.8
    np.testing.assert_array_equal(dropped.predict_proba(X), dropped.predict_proba(X))


class Counter(bp.Callback):
    def __init__(self, stop=None):
        self.epochs, self.stop = 0, stop

    def on_epoch_end(self, run):
        self.epochs += 1
        if self.epochs == self.stop:
            run.stop("enough")


def test_callbacks_are_called_and_may_stop(data):
    X, y = data["breast_cancer"]
    counter = Counter(stop=4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it has been stopped on purpose: no warning
        model = small(callbacks=[counter]).fit(X, y)
    assert (model.n_iter_, counter.epochs) == (4, 4)


def test_validation_data(data):
    X, y = data["breast_cancer"]
    model = small(callbacks=None).fit(X[:400], y[:400], validation_data=(X[400:], y[400:]))
    assert len(model.validation_loss_curve_) == model.n_iter_
    p = model.predict_proba(X[400:])[np.arange(169), y[400:]]
    # The penalty is that of a whole batch of all these rows or less: small beside the loss.
    assert model.validation_loss_curve_[-1] == pytest.approx(-np.log(p).mean(), abs=2e-2)
    stopped = small(early_stopping=True, max_iter=60).fit(
        X[:400], y[:400], validation_data=(X[400:], y[400:])
    )
    assert stopped.best_validation_score_ == pytest.approx(stopped.score(X[400:], y[400:]))
    with pytest.raises(bp.DataError, match="a pair"):
        small().fit(X, y, validation_data=X)


def test_early_stopping_keeps_a_validation_loss_curve(data):
    X, y = data["breast_cancer"]
    model = small(early_stopping=True).fit(X, y)
    assert len(model.validation_loss_curve_) == len(model.validation_scores_) == model.n_iter_


def test_the_optimizer_is_kept_on_request(data):
    X, y = data["breast_cancer"]
    options = {"shuffle": False, "max_iter": 5, "tol": 0.0}
    whole = small(**{**options, "max_iter": 10}).fit(X, y)
    kept = small(warm_start=True, keep_optimizer=True, **options).fit(X, y).fit(X, y)
    fresh = small(warm_start=True, **options).fit(X, y).fit(X, y)
    np.testing.assert_allclose(kept.loss_curve_, whole.loss_curve_, rtol=1e-12)
    assert fresh.loss_curve_ != whole.loss_curve_


def test_divergence_says_where(data):
    X, y = data["diabetes"]
    model = MLPRegressor(solver="sgd", learning_rate_init=10.0, random_state=0)
    with pytest.raises(bp.DivergenceError, match=r"non-finite parameter weights.*epoch") as caught:
        model.fit(X, y)
    assert isinstance(caught.value, ValueError)
    assert caught.value.epoch >= 1
    assert all(np.isfinite(coef).all() for coef in model.coefs_)


def test_divergence_under_early_stopping_keeps_the_best_weights(data):
    X, y = data["diabetes"]
    options = {"solver": "sgd", "learning_rate_init": 10.0, "early_stopping": True}
    with pytest.warns(ConvergenceWarning, match="best validation score"):
        model = MLPRegressor(random_state=0, **options).fit(X, y)
    assert np.isnan(model.validation_scores_[-1])
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize(
    "options", [{"dropout": 0.5}, {"callbacks": [Counter()]}], ids=["dropout", "callbacks"]
)
def test_lbfgs_has_no_epochs(data, options):
    X, y = data["breast_cancer"]
    with pytest.raises(ValueError, match="needs a solver with epochs"):
        small(solver="lbfgs", **options).fit(X, y)


def test_interruption(data):
    class Interrupt(bp.Callback):
        def on_epoch_end(self, run):
            if run.epoch == 3:
                raise KeyboardInterrupt

    X, y = data["breast_cancer"]
    with pytest.warns(UserWarning, match=r"Training interrupted by user\."):
        model = small(callbacks=[Interrupt()]).fit(X, y)
    assert model.n_iter_ == 3


def test_what_cannot_be_trained(data):
    X, y = data["diabetes"]
    with pytest.raises(bp.DataError, match="negative"):
        MLPRegressor(loss="poisson").fit(X, y - 100)
    with pytest.raises(bp.ConfigurationError, match="'x' is no Callback"):
        MLPRegressor(callbacks=["x"]).fit(X, y)
    with pytest.raises(bp.ConfigurationError, match="Did you mean 'relu'"):
        MLPRegressor(activation=["rellu"]).fit(X, y)


def test_progress(data, capsys):
    X, y = data["breast_cancer"]
    small(progress=True, max_iter=2).fit(X, y)
    assert "epoch 2/2" in capsys.readouterr().err


@pytest.mark.parametrize("dtype", ["int64", "Int64", "UInt64", "int64[pyarrow]", "category"])
def test_whole_numbers_of_pandas_as_labels_are_exact(rng, dtype):
    """scikit-learn makes floats of pandas' own types, in which these labels are one."""
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    labels = [7, 1099511627776000001, 1099511627776000002]
    X, y = rng.normal(size=(30, 2)), pd.Series(labels * 10).astype(dtype)
    for model in (small().fit(X, y), small().partial_fit(X, y, classes=labels)):
        assert model.classes_.tolist() == labels
        assert set(model.predict(X)) <= set(labels)
        assert model.score(X, y) == np.mean(model.predict(X) == np.array(labels * 10))
