"""MLPRegressor."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if

from backprop_xp.errors import DataError
from backprop_xp.estimators.base import MultilayerPerceptron
from backprop_xp.estimators.device import score_on_host
from backprop_xp.estimators.sklearn_private import StrOptions, fit_context


class MLPRegressor(RegressorMixin, MultilayerPerceptron):  # type: ignore[misc]
    """A drop-in replacement for scikit-learn's MLPRegressor.

    It computes on its backend, and answers in the kind of array that it was given: NumPy arrays,
    frames, lists and sparse matrices give NumPy arrays, whatever BACKEND and `backend` say; CuPy
    arrays give CuPy arrays. `coefs_` and `intercepts_` are of the kind of X in `fit`, predictions
    of that of X in `predict`; `classes_`, losses and scores are always on the host. y, weights and
    validation data may be on the host or on the device: they are moved to where they are needed.
    Another library's arrays on a GPU (`__cuda_array_interface__`) count as CuPy's, without a copy.

    Parameters
    ----------
    loss : str
        squared_error, poisson, absolute_error or huber. Of several outputs the losses are summed.
    hidden_layer_sizes : array_like of int
        The width of each hidden layer.
    activation : str, Activation or list of them
        identity, logistic (or sigmoid), tanh, relu, leaky_relu, elu, gelu, silu, softplus; a list
        has one per hidden layer.
    solver, alpha, batch_size, learning_rate, learning_rate_init, power_t, max_iter, shuffle, \
random_state, tol, verbose, warm_start, momentum, nesterovs_momentum, early_stopping, \
validation_fraction, beta_1, beta_2, epsilon, n_iter_no_change, max_fun
        As in scikit-learn, with the same defaults.
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
n_layers_, n_outputs_, out_activation_, n_features_in_, feature_names_in_
        As in scikit-learn.
    validation_loss_curve_ : list of float
        The loss on validation data after every epoch; empty without any.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from backprop_xp.estimators import MLPRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = MLPRegressor(learning_rate_init=0.1, tol=1.0, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.5
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **MultilayerPerceptron._parameter_constraints,
        "loss": [StrOptions({"squared_error", "poisson", "absolute_error", "huber"})],
    }

    def __init__(
        self,
        loss: str = "squared_error",
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
        backend: Any = None,
        dropout: Any = 0.0,
        callbacks: Any = None,
        progress: bool = False,
        keep_optimizer: bool = False,
    ) -> None:
        self.loss = loss
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
        self.backend = backend
        self.dropout = dropout
        self.callbacks = callbacks
        self.progress = progress
        self.keep_optimizer = keep_optimizer

    # Found for every solver, as theirs is; calling it with lbfgs says what is wrong.
    @available_if(lambda estimator: estimator._check_solver)  # type: ignore[untyped-decorator]
    @fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch.

        Parameters
        ----------
        X : array_like or sparse matrix, shape (n_samples, n_features)
        y : array_like, shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array_like, shape (n_samples,), optional

        Returns
        -------
        self
        """
        return self._fit(X, y, sample_weight, incremental=True)

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Any]:
        X, y = self._validated(X, y, reset, y_numeric=True)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if self.loss == "poisson" and (y < 0).any():
            raise DataError("Some value(s) of y are negative, but loss='poisson' needs y >= 0")
        return X, y

    def _output(self) -> str:
        return "exp" if self.loss == "poisson" else "identity"

    def _loss_name(self) -> str | None:
        return self.loss

    def predict(self, X: Any) -> Any:
        """Return the prediction for every row.

        Parameters
        ----------
        X : array_like or sparse matrix, shape (n_samples, n_features)

        Returns
        -------
        array, shape (n_samples,) or (n_samples, n_outputs)
        """
        return self._labels(self._forward(X))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return R² of the predictions for X.

        Parameters
        ----------
        X : array_like or sparse matrix, shape (n_samples, n_features)
        y : array_like, shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array_like, shape (n_samples,), optional

        Returns
        -------
        float
        """
        return score_on_host(r2_score, y, self.predict(X), sample_weight)

    def _labels(self, y: Any) -> Any:
        return y[:, 0] if y.shape[1] == 1 else y

    def _score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        return self._score_with(r2_score, X, y, sample_weight)
