"""To and from networks, and from scikit-learn's fitted models."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.neural_network as theirs
from sklearn.exceptions import NotFittedError

import backprop_xp as bp
from backprop_xp.estimators import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# name → (output, outputs, Y of X)
OUTPUTS = {
    "binary": ("sigmoid", 1, lambda X: (X[:, :1] > 0).astype(int)),
    "classes": ("softmax", 3, lambda X: np.digitize(X[:, 0], [-0.5, 0.5])),
    "labels": ("sigmoid", 2, lambda X: (X[:, :2] > 0).astype(int)),
    "numbers": ("identity", 2, lambda X: X[:, :2] ** 2),
}


@pytest.mark.parametrize("kind", OUTPUTS)
def test_there_and_back(kind, backend, rng):
    output, outputs, target = OUTPUTS[kind]
    cls = MLPRegressor if kind == "numbers" else MLPClassifier
    X = rng.normal(size=(40, 4))
    sizes, hidden = [4, 6, 5, outputs], ["tanh", "gelu"]
    net = bp.Network(sizes, hidden, output, seed=3, dtype="float64", backend=backend)
    bp.fit(net, X, target(X), epochs=3, progress=False)
    model = cls.from_network(net, max_iter=2)
    A = backend.to_numpy(net.predict(backend.asarray(X)))
    predicted = model.predict(X) if kind == "numbers" else model.predict_proba(X)
    np.testing.assert_allclose(predicted[:, -outputs:], A, rtol=1e-12)
    again = model.to_network()
    assert [g.name for g in again.hidden] == hidden
    np.testing.assert_array_equal(backend.to_numpy(again.theta), backend.to_numpy(net.theta))
    again.theta = again.theta * 0  # a copy: the model has its own
    assert backend.to_numpy(model.coefs_[0]).any()
    model.fit(X, np.squeeze(target(X)))  # and it can be trained
    assert model.n_iter_ == 2


def test_classes_of_a_network():
    net = bp.Network([2, 3], output="softmax", backend="numpy")
    model = MLPClassifier.from_network(net, classes=["a", "b", "c"])
    assert set(model.predict([[0.0, 1.0]])) <= {"a", "b", "c"}
    assert model.classes_.tolist() == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("cls", "net", "options", "message"),
    [
        (MLPClassifier, {"output": "identity"}, {}, "no identity output"),
        (MLPRegressor, {"output": "sigmoid"}, {}, "no sigmoid output"),
        (MLPClassifier, {}, {"classes": ["b", "a"]}, "sorted"),
        (MLPClassifier, {}, {"classes": [1, 2, 3]}, "expected 2 labels"),
        (MLPRegressor, {"output": "identity"}, {"classes": [1]}, "for classifiers"),
    ],
)
def test_networks_that_fit_no_estimator(cls, net, options, message):
    with pytest.raises(bp.ConfigurationError, match=message):
        cls.from_network(bp.Network([2, 1], backend="numpy", **net), **options)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("name", ["digits", "breast_cancer", "diabetes"])
def test_a_fitted_model_of_theirs_goes_on(data, name, solver):
    X, y = data[name]
    kind, cls = (
        (theirs.MLPRegressor, MLPRegressor)
        if name == "diabetes"
        else (theirs.MLPClassifier, MLPClassifier)
    )
    options = {"solver": solver, "random_state": 2, "max_iter": 4, "learning_rate_init": 1e-3}
    peer = kind(hidden_layer_sizes=(10,), **options).fit(X, y)
    own = cls.from_sklearn(peer)
    np.testing.assert_allclose(own.predict(X), peer.predict(X), rtol=1e-9)
    assert own.get_params()["solver"] == solver
    if solver != "lbfgs":
        for _ in range(3):
            peer.partial_fit(X, y)
            own.partial_fit(X, y)
        np.testing.assert_allclose(own.loss_curve_, peer.loss_curve_, rtol=1e-9)
        np.testing.assert_allclose(own.coefs_[1], peer.coefs_[1], rtol=1e-7, atol=1e-10)


def test_conversions_say_what_they_need(data):
    with pytest.raises(NotFittedError):
        MLPClassifier().to_network()
    with pytest.raises(bp.ConfigurationError, match="not fitted"):
        MLPClassifier.from_sklearn(theirs.MLPClassifier())
    with pytest.raises(bp.ConfigurationError, match="no MLPRegressor"):
        MLPRegressor.from_sklearn(theirs.MLPClassifier())
