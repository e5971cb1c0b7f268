"""MultilayerPerceptron: what both estimators share, from parameters to a call of the core."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state, check_X_y
from sklearn.utils.validation import check_is_fitted, validate_data

from backprop_xp.backends.host_data import unmasked
from backprop_xp.errors import ConfigurationError, DataError
from backprop_xp.estimators.conversion import Conversion
from backprop_xp.estimators.device import checked_inputs, device_array, on_device, readable, to_host
from backprop_xp.estimators.initial import first_theta
from backprop_xp.estimators.lbfgs import fit_lbfgs
from backprop_xp.estimators.parameters import CONSTRAINTS, hidden_activations, hidden_sizes
from backprop_xp.estimators.row_weights import within_reach
from backprop_xp.estimators.sklearn_private import check_sample_weight, fit_context
from backprop_xp.estimators.solvers import STOCHASTIC
from backprop_xp.estimators.stochastic import Data, fit_stochastic
from backprop_xp.estimators.weights import FittedWeights
from backprop_xp.maths.activations import EXP, Activation
from backprop_xp.maths.architecture import Architecture, architecture
from backprop_xp.maths.network import Network
from backprop_xp.training.history import History

# out_activation_ → the core's output activation.
_OUTPUTS: dict[str, str | Activation] = {
    "identity": "identity",
    "logistic": "sigmoid",
    "softmax": "softmax",
    "exp": EXP,
}


class MultilayerPerceptron(Conversion, FittedWeights, BaseEstimator, ABC):  # type: ignore[misc]
    """The common part of MLPClassifier and MLPRegressor."""

    _parameter_constraints: ClassVar[dict[str, Any]] = CONSTRAINTS

    @abstractmethod
    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Any]:
        """Return X, and y as (m,) or (m, n_L)."""

    @abstractmethod
    def _output(self) -> str:
        """Return out_activation_ for the targets that were validated."""

    @abstractmethod
    def _labels(self, y: Any) -> Any:
        """Return targets (m, n_L) as `_score` takes them."""

    @abstractmethod
    def _loss_name(self) -> str | None:
        """The core's name for the loss; None for the match of the output."""

    def _take_classes(self, net: Network, classes: Any) -> None:
        """Take the labels of a network's outputs."""
        if classes is not None:
            raise ConfigurationError("classes are for classifiers")

    def _weights(self, y: Any, sample_weight: Any, incremental: bool) -> Any:
        """Return what every row of the given y weighs, or None."""
        return sample_weight

    # -- fitting -------------------------------------------------------------------------------

    @fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        validation_data: tuple[Any, Any] | None = None,
    ) -> Self:
        """Train on X and y.

        Parameters
        ----------
        X : array_like or sparse matrix, shape (n_samples, n_features)
        y : array_like, shape (n_samples,) or (n_samples, n_outputs)
            Class labels, or real numbers.
        sample_weight : array_like, shape (n_samples,), optional
        validation_data : (X, y), optional
            Evaluated after every epoch, see `validation_loss_curve_`. With `early_stopping` it is
            what is scored, and no part of X is held out.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            The data or a parameter make no sense.
        DivergenceError
            The weights left the finite numbers (it is a ValueError, too).
        """
        return self._fit(X, y, sample_weight, False, validation_data)

    def _check_solver(self) -> bool:
        if self.solver not in STOCHASTIC:
            raise AttributeError(
                "partial_fit is only available for stochastic optimizers. "
                f"{self.solver} is not stochastic."
            )
        return True

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        incremental: bool,
        validation_data: tuple[Any, Any] | None = None,
    ) -> Self:
        hidden = hidden_sizes(self.hidden_layer_sizes)
        first = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        given_y = y = to_host(y)
        X, y = self._validate_input(device_array(X), y, incremental, reset=first)
        if sample_weight is not None:
            rows = np.broadcast_to(np.zeros(1, "float64"), (X.shape[0], 1)) if on_device(X) else X
            sample_weight = check_sample_weight(to_host(unmasked(sample_weight)), rows)
        sample_weight = self._weights(given_y, sample_weight, incremental)
        if sample_weight is not None:
            sample_weight = within_reach(sample_weight)
        y = y[:, None] if y.ndim == 1 else y
        self.n_outputs_ = y.shape[1]
        self._random_state = check_random_state(self.random_state)
        if first:
            self._initialize([X.shape[1], *hidden, self.n_outputs_], X)
        net = self._network(X, self._architecture([X.shape[1], *hidden, self.n_outputs_]))
        data = Data(X, y, sample_weight)
        with self._in_training():
            if self.solver == "lbfgs":
                self._require_stochastic(validation_data)
                fit_lbfgs(self, net, data)
            else:
                held_out = self._held_out(net, validation_data)
                fit_stochastic(self, net, data, incremental, held_out)
        return self

    def _require_stochastic(self, validation_data: Any) -> None:
        options = {
            "dropout": np.any(self.dropout),
            "callbacks": self.callbacks,
            "validation_data": validation_data is not None,
        }
        for name, given in options.items():
            if given:
                raise ValueError(f"{name} needs a solver with epochs: 'adam' or 'sgd'")

    def _held_out(self, net: Network, validation_data: Any) -> Data | None:
        if validation_data is None:
            return None
        if not isinstance(validation_data, tuple | list) or len(validation_data) != 2:
            raise DataError("validation_data: expected a pair (X, y)")
        # As in partial_fit: labels must be those that are known.
        X, y = device_array(validation_data[0]), to_host(validation_data[1])
        X, y = self._validate_input(X, y, True, False)
        X = X if net.backend.origin(X) == net.backend.library else to_host(X)
        return Data(X, y[:, None] if y.ndim == 1 else y)

    def _initialize(self, sizes: list[int], X: Any) -> None:
        """Draw the first weights and forget all of a run before."""
        self.n_iter_ = self.t_ = 0
        self.n_layers_ = len(sizes)
        self.out_activation_ = self._output()
        dtype = "float32" if "float32" in str(X.dtype) else "float64"
        described = self._architecture(sizes)  # which checks the parameters
        theta = first_theta(self._random_state, sizes, self.activation, dtype)
        self.__dict__.pop("_net", None)  # where it was says nothing of where this one will be
        net = self._place(theta, described, self._backend_for(X), host=not on_device(X))
        self._best_theta = net.backend.xp.asarray(net.theta, copy=True)
        if self.solver in STOCHASTIC:
            self.loss_curve_: list[float] = []
            self._no_improvement_count = 0
            self._best_compared = np.inf
            self.best_loss_ = None if self.early_stopping else np.inf
            self.validation_scores_: Any = [] if self.early_stopping else None
            self.best_validation_score_ = -np.inf if self.early_stopping else None
            self.validation_loss_curve_: list[float] = []

    def _record(self, history: History) -> None:
        """Keep what a run has seen of validation data."""
        self.validation_loss_curve_ += history.validation_loss

    def _architecture(self, sizes: list[int]) -> Architecture:
        """Return what the present parameters describe."""
        return architecture(
            sizes,
            hidden_activations(self.activation),
            _OUTPUTS[self.out_activation_],
            self._loss_name(),
            float(self.alpha),
            0.0,
            self.dropout,
        )

    def _fitted_architecture(self) -> Architecture:
        sizes = [int(self.coefs_[0].shape[0]), *(int(coef.shape[1]) for coef in self.coefs_)]
        return self._architecture(sizes)

    # -- predicting ----------------------------------------------------------------------------

    def _forward(self, X: Any, check_input: bool = True) -> Any:
        """Return A[L] for X, on the host if X is there."""
        if check_input and not self._is_plain(X):
            check_is_fitted(self)
            X = readable(device_array(X), "X")
            if on_device(X):
                X = checked_inputs(self, X, reset=False)
            else:
                X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        return self._predict_on(self._network(X), X)

    def _is_plain(self, X: Any) -> bool:
        """Whether X passes all checks at a glance: they take longer than to predict a row."""
        if type(X) is not np.ndarray or X.ndim != 2 or X.dtype.char not in "fd":
            return False
        named, features = hasattr(self, "feature_names_in_"), getattr(self, "n_features_in_", 0)
        if named or X.shape[0] == 0 or X.shape[1] != features:
            return False
        with np.errstate(over="ignore", invalid="ignore"):
            return bool(np.isfinite(np.sum(X)))

    def _validated(self, X: Any, y: Any, reset: bool, **options: Any) -> tuple[Any, Any]:
        """Check X, where it is, and y, on the host, where labels are told apart."""
        X, y = readable(X, "X"), readable(y, "y")
        if isinstance(X, np.ndarray) and not X.dtype.isnative:  # theirs would make it float64
            X = X.astype(X.dtype.newbyteorder("="))
        if not on_device(X):
            return validate_data(  # type: ignore[no-any-return]
                self,
                X,
                exact(y),
                accept_sparse=["csr", "csc"],
                multi_output=True,
                dtype=(np.float64, np.float32),
                reset=reset,
                **options,
            )
        X = checked_inputs(self, X, reset)
        # A column of the same length stands in for X, so that y gets all of its checks.
        rows, y = np.zeros((X.shape[0], 1)), exact(y)
        return X, check_X_y(rows, y, multi_output=True, estimator=self, **options)[1]

    def _score_with(self, function: Any, X: Any, y: Any, sample_weight: Any) -> float:
        """Score without validating X, which would lose the names of features."""
        predicted = self._labels(to_host(self._forward(X, check_input=False)))
        if np.issubdtype(predicted.dtype, np.floating) and not np.isfinite(predicted).all():
            return np.nan
        return float(function(exact(y), predicted, sample_weight=sample_weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def exact(y: Any) -> Any:
    """Whole numbers of pandas' own types as NumPy's; scikit-learn would make floats of them."""
    dtype = getattr(y, "dtype", None)
    if (
        hasattr(dtype, "na_value")
        and getattr(dtype, "kind", "") in ("i", "u")
        and not y.isna().any()
    ):
        return y.to_numpy()
    return y
