"""NumPy in, NumPy out; arrays of a device in, arrays of that device out: on every backend."""

from __future__ import annotations

import copy
import io
import pickle

import joblib
import numpy as np
import pytest
import sklearn.neural_network as theirs
from sklearn.base import clone
from sklearn.utils._array_api import move_estimator_to

import backprop_xp as bp
from backprop_xp.estimators import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SMALL = {"hidden_layer_sizes": (6,), "max_iter": 5, "learning_rate_init": 0.01, "random_state": 0}
PREDICTIONS = ("predict", "predict_proba", "predict_log_proba")


@pytest.fixture
def table(rng):
    """X (60, 4), and three classes."""
    X = rng.normal(size=(60, 4))
    return X, np.digitize(X[:, 0], [-0.5, 0.5])


@pytest.fixture(params=["backend=", "BACKEND"])
def asked(request, backend, monkeypatch):
    """Options that ask for the backend: by the argument, or none, by the environment."""
    if request.param == "backend=":
        return {**SMALL, "backend": backend.name}
    monkeypatch.setenv("BACKEND", backend.name)
    return SMALL


def weights_of(model):
    return [*model.coefs_, *model.intercepts_]


def are_all(kind, arrays):
    return {type(array) for array in arrays} == {kind}


def equal(given, expected, backend):
    np.testing.assert_allclose(backend.to_numpy(given), expected, rtol=1e-6, atol=1e-9)


