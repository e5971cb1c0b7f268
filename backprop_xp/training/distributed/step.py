"""SharedStep: a training step of several ranks: the gradient, its sum over ranks, the update.

A sum over ranks can be part of neither a recording nor a CUDA graph, so the step is compiled in two
halves. J travels with the gradient, as the last element of one buffer: one all-reduce per step.
"""

from __future__ import annotations

from typing import Any

from backprop_xp.backends.all_reduce import all_reduce
from backprop_xp.backends.base import Array
from backprop_xp.maths.kernels import assign
from backprop_xp.maths.network import Network
from backprop_xp.maths.optimizer import Optimizer
from backprop_xp.maths.parameters import Parameters
from backprop_xp.maths.trace import Trace
from backprop_xp.training.step import TrainStep


class SharedStep(TrainStep):
    """One training step on a batch of which every rank has a part.

    Parameters
    ----------
    net, optimizer, clip_norm
        As for `train_step`.
    comm : mpi4py.MPI.Intracomm
    """

    def __init__(
        self, net: Network, optimizer: Optimizer, clip_norm: float | None, comm: Any
    ) -> None:
        super().__init__(net, optimizer, clip_norm)
        backend, P = net.backend, net.theta.shape[-1]
        self._buffer = backend.empty((P + 1,), net.dtype)
        self._grads = Parameters(backend.xp, net.sizes, self._buffer[:P])
        self._J = backend.xp.reshape(self._buffer[P:], (1, 1), copy=False)
        self._assign = backend.elementwise(assign)
        self._sum = all_reduce(backend, comm)
        # The penalties are part of J once, not once per rank.
        self._penalized = comm.rank == 0
        self._no_penalty = backend.full((1, 1), 0.0, net.dtype)
        compiled = type(net) is Network
        self._half = backend.compile(self._differentiate) if compiled else self._differentiate
        self._other_half = backend.compile(self._update) if compiled else self._update

    def __call__(self, X: Any, Y: Any, shares: Any = None, *places: Array) -> Array:
        """Take one step and return J of the whole batch from before it; all ranks call it together.

        Parameters
        ----------
        X, Y : array, shape (m, n_0) and (m, n_L)
            This rank's part of the batch, of the network's backend and dtype.
        shares : array, shape (m, 1)
            What each row weighs in J: 1/m or wᵢ/Σw of the whole batch.
        *places : array of uint32, shape (m, 1)
            With dropout, the number of each row in the whole batch.
        """
        if places:
            self._trace(X.shape[-2], True).choose_dropout(self._pattern())
        self.state.count_step()
        self._half(X, Y, shares, *places)
        self._sum(self._buffer)
        return self._other_half()[..., 0, 0]

    def _differentiate(self, X: Array, Y: Array, shares: Array, *places: Array) -> Array:
        net, trace = self.net, self._trace(X.shape[-2], True)
        trace.read(X)
        trace.take_shares(shares)
        for rows in places:
            trace.take_places(rows)
        net.propagate(trace)  # F1–F4
        J = net.mean_loss(trace, Y)  # J, the part of these rows
        net.backpropagate(trace, Y, self._grads)  # B1–B8
        self._assign(self._J, J)
        return J

    def _update(self) -> Array:
        if self._clip:
            self._clip.apply(self._grads.theta)
        self.state.update(self.net.theta, self._grads.theta)  # U1–U4
        return self._J

    def _trace(self, rows: int, weighted: bool) -> Trace:
        trace = super()._trace(rows, weighted)
        if not self._penalized:
            trace.l2 = trace.l1 = self._no_penalty
        return trace
