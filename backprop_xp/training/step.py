"""train_step: forward → cost → backward → update as one call, the fast path."""

from __future__ import annotations

from typing import Any

from backprop_xp.backends.base import Array
from backprop_xp.errors import ConfigurationError
from backprop_xp.maths.network import Network
from backprop_xp.maths.optimizer import Optimizer
from backprop_xp.maths.trace import Trace
from backprop_xp.training.validation import require_network


class TrainStep:
    """One training step of a network by an optimizer; `train_step` makes it.

    It keeps its gradient, and for every batch size the arrays of a trace, from call to call.
    """

    def __init__(self, net: Network, optimizer: Optimizer) -> None:
        self.net = net
        self.state = optimizer.state(net)
        self._grads = net.gradient()
        self._traces: dict[int, Trace] = {}
        # A subclass may do in its own lines what only the primitives can do in a compiled step.
        self._run = net.backend.compile(self._step) if type(net) is Network else self._step

    def __call__(self, X: Any, Y: Any) -> Array:
        """Take one step on a batch and return J from before it, a 0-d array on the device.

        Parameters
        ----------
        X : array_like, shape (m, n_0)
        Y : array_like, shape (m,), (m, 1) or (m, n_L)
            As for `Network.forward` and `Network.cost`. Shapes and dtypes are checked before any
            weight changes. Values are not, since that would wait for the device: NaN in a batch
            makes J and the weights NaN. `fit` checks values before it starts.

        Raises
        ------
        ShapeError, DataError, BackendError
            X or Y does not fit.
        """
        X = self.net.as_inputs(X)
        Y = self.net.as_targets(Y, X.shape[-2])
        self.state.count_step()
        return self._run(X, Y)[..., 0, 0]

    def _step(self, X: Array, Y: Array) -> Array:
        net, grads, trace = self.net, self._grads, self._trace(X)
        net.propagate(trace)  # F1–F4
        J = net.mean_loss(trace, Y)  # J
        net.backpropagate(trace, Y, grads)  # B1–B8
        self.state.update(net.theta, grads.theta)  # U1–U4
        return J

    def _trace(self, X: Array) -> Trace:
        rows = X.shape[-2]
        if rows not in self._traces:
            self._traces[rows] = self.net.trace(X, in_place=True)
        self._traces[rows].A[0] = X
        return self._traces[rows]


def train_step(net: Network, optimizer: Optimizer) -> TrainStep:
    """Return a function that takes one whole training step: `J = step(X, Y)`.

    Parameters
    ----------
    net : Network
        Its θ changes in place.
    optimizer : Optimizer
        For example `Adam(1e-3)`.

    Returns
    -------
    TrainStep
        `step(X, Y)` returns J from before the update, a 0-d array that stays on the device.

    Raises
    ------
    ConfigurationError
        `net` is not a Network or `optimizer` not an Optimizer.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> net = bp.Network([2, 4, 1], seed=0, backend="numpy")
    >>> step = bp.train_step(net, bp.Adam(0.05))
    >>> X, Y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0]
    >>> losses = [float(step(X, Y)) for _ in range(200)]
    >>> losses[-1] < 0.1 < losses[0]
    True
    """
    require_network(net)
    if not isinstance(optimizer, Optimizer):
        raise ConfigurationError(
            f"optimizer={optimizer!r}: expected an optimizer such as backprop_xp.Adam(1e-3)"
        )
    return TrainStep(net, optimizer)