# -- what comes out ----------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_numpy_in_numpy_out(table, backend, asked, solver):
    X, y = table
    model = MLPClassifier(solver=solver, **asked).fit(X, y)
    here = MLPClassifier(solver=solver, **{**SMALL, "backend": "numpy"}).fit(X, y)
    assert model.to_network().backend is backend  # it was computed there
    predicted = [getattr(model, name)(X) for name in PREDICTIONS]
    assert are_all(np.ndarray, [*weights_of(model), *predicted, model.classes_])
    assert type(model.score(X, y)) is float
    assert model.loss_ == pytest.approx(here.loss_, rel=1e-7)
    for name, result in zip(PREDICTIONS, predicted, strict=True):
        equal(result, getattr(here, name)(X), bp.get_backend("numpy"))
    for mine, other in zip(weights_of(model), weights_of(here), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("options", [{}, {"early_stopping": True}, {"solver": "lbfgs"}])
def test_arrays_of_a_device_stay_there(table, backend, options):
    X, y = table
    own_X, own_y = backend.asarray(X), backend.asarray(y)
    there = MLPClassifier(**SMALL, **options).fit(own_X, own_y)
    here = MLPClassifier(**SMALL, **options, backend="numpy").fit(X, y)
    assert are_all(backend.array_type, weights_of(there))
    assert there.classes_.tolist() == [0, 1, 2]
    for name in PREDICTIONS:
        result = getattr(there, name)(own_X)
        assert type(result) is backend.array_type
        equal(result, getattr(here, name)(X), backend)
    assert there.score(own_X, own_y) == here.score(X, y)
    assert there.score(own_X, own_y, backend.asarray(1.0 + y)) == here.score(X, y, 1.0 + y)


def test_losses_are_python_floats(table, backend, asked):
    X, _ = table
    for move in (np.asarray, backend.asarray):
        model = MLPRegressor(early_stopping=True, **asked)
        model.fit(move(X), move(X[:, 0]), validation_data=(move(X), move(X[:, 0])))
        curves = model.loss_curve_ + model.validation_loss_curve_ + model.validation_scores_
        assert are_all(float, [*curves, model.best_validation_score_, model.loss_])
        assert len(curves) == 3 * model.n_iter_


def test_several_outputs(table, backend, asked):
    X, y = table
    labels = np.stack([y > 0, y > 1], axis=1).astype(int)
    for move, kind in ((np.asarray, np.ndarray), (backend.asarray, backend.array_type)):
        classifier = MLPClassifier(**asked).fit(move(X), move(labels))
        regressor = MLPRegressor(**asked).fit(move(X), move(X[:, :2]))
        results = classifier.predict(move(X)), regressor.predict(move(X))
        assert are_all(kind, [*results, *weights_of(classifier), *weights_of(regressor)])
        assert [tuple(each.shape) for each in results] == [(60, 2), (60, 2)]
        assert type(regressor.score(move(X), move(X[:, :2]))) is float


def test_labels_of_text(table, backend):
    """Which no device has arrays of: predictions of them are NumPy's."""
    X, y = table
    names = np.array(["low", "middle", "high"])[y]
    model = MLPClassifier(**SMALL).fit(backend.asarray(X), names)
    assert set(model.predict(backend.asarray(X))) <= set(names)
    assert type(model.predict_proba(backend.asarray(X))) is backend.array_type
    assert type(model.score(backend.asarray(X), names)) is float


def test_other_forms_of_host_data(table, asked):
    pandas = pytest.importorskip("pandas")
    sparse = pytest.importorskip("scipy.sparse")
    X, y = table
    model = MLPClassifier(**asked).fit(X, y)
    for form in (X.tolist(), sparse.csr_array(X), np.asfortranarray(X), X.astype("float32")):
        assert type(model.predict_proba(form)) is np.ndarray
        assert are_all(np.ndarray, weights_of(clone(model).fit(form, y.tolist())))
    named = clone(model).fit(pandas.DataFrame(X, columns=list("abcd")), pandas.Series(y))
    assert are_all(
        np.ndarray,
        [*weights_of(named), named.predict(X=pandas.DataFrame(X[:9], columns=list("abcd")))],
    )


# -- kinds that differ -------------------------------------------------------------------------


def test_y_weights_and_validation_data_follow_x(table, backend, asked):
    X, y = table
    weights = 1.0 + (y == 1)
    expected = MLPClassifier(**asked).fit(X, y, weights, validation_data=(X, y))
    for move_x in (np.asarray, backend.asarray):
        for move in (np.asarray, backend.asarray):
            model = MLPClassifier(**asked)
            model.fit(move_x(X), move(y), move(weights), validation_data=(move(X), move(y)))
            assert are_all(type(move_x(X)), weights_of(model))
            np.testing.assert_allclose(model.loss_curve_, expected.loss_curve_, rtol=1e-9)
            found = model.validation_loss_curve_
            np.testing.assert_allclose(found, expected.validation_loss_curve_, rtol=1e-9)


def test_weights_are_of_the_kind_of_the_last_fit_predictions_of_what_is_predicted(table, backend):
    """Where nothing asks for a backend, the model goes where X is."""
    X, y = table
    own_X, own_y = backend.asarray(X), backend.asarray(y)
    other = clone(MLPClassifier(**SMALL)).fit(X, y)
    expected = other.predict_proba(X)
    there = MLPClassifier(**SMALL).fit(own_X, own_y)
    here = MLPClassifier(**SMALL).fit(X, y)
    for model, kind in ((there, backend.array_type), (here, np.ndarray)):
        for _ in range(2):
            assert type(model.predict_proba(own_X)) is backend.array_type
            assert type(model.predict_proba(X)) is np.ndarray
            equal(model.predict_proba(own_X), expected, backend)
            np.testing.assert_allclose(model.predict_proba(X), expected, rtol=1e-6)
        assert are_all(kind, weights_of(model))
        # NumPy's arrays say nothing of a backend, also where they are numba's.
        at_home = bp.get_backend() if backend.array_type is np.ndarray else backend
        assert model.to_network().backend is at_home
    assert are_all(np.ndarray, weights_of(there.fit(X, y)))
    assert are_all(backend.array_type, weights_of(here.fit(own_X, own_y)))


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_partial_fit_goes_on_with_either_kind(table, backend, asked, solver):
    X, y = table
    options = {**asked, "solver": solver}
    expected, model = MLPClassifier(**options), MLPClassifier(**options)
    moves = (np.asarray, backend.asarray, backend.asarray, np.asarray)
    for k, move in enumerate(moves):
        rows = slice(15 * k, 15 * k + 15)
        expected.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
        model.partial_fit(move(X[rows]), move(y[rows]), 1.0 + 0 * y[rows], move(np.arange(3)))
        assert are_all(type(move(X)), weights_of(model))
    np.testing.assert_allclose(model.loss_curve_, expected.loss_curve_, rtol=1e-7)
    np.testing.assert_allclose(model.predict_proba(X), expected.predict_proba(X), rtol=1e-6)


def test_warm_start_with_the_other_kind(table, backend):
    X, y = table
    options = {**SMALL, "warm_start": True, "early_stopping": True, "keep_optimizer": True}
    models = [MLPClassifier(**options) for _ in range(3)]
    moves = (np.asarray, np.asarray), (backend.asarray, np.asarray), (np.asarray, backend.asarray)
    for model, pair in zip(models, moves, strict=True):
        for move in pair:
            model.fit(move(X), move(y))
        assert are_all(type(pair[-1](X)), weights_of(model))
        np.testing.assert_allclose(model.loss_curve_, models[0].loss_curve_, rtol=1e-7)
        np.testing.assert_allclose(model.predict_proba(X), models[0].predict_proba(X), rtol=1e-6)


# -- coefs_ and the network --------------------------------------------------------------------


def test_what_is_changed_in_coefs_reaches_predictions(table, backend, asked):
    X, _ = table
    for move in (np.asarray, backend.asarray):
        model = MLPRegressor(**asked).fit(move(X), move(X[:, 0]))
        model.coefs_[1][...] = 0.0
        bias = float(model.intercepts_[1][0])
        np.testing.assert_allclose(model.predict(X), bias)
        model.intercepts_[1] = np.array([7.0])
        np.testing.assert_allclose(model.predict(X), 7.0)
        equal(model.predict(backend.asarray(X)), np.full(60, 7.0), backend)
        model.coefs_ = [np.zeros((4, 6)), np.ones((6, 1))]
        model.intercepts_ = [np.ones(6), np.zeros(1)]
        np.testing.assert_allclose(model.predict(X), 6.0)
        model.coefs_[1][...] = 2.0
        np.testing.assert_allclose(model.predict(X), 12.0)
        assert backend.to_numpy(model.to_network().W[2]).tolist() == [[2.0] * 6]
        model.set_params(warm_start=True, max_iter=1).fit(move(X), move(X[:, 0]))
        assert 10.0 < model.predict(X).mean() < 13.0


def test_coefs_are_the_same_arrays_after_partial_fit(table, backend, asked):
    X, y = table
    model = MLPClassifier(**asked).partial_fit(X, y, classes=[0, 1, 2])
    W, before = model.coefs_[0], model.coefs_[0].copy()
    model.partial_fit(X, y)
    assert model.coefs_[0] is W
    assert (before != W).any()


class Look(bp.Callback):
    """Looks at an estimator while it trains."""

    def __init__(self):
        self.model, self.seen = None, []

    def on_epoch_end(self, run):
        trained = run.net.backend.to_numpy(run.net.W[1]).T
        self.seen.append(np.array_equal(self.model.coefs_[0], trained))
        self.model.predict(np.zeros((1, 4)))  # which must not disturb the training
        twin = pickle.loads(pickle.dumps(self.model.set_params(callbacks=None), protocol=5))
        self.seen.append(np.array_equal(twin.coefs_[0], trained))
        twin.intercepts_[0][...] = 0.0


def test_callbacks_see_the_present_weights(table, asked):
    X, y = table
    look = Look()
    look.model = model = MLPClassifier(**asked, callbacks=[look])
    undisturbed = MLPClassifier(**asked).fit(X, y)
    assert model.fit(X, y).loss_curve_ == undisturbed.loss_curve_
    assert look.seen == [True] * 10


def test_a_model_stays_where_it_is_while_it_trains(table, backend, monkeypatch):
    """A callback that hands in another device's arrays is refused, and spoils nothing."""
    monkeypatch.delenv("BACKEND", raising=False)
    other = bp.get_backend("strict") if backend.library == "numpy" else backend
    own = other.asarray(table[0])

    class Ask(Look):
        def on_epoch_end(self, run):
            with pytest.raises(bp.BackendError, match="but this backend is numpy"):
                self.model.predict(own)

    ask = Ask()
    ask.model = model = MLPClassifier(**SMALL, callbacks=[ask])
    X, y = table
    expected = MLPClassifier(**SMALL).fit(X, y)
    np.testing.assert_array_equal(model.fit(X, y).coefs_[0], expected.coefs_[0])
    assert type(model.predict(own)) is type(own)


def test_a_change_that_training_would_not_see_is_refused(table, backend, asked):
    """Only windows onto the network that is trained can be changed while it is."""

    class Change(Look):
        def on_epoch_end(self, run):
            self.model.coefs_[0][...] = 0.0

    X, y = table
    change = Change()
    change.model = model = MLPClassifier(**asked, callbacks=[change])
    if backend.library == "numpy":
        assert (model.fit(X, y).coefs_[0] == 0.0).all()
    else:
        with pytest.raises(ValueError, match="read-only"):
            model.fit(X, y)
    model.coefs_[0][...] = 1.0  # after it, all can
    assert backend.to_numpy(model.to_network().W[1]).tolist() == [[1.0] * 4] * 6


def test_weights_of_a_run_that_ended_early(table, backend, asked):
    X, _ = table
    model = MLPRegressor(**{**asked, "solver": "sgd", "learning_rate_init": 1e200})
    with pytest.raises(bp.DivergenceError):
        model.fit(X, X[:, 0])
    assert all(np.isfinite(array).all() for array in weights_of(model))
    net = model.to_network()
    np.testing.assert_array_equal(model.coefs_[0], backend.to_numpy(net.W[1]).T)


# -- pickles and conversions -------------------------------------------------------------------


def test_pickles_and_copies(table, backend, asked):
    X, y = table
    for move in (np.asarray, backend.asarray):
        model = MLPClassifier(**asked).partial_fit(move(X), move(y), classes=[0, 1, 2])
        file = io.BytesIO()
        joblib.dump(model, file)
        file.seek(0)
        copies = [pickle.loads(pickle.dumps(model)), copy.deepcopy(model), joblib.load(file)]
        expected = model.partial_fit(move(X), move(y)).predict_proba(X)
        for twin in copies:  # with what the optimizer remembers
            assert are_all(np.ndarray, weights_of(twin))
            assert type(twin.predict(X)) is np.ndarray
            assert type(twin.predict(backend.asarray(X))) is backend.array_type
            found = twin.partial_fit(move(X), move(y)).predict_proba(X)
            np.testing.assert_array_equal(found, expected)
        assert clone(model).get_params() == model.get_params()


def test_a_pickle_needs_no_device(table, backend, monkeypatch):
    X, y = table
    model = MLPClassifier(**SMALL).fit(backend.asarray(X), backend.asarray(y))
    pickled = pickle.dumps(model)
    monkeypatch.setenv("BACKEND", "numpy")
    twin = pickle.loads(pickled)
    assert backend.library == "numpy" or backend.library.encode() not in pickled
    assert twin.to_network().backend.name == "numpy"
    np.testing.assert_allclose(twin.predict_proba(X), model.predict_proba(X), rtol=1e-6)


def test_a_copy_moved_by_scikit_learn(table, backend, monkeypatch):
    """There and back; it has weights of its own."""
    monkeypatch.setenv("BACKEND", "numpy")
    X, y = table
    model = MLPClassifier(**SMALL).fit(X, y)
    expected = model.predict_proba(X)
    there = move_estimator_to(
        model, backend.xp, None if backend.library == "numpy" else backend.device
    )
    assert are_all(backend.array_type, weights_of(there))
    equal(there.predict_proba(backend.asarray(X)), expected, backend)
    here = move_estimator_to(there, np, "cpu")
    assert are_all(np.ndarray, [*weights_of(here), here.predict(X)])
    for W in (there.coefs_[0], here.coefs_[0]):
        W[...] = 0.0
    np.testing.assert_array_equal(model.predict_proba(X), expected)


def test_from_a_network(table, backend):
    X, _ = table
    net = bp.Network([4, 3, 3], output="softmax", backend=backend, dtype="float64")
    model = MLPClassifier.from_network(net)
    assert are_all(backend.array_type, weights_of(model))
    equal(net.predict(backend.asarray(X)), model.predict_proba(X), backend)
    assert type(model.predict_proba(X)) is np.ndarray
    moved = MLPClassifier.from_network(net, backend="numpy")
    assert are_all(np.ndarray, weights_of(moved))
    np.testing.assert_allclose(moved.predict_proba(X), model.predict_proba(X), rtol=1e-6)


def test_from_a_network_of_the_host(table, backend, monkeypatch):
    monkeypatch.setenv("BACKEND", backend.name)
    net = bp.Network([4, 3, 3], output="softmax", backend="numpy", dtype="float64")
    model = MLPClassifier.from_network(net)
    assert are_all(np.ndarray, weights_of(model))
    np.testing.assert_array_equal(model.coefs_[0], net.W[1].T)
    np.testing.assert_allclose(model.predict_proba(table[0]), net.predict(table[0]), rtol=1e-6)
    assert model.to_network().backend is backend


def test_from_scikit_learn(table, backend, monkeypatch):
    monkeypatch.setenv("BACKEND", backend.name)
    X, y = table
    peer = theirs.MLPClassifier(**SMALL).fit(X, y)
    model = MLPClassifier.from_sklearn(peer)
    assert model.to_network().backend is backend
    own = backend.asarray(X)
    assert type(model.predict(own)) is backend.array_type
    equal(model.predict_proba(own), peer.predict_proba(X), backend)
    assert are_all(np.ndarray, [*weights_of(model), model.predict_proba(X)])
    for each, moved in ((peer, X), (model, own)):
        each.partial_fit(moved, y)
    assert are_all(backend.array_type, weights_of(model))
    equal(model.coefs_[0], peer.coefs_[0], backend)


# -- what is refused ---------------------------------------------------------------------------


def test_a_device_array_is_checked_as_theirs_are(table, backend):
    X, y = (backend.asarray(part) for part in table)
    model = MLPClassifier(**SMALL).fit(X, y)
    for wrong, message in (
        (X * float("nan"), "Input X contains NaN"),
        (X[:, 0], "(?i)expected"),
        (X[:0, :], r"\(0, 4\)"),
        (backend.xp.astype(X, backend.xp.complex128), "Complex data not supported"),
    ):
        for call in (model.predict, lambda X: MLPClassifier(**SMALL).fit(X, y)):
            with pytest.raises(ValueError, match=message):
                call(wrong)
    with pytest.raises(ValueError, match="3 features"):
        model.predict(X[:, :3])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(X, y[:-1])
    whole = backend.asarray(np.ones((60, 4), dtype="int64"))
    assert type(model.predict(whole)) is backend.array_type


def test_names_of_features_are_forgotten_with_the_fit(table, backend):
    pandas = pytest.importorskip("pandas")
    X, y = table
    model = MLPClassifier(**SMALL).fit(pandas.DataFrame(X, columns=list("abcd")), y)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(backend.asarray(X))
    model.fit(backend.asarray(X), y)
    assert not hasattr(model, "feature_names_in_")


def test_arrays_of_another_backend_than_was_asked_for(table, backend):
    X, y = table
    other = bp.get_backend("strict") if backend.library == "numpy" else backend
    own = other.asarray(X)
    model = MLPClassifier(**SMALL, backend="numpy")
    message = r"X is an array of .*, but this backend is numpy"
    with pytest.raises(bp.BackendError, match=message):
        model.fit(own, y)
    assert not hasattr(model, "coefs_")
    expected = model.fit(X, y).predict_proba(X)
    with pytest.raises(bp.BackendError, match=message):
        model.predict(own)
    np.testing.assert_array_equal(model.predict_proba(X), expected)
    found = model.set_params(backend=None).predict_proba(own)
    assert type(found) is other.array_type
    equal(found, expected, other)


class Foreign:
    """An array on a GPU as another library hands it over."""

    def __init__(self, array):
        self.__cuda_array_interface__ = getattr(array, "__cuda_array_interface__", {})
        self.keep = array


def test_another_librarys_arrays_on_a_gpu(table):
    """They are CuPy's, without a copy; where CuPy is not usable, that is what is said."""
    X, y = table
    try:
        cupy = bp.get_backend("cupy")
    except bp.BackendError:
        with pytest.raises(bp.BackendError, match="'cupy' was asked for"):
            MLPClassifier(**SMALL).fit(Foreign(X), y)
        return
    own, labels = cupy.asarray(X), cupy.asarray(y)
    expected = MLPClassifier(**SMALL).fit(own, labels)
    model = MLPClassifier(**SMALL).fit(Foreign(own), Foreign(labels), Foreign(labels * 0 + 1))
    assert are_all(cupy.array_type, [*weights_of(model), model.predict(Foreign(own))])
    equal(model.predict_proba(Foreign(own)), expected.predict_proba(X), cupy)
    assert model.score(Foreign(own), Foreign(labels)) == expected.score(X, y)
    fed = MLPClassifier(**SMALL).partial_fit(Foreign(own), Foreign(labels), None, Foreign(labels))
    assert are_all(cupy.array_type, weights_of(fed))
