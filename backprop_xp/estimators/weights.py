"""FittedWeights: coefs_ and intercepts_ show the θ of a network, on the host or on its device."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import is_
from typing import Any, Self

import numpy as np

from backprop_xp.backends import get_backend
from backprop_xp.backends.base import Array, Backend
from backprop_xp.backends.host_data import is_sparse
from backprop_xp.data.rows import HostRows
from backprop_xp.estimators.device import backend_of, on_device, to_host
from backprop_xp.maths.architecture import Architecture
from backprop_xp.maths.model import restore
from backprop_xp.maths.network import Network
from backprop_xp.maths.parameters import Parameters
from backprop_xp.sources.host_tables import SparseTable

# So many elements of a sparse X are made dense at once for a prediction.
_DENSE_ELEMENTS = 2**22


class _Shown:
    """θ as users see it: views of a network's θ or, `apart`, of a copy of it on the host."""

    def __init__(self, net: Network, host: bool) -> None:
        self.host = host or not on_device(net.theta)
        self._apart = self.host and on_device(net.theta)
        theta = net.backend.to_numpy(net.theta).copy() if self._apart else net.theta
        xp = np if self._apart else net.backend.xp
        views = Parameters(xp, net.sizes, theta)
        self.training = False
        self.coefs = [xp.matrix_transpose(W) for W in views.W]
        self.intercepts = list(views.b)
        self._views = (*self.coefs, *self.intercepts)
        self._theta = theta
        # What the device has: a copy that differs from it was changed by the user.
        self._known = theta.copy() if self._apart else None

    def shows(self, arrays: tuple[Array, ...]) -> bool:
        """Whether these arrays are the views, and no others that were put in their place."""
        return len(arrays) == len(self._views) and all(map(is_, arrays, self._views))

    def write_changes(self, net: Network, replaced: np.ndarray | None) -> None:
        """Write into the network what was changed in the views, or θ of what replaced them."""
        if replaced is None and not self._apart:
            return
        theta = self._theta if replaced is None else replaced
        if self._known is None or not np.array_equal(theta, self._known):
            net.theta = net.backend.asarray(theta)
        if self._known is not None:
            self._known[...] = theta

    def refresh(self, net: Network) -> None:
        """Show what training has made of θ."""
        if self._known is not None:
            self._known[...] = self._theta[...] = net.backend.to_numpy(net.theta)

    def lock(self, training: bool) -> None:
        """Refuse changes of a copy while its network is trained: they would be lost."""
        self.training = training
        if self._apart:
            for view in self._views:
                view.flags.writeable = not training


class FittedWeights:
    """Keeps the network in step with `coefs_` and `intercepts_`.

    These are arrays of the kind that X of the last fit was: views of the network's θ, or, where
    X was on the host and the network is on a device, of a copy on the host. What is changed in
    them in place, and arrays put in their place, go into the network when it is next used. A
    pickle holds them alone, on the host.
    """

    backend: Any
    coefs_: list[Array]
    intercepts_: list[Array]
    _best_theta: Any

    def _fitted_architecture(self) -> Architecture:
        raise NotImplementedError

    def _backend_for(self, X: Any) -> Backend:
        """Return the backend that was asked for; else X's, the network's, or the usual one."""
        if self.backend is not None:
            backend = get_backend(self.backend)
            if on_device(X):
                backend.require_own(X, "X")
            return backend
        if on_device(X):
            return backend_of(X)
        net: Network | None = getattr(self, "_net", None)
        return get_backend(None) if net is None else net.backend

    def _place(
        self, theta: np.ndarray, described: Architecture, backend: Backend, host: bool
    ) -> Network:
        """Make the network of θ on the host; `host` says where to show its weights."""
        self._net: Network = restore(Network, backend, described, theta)
        self._show(host)
        if hasattr(self, "_best_theta"):  # it may be an array of another device
            self._best_theta = to_host(self._best_theta)
        return self._net

    def _show(self, host: bool) -> None:
        self._shown = _Shown(self._net, host)
        self.coefs_, self.intercepts_ = [*self._shown.coefs], [*self._shown.intercepts]

    def _network(self, X: Any, described: Architecture | None = None) -> Network:
        """Return the network with the present weights; for a fit, with the present parameters."""
        net: Network | None = getattr(self, "_net", None)
        if net is not None and self._shown.training:  # a callback asks
            return net
        backend = self._backend_for(X)
        fits = described is not None
        if net is None or net.backend is not backend or (fits and net.architecture != described):
            described = described or (net.architecture if net else self._fitted_architecture())
            host = not on_device(X if fits else self.coefs_[0])
            return self._place(self._flat(), described, backend, host)
        intact = self._shown.shows((*self.coefs_, *self.intercepts_))
        self._shown.write_changes(net, None if intact else self._flat().astype(net.dtype))
        if fits and not (intact and self._shown.host is not on_device(X)):
            self._show(host=not on_device(X))
        return net

    def _flat(self) -> np.ndarray:
        """Return θ of coefs_ and intercepts_, on the host."""
        pairs = zip(self.coefs_, self.intercepts_, strict=True)
        return np.concatenate(
            [part for W, b in pairs for part in (to_host(W).T.ravel(), to_host(b))]
        )

    @contextmanager
    def _in_training(self) -> Iterator[None]:
        """While this holds, the network stays; after it, coefs_ and intercepts_ show its θ."""
        self._shown.lock(True)
        try:
            yield
        finally:
            self._shown.lock(False)
            self._refresh()

    def _refresh(self) -> None:
        """Let coefs_ and intercepts_ show what training has made of the network."""
        self._shown.refresh(self._net)

    def _predict_on(self, net: Network, X: Any) -> Any:
        """Return A[L], where X is: on its device, or as a NumPy array."""
        if is_sparse(X):
            rows = HostRows(SparseTable(X), net.sizes[0], lambda host: host)
            step = max(1, _DENSE_ELEMENTS // net.sizes[0])
            starts = range(0, rows.rows, step)
            return np.concatenate(
                [self._predict_on(net, rows.part(i, min(i + step, rows.rows))) for i in starts]
            )
        A = net.predict(net.as_inputs(X, move=True))
        return A if on_device(X) else net.backend.to_numpy(A)

    def __sklearn_array_api_convert__(self, convert: Callable[[Array], Array]) -> Self:
        """Return a copy whose weights are other arrays: for scikit-learn's move_estimator_to."""
        twin = copy.deepcopy(self)  # which is on the host, without a network
        twin.coefs_ = [convert(W) for W in twin.coefs_]
        twin.intercepts_ = [convert(b) for b in twin.intercepts_]
        return twin

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())  # type: ignore[call-overload]
        state.pop("_net", None)
        state.pop("_shown", None)
        for name in {"coefs_", "intercepts_"} & set(state):
            state[name] = [np.array(to_host(a), order="C") for a in state[name]]
        if "_best_theta" in state:
            state["_best_theta"] = to_host(state["_best_theta"])
        return state
