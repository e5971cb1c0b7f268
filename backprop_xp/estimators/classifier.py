"""MLPClassifier."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import type_of_target, unique_labels

from backprop_xp.estimators.base import MultilayerPerceptron, exact
from backprop_xp.estimators.classes import binarizer_of, class_weighted, require_classes
from backprop_xp.estimators.device import (
    backend_of,
    namespace,
    on_device,
    score_on_host,
    to_host,
)
from backprop_xp.estimators.sklearn_private import (
    StrOptions,
    check_partial_fit_first_call,
    fit_context,
)
from backprop_xp.maths.network import Network


class MLPClassifier(ClassifierMixin, MultilayerPerceptron):  # type: ignore[misc]
    """A drop-in replacement for scikit-learn's MLPClassifier.

    It computes on its backend, and answers in the kind of array that it was given: NumPy arrays,
    frames, lists and sparse matrices give NumPy arrays, whatever BACKEND and `backend` say; CuPy
    arrays give CuPy arrays. `coefs_` and `intercepts_` are of the kind of X in `fit`, predictions
    of that of X in `predict`; `classes_`, losses and scores are always on the host. y, weights and
    validation data may be on the host or on the device: they are moved to where they are needed.
    Another library's arrays on a GPU (`__cuda_array_interface__`) count as CuPy's, without a copy.

    Parameters
    ----------
    hidden_layer_sizes : array_like of int
        The width of each hidden layer.
    activation : str, Activation or list of them
        identity, logistic (or sigmoid), tanh, relu, leaky_relu, elu, gelu, silu, softplus; a list
        has one per hidden layer.
    solver, alpha, batch_size, learning_rate, learning_rate_init, power_t, max_iter, shuffle, \
random_state, tol, verbose, warm_start, momentum, nesterovs_momentum, early_stopping, \
validation_fraction, beta_1, beta_2, epsilon, n_iter_no_change, max_fun
        As in scikit-learn, with the same defaults.
    loss : str
        log_loss, squared_error, absolute_error or huber.
    class_weight : "balanced", dict or list of dict, optional
        What a row weighs by its class, multiplied with sample_weight.
    backend : str, optional
        Where it computes: "numpy", "numba" or "cupy". By default where X is, if X is an array of a
        device; else where a fitted model is already; else what BACKEND says.
    dropout : float or list of float
        The rate at which units of the hidden layers are dropped in training.
    callbacks : list of Callback, optional
        Called while sgd and adam train.
    progress : bool
        Show a progress bar on stderr.
    keep_optimizer : bool
        With `warm_start`, let the optimizer go on with what it remembers.

    Attributes
    ----------
    coefs_, intercepts_ : list of array
        The weights, (n_in, n_out) and (n_out,): changing them changes predictions.
    loss_curve_, validation_scores_, best_loss_, best_validation_score_, loss_, n_iter_, t_, \
n_layers_, n_outputs_, out_activation_, n_features_in_, feature_names_in_, classes_
        As in scikit-learn.
    validation_loss_curve_ : list of float
        The loss on validation data after every epoch; empty without any.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from backprop_xp.estimators import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier(max_iter=500, random_state=0, class_weight="balanced").fit(X, y)
    >>> model.score(X, y) > 0.95
    True
    >>> model.to_network().sizes
    (4, 100, 3)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **MultilayerPerceptron._parameter_constraints,
        "loss": [StrOptions({"log_loss", "squared_error", "absolute_error", "huber"})],
        "class_weight": [StrOptions({"balanced"}), dict, list, None],
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: Any = 10,
        max_fun: int = 15000,
        loss: str = "log_loss",
        class_weight: Any = None,
        backend: Any = None,
        dropout: Any = 0.0,
        callbacks: Any = None,
        progress: bool = False,
        keep_optimizer: bool = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.loss = loss
        self.class_weight = class_weight
        self.backend = backend
        self.dropout = dropout
        self.callbacks = callbacks
        self.progress = progress
        self.keep_optimizer = keep_optimizer

    # -- fitting -------------------------------------------------------------------------------

    @available_if(lambda estimator: estimator._check_solver())  # type: ignore[untyped-decorator]
    @fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Train for one epoch.

        Parameters
        ----------
        X : array_like or sparse matrix, shape (n_samples, n_features)
        y : array_like, shape (n_samples,) or (n_samples, n_classes)
        sample_weight : array_like, shape (n_samples,), optional
        classes : array_like, shape (n_classes,), optional
            All classes of all calls, needed in the first call; y need not have them all.

        Returns
        -------
        self
        """
        y, classes = to_host(y), to_host(classes)
        if check_partial_fit_first_call(self, classes):
            self._label_binarizer = LabelBinarizer()
            multilabel = type_of_target(y).startswith("multilabel")
            self._label_binarizer.fit(y if multilabel else classes)
        return self._fit(X, y, sample_weight, incremental=True)

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Any]:
        X, y = self._validated(X, y, reset)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
        else:
            require_classes(self.classes_, unique_labels(y), self.warm_start)
        return X, self._label_binarizer.transform(y).astype(bool)

    def _weights(self, y: Any, sample_weight: Any, incremental: bool) -> Any:
        return class_weighted(self.class_weight, y, sample_weight, incremental)

    def _take_classes(self, net: Network, classes: Any) -> None:
        self._label_binarizer = binarizer_of(net, classes)
        self.classes_ = self._label_binarizer.classes_

    def _output(self) -> str:
        return "softmax" if self._label_binarizer.y_type_ == "multiclass" else "logistic"

    def _loss_name(self) -> str | None:
        return None if self.loss == "log_loss" else self.loss

    # -- predicting ----------------------------------------------------------------------------

    def predict(self, X: Any) -> Any:
        """Return the class of every row, or a row of labels.

        Parameters
        ----------
        X : array_like or sparse matrix, shape (n_samples, n_features)

        Returns
        -------
        array, shape (n_samples,) or (n_samples, n_classes)
        """
        A = self._forward(X)
        labels = self._labels(to_host(A))
        numbers = on_device(A) and labels.dtype.kind in "iufb"
        return backend_of(A).asarray(labels) if numbers else labels

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the share of rows whose class, or all of whose labels, are predicted right.

        Parameters
        ----------
        X : array_like or sparse matrix, shape (n_samples, n_features)
        y : array_like, shape (n_samples,) or (n_samples, n_classes)
        sample_weight : array_like, shape (n_samples,), optional

        Returns
        -------
        float
        """
        return score_on_host(accuracy_score, exact(y), self.predict(X), sample_weight)

    def _labels(self, y: Any) -> Any:
        return self._label_binarizer.inverse_transform(y.ravel() if self.n_outputs_ == 1 else y)

    def _score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        return self._score_with(accuracy_score, X, y, sample_weight)

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of every class, or of every label.

        Parameters
        ----------
        X : array_like or sparse matrix, shape (n_samples, n_features)

        Returns
        -------
        array, shape (n_samples, n_classes)
            In the order of `classes_`.
        """
        A = self._forward(X)
        if self.n_outputs_ > 1:
            return A
        return namespace(A).concat([1.0 - A, A], axis=1)

    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithm of `predict_proba`.

        Parameters
        ----------
        X : array_like or sparse matrix, shape (n_samples, n_features)

        Returns
        -------
        array, shape (n_samples, n_classes)
        """
        probabilities = self.predict_proba(X)
        return namespace(probabilities).log(probabilities)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
