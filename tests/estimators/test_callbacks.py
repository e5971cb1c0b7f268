"""Every callback of the library works in both estimators, or is refused before training."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone

import backprop_xp as bp
from backprop_xp.estimators import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ROWS = 60
X = np.random.default_rng(0).normal(size=(ROWS, 4))
TARGETS = {
    MLPClassifier: np.arange(ROWS) % 3,
    MLPRegressor: np.abs(X[:, 0]),
}
KINDS = {"classifier": (MLPClassifier, {}), "regressor": (MLPRegressor, {})}
KINDS["counts"] = MLPRegressor, {"loss": "poisson"}
CALLBACKS = {
    "Checkpoint": lambda path: bp.Checkpoint(path / "run.safetensors"),
    "EarlyStopping": lambda path: bp.EarlyStopping(patience=1),
    "LayerStatistics": lambda path: bp.LayerStatistics(),
    "Callback": lambda path: bp.Callback(),
}


def test_these_are_all_public_callbacks():
    public = {name for name in bp.__all__ if isinstance(getattr(bp, name), type)}
    assert {name for name in public if issubclass(getattr(bp, name), bp.Callback)} == set(CALLBACKS)


def model_with(kind, callbacks, **options):
    made, own = KINDS[kind]
    defaults = {"hidden_layer_sizes": (5,), "max_iter": 6, "random_state": 0, "batch_size": 20}
    return made(callbacks=callbacks, **{**defaults, **own, **options}), TARGETS[made]


def predicted(model):
    return model.predict_proba(X) if isinstance(model, MLPClassifier) else model.predict(X)[:, None]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CALLBACKS)
@pytest.mark.parametrize(
    "options",
    [{}, {"early_stopping": True}, {"solver": "sgd"}, {"dropout": 0.2}, {"warm_start": True}],
    ids=str,
)
def test_in_fit(tmp_path, kind, name, options):
    callback = CALLBACKS[name](tmp_path)
    model, y = model_with(kind, [callback], **options)
    for data in (X, X.astype("float32"), csr_matrix(X)):
        assert model.fit(data, y).n_iter_ > 0
    if name == "LayerStatistics":
        assert callback.latest[-1].epoch == len(model.loss_curve_[-model.n_iter_ :])
    if name == "EarlyStopping":
        assert callback.best_epoch > 0
    if name == "Checkpoint":
        net = bp.load(tmp_path / "run.safetensors", backend="numpy")
        A = net.predict(X)
        np.testing.assert_allclose(A if A.shape[1] > 1 else A[:, :1], predicted(model), rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CALLBACKS)
def test_in_partial_fit(tmp_path, kind, name):
    model, y = model_with(kind, [CALLBACKS[name](tmp_path)])
    classes = {"classes": [0, 1, 2]} if kind == "classifier" else {}
    if name == "EarlyStopping":
        with pytest.raises(bp.ConfigurationError, match=r"every call of partial_fit trains one"):
            model.partial_fit(X, y, **classes)
        return
    for _ in range(3):
        model.partial_fit(X, y, **classes)
    if name == "Checkpoint":
        net = bp.load(tmp_path / "run.safetensors", backend="numpy")
        np.testing.assert_allclose(net.predict(X), predicted(model), rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CALLBACKS)
def test_copies_and_pickles(tmp_path, kind, name):
    model, y = model_with(kind, [CALLBACKS[name](tmp_path)])
    clone(model).fit(X, y)
    model.fit(X, y)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(predicted(twin), predicted(model))


@pytest.mark.parametrize("name", CALLBACKS)
def test_without_epochs_they_are_refused(tmp_path, name):
    model, y = model_with("classifier", [CALLBACKS[name](tmp_path)], solver="lbfgs")
    with pytest.raises(ValueError, match="callbacks needs a solver with epochs"):
        model.fit(X, y)


def test_one_callback_needs_no_list(tmp_path):
    statistics = bp.LayerStatistics()
    model, y = model_with("classifier", statistics)
    model.fit(X, y)
    assert statistics.records


def test_the_file_of_an_estimator_is_no_run_of_fit(tmp_path):
    """The estimator shuffles in another way: that the run cannot go on is said."""
    path = tmp_path / "run.safetensors"
    model, y = model_with("classifier", [bp.Checkpoint(path)], solver="sgd", momentum=0.0)
    model.fit(X, y)
    net = bp.load(path, backend="numpy")
    options = {"optimizer": bp.SGD(0.001), "batch_size": 20, "seed": np.random.default_rng(0)}
    with pytest.raises(bp.CheckpointError, match=r"belongs to another run|holds no complete run"):
        bp.fit(net, X, y, epochs=9, resume=path, **options)


def test_a_figure_that_is_not_there(tmp_path):
    model, y = model_with("classifier", [bp.EarlyStopping(monitor="validation_loss")])
    with pytest.raises(bp.ConfigurationError, match="no such figure"):
        model.fit(X, y)
    model.fit(X, y, validation_data=(X, y))
