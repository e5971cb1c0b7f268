"""FittedWeights: coefs_ and intercepts_ are windows onto the θ of a network."""

from __future__ import annotations

from typing import Any

import numpy as np

from backprop_xp.backends.base import Array, is_sparse
from backprop_xp.estimators.device import backend_for, to_host
from backprop_xp.maths.architecture import Architecture
from backprop_xp.maths.model import restore
from backprop_xp.maths.network import Network
from backprop_xp.sources.host_tables import SparseTable
from backprop_xp.training.sources import HostRows

# So many elements of a sparse X are made dense at once for a prediction.
_DENSE_ELEMENTS = 2**22


class FittedWeights:
    """Keeps the network in step with `coefs_` and `intercepts_`.

    Changing them in place changes the network. Arrays put in their place are copied into it when
    it is next used. A pickle holds them alone, on the host.
    """

    backend: Any
    coefs_: list[Array]
    intercepts_: list[Array]

    def _fitted_architecture(self) -> Architecture:
        raise NotImplementedError

    def _place(self, theta: np.ndarray, described: Architecture, X: Any) -> Network:
        """Make the network, and let coefs_ and intercepts_ be its windows."""
        net = restore(Network, backend_for(self.backend, X), described, theta)
        self._net = net
        return self._adopt(net)

    def _adopt(self, net: Network) -> Network:
        self.coefs_ = [net.backend.xp.matrix_transpose(W) for W in net.W]
        self.intercepts_ = list(net.b)
        self._windows = (*self.coefs_, *self.intercepts_)
        return net

    def _network(self, X: Any, described: Architecture | None = None) -> Network:
        """Return the network with the present weights; for a fit, with the present parameters."""
        net: Network | None = getattr(self, "_net", None)
        if net is None or (described is not None and net.architecture != described):
            flat = zip(self.coefs_, self.intercepts_, strict=True)
            parts = [part for W, b in flat for part in (to_host(W).T.ravel(), to_host(b))]
            described = described or self._fitted_architecture()
            return self._place(np.concatenate(parts), described, X)
        given = (*self.coefs_, *self.intercepts_)
        if any(a is not b for a, b in zip(given, self._windows, strict=True)):
            for l, (W, b) in enumerate(zip(self.coefs_, self.intercepts_, strict=True), start=1):
                net.W[l][...] = net.backend.asarray(W, net.dtype).T
                net.b[l][...] = net.backend.asarray(b, net.dtype)
            if described is not None:  # a fit will change them
                self._adopt(net)
        return net

    def _predict_on(self, net: Network, X: Any) -> Any:
        """Return A[L], as a NumPy array if X is on the host."""
        if is_sparse(X):
            rows = HostRows(SparseTable(X), net.sizes[0], lambda host: host)
            step = max(1, _DENSE_ELEMENTS // net.sizes[0])
            starts = range(0, rows.rows, step)
            return np.concatenate(
                [self._predict_on(net, rows.part(i, min(i + step, rows.rows))) for i in starts]
            )
        A = net.predict(net.as_inputs(X, move=True))
        return A if net.backend.origin(X) == net.backend.library else net.backend.to_numpy(A)

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())  # type: ignore[call-overload]
        state.pop("_net", None)
        state.pop("_windows", None)
        for name in {"coefs_", "intercepts_"} & set(state):
            state[name] = [np.ascontiguousarray(to_host(a)) for a in state[name]]
        if "_best_theta" in state:
            state["_best_theta"] = to_host(state["_best_theta"])
        return state
