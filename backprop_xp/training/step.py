"""train_step: forward → cost → backward → update as one call, the fast path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backprop_xp.backends.base import Array, Namespace
from backprop_xp.data.checks import require_network
from backprop_xp.errors import ConfigurationError, shown
from backprop_xp.maths.network import Network
from backprop_xp.maths.optimizer import Optimizer
from backprop_xp.maths.overriding import overridden
from backprop_xp.maths.step_numbers import StepNumbers
from backprop_xp.maths.trace import Trace
from backprop_xp.number_checks import require_count, require_number


class TrainStep:
    """One training step of a network by an optimizer; `train_step` makes it.

    It keeps its gradient, and for every batch size the arrays of a trace, from call to call.
    """

    def __init__(
        self,
        net: Network,
        optimizer: Optimizer,
        clip_norm: float | None = None,
        seed: int = 0,
        penalty_per_row: bool = False,
    ) -> None:
        self.net, self._penalty_per_row = net, penalty_per_row
        self._made_of = net, optimizer, clip_norm, seed, penalty_per_row
        self.state = optimizer.state(net)
        self.seed: int | Sequence[int] = seed
        self._clip = ClippedNorm(net, clip_norm) if clip_norm is not None else None
        self._grads = net.gradient()
        self._traces: dict[tuple[int, bool], Trace] = {}
        # A method of a subclass may do what only the primitives can do in a compiled step.
        self._run = net.backend.compile(self._step) if type(net) is Network else self._step

    def __call__(self, X: Any, Y: Any, sample_weight: Any = None) -> Array:
        """Take one step on a batch and return J from before it, a 0-d array on the device.

        Parameters
        ----------
        X : array_like, shape (m, n_0)
        Y : array_like, shape (m,), (m, 1) or (m, n_L)
            As for `Network.forward` and `Network.cost`. Shapes and dtypes are checked before any
            weight changes. Values are not, since that would wait for the device: NaN in a batch
            makes J and the weights NaN. `fit` checks values before it starts.
        sample_weight : array_like, shape (m,), optional
            J averages with the weights wᵢ/Σw; they may be of any size.

        Raises
        ------
        ShapeError, DataError, BackendError
            X, Y or the weights do not fit.
        """
        batch = self._batch(X, Y, sample_weight)
        if self.net.architecture.dropout:
            rows, weighted = batch[0].shape[-2], sample_weight is not None
            self._trace(rows, weighted).choose_dropout(self._pattern())
        self.state.count_step()
        return self._run(*batch)[..., 0, 0]

    def _batch(self, X: Any, Y: Any, sample_weight: Any = None) -> tuple[Array, ...]:
        """A batch as the step takes it."""
        net = self.net
        X = net.as_inputs(X)
        rows = X.shape[-2]
        Y = net.as_targets(Y, rows)
        return (X, Y) if sample_weight is None else (X, Y, net.as_weights(sample_weight, rows))

    # -- many steps at once, see `Backend.loop` ------------------------------------------------

    def on_rows(self, X: Array, Y: Array, *weights: Array) -> tuple[Array, ...]:
        """Take a step on rows (m, n) of the device; return J and, with weights, their sum."""
        J = self._step(*self._batch(X, Y, *weights))
        return (J, *(self.net.backend.xp.sum(w) for w in weights))

    def numbers(self, X: Array, Y: Array, *weights: Array) -> list[StepNumbers]:
        """What the host writes before every step on such a batch."""
        drops = self._trace(X.shape[-2], bool(weights)).drops
        return [*self.state.numbers, *(drop.keys for drop in drops if drop)]

    def next_numbers(self, rows: int, weighted: bool, count: int) -> list[Sequence[Any]]:
        """Count steps on so many rows; return for each of `numbers` what it holds in every step."""
        drops = [drop for drop in self._trace(rows, weighted).drops if drop]
        patterns = [self._pattern(later) for later in range(count)] if drops else []
        keys = [[drop.keys_of(pattern) for pattern in patterns] for drop in drops]
        return [*self.state.next_numbers(count), *keys]

    def __reduce__(self) -> tuple[type[TrainStep], tuple[Any, ...], dict[str, Any]]:
        """A copy is made anew of copies of the network and the optimizer, with their memory."""
        return type(self), self._made_of, {"seed": self.seed}

    def _pattern(self, later: int = 0) -> int | list[int]:
        """The number of this step's pattern of dropout; with seeds of their own, of each member."""
        steps = self.state.steps + later
        if isinstance(self.seed, int):
            return self.seed + steps
        return [seed + steps for seed in self.seed]

    def _step(self, X: Array, Y: Array, *weights: Array) -> Array:
        net, grads, trace = self.net, self._grads, self._trace(X.shape[-2], bool(weights))
        trace.read(X)
        for w in weights:
            trace.weigh(w)
        net.propagate(trace)  # F1–F4
        J = net.mean_loss(trace, Y)  # J
        net.backpropagate(trace, Y, grads)  # B1–B8
        if self._clip:
            self._clip.apply(grads.theta)
        self.state.update(net.theta, grads.theta)  # U1–U4
        return J

    def _trace(self, rows: int, weighted: bool) -> Trace:
        kind = rows, weighted
        if kind not in self._traces:
            self._traces[kind] = self.net.trace(
                rows,
                in_place=True,
                dropout=True,
                penalty_per_row=self._penalty_per_row,
                own_patterns=not isinstance(self.seed, int),
            )
        return self._traces[kind]


class StepByMethods(TrainStep):
    """The same for a subclass of Network with another forward, cost or backward: it is called."""

    def __call__(self, X: Any, Y: Any, sample_weight: Any = None) -> Array:
        """See `TrainStep`; what the subclass's methods need not know is not passed to them."""
        net = self.net
        X = net.as_inputs(X)
        Y = net.as_targets(Y, X.shape[-2])
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        dropout = {"dropout": self._pattern()} if net.architecture.dropout else {}
        trace = net.forward(X, **dropout)  # F1–F4
        if self._penalty_per_row:
            net.share_penalties(trace)
        J = net.cost(trace, Y, **weights)  # J
        grads = net.backward(trace, Y, **weights)  # B1–B8
        if self._clip:
            self._clip.apply(grads.theta)
        self._made_of[1].update(net, grads)  # U1–U4
        return J


class ClippedNorm:
    """Clipping of the whole gradient (Pascanu et al., 2013): g ← g · min(1, c/‖g‖).

    In a stack each network's gradient is clipped by its norm.
    """

    def __init__(self, net: Network, limit: float) -> None:
        backend = net.backend
        self._matmul = backend.matmul
        self._squared = backend.empty((*net.stack, 1, 1), net.dtype)
        squared = self._squared[..., 0] if net.stack else self._squared[0, 0, ...]
        self._factors = (squared, backend.full((), limit, net.dtype))
        self._clip = backend.elementwise(clip)

    def apply(self, g: Array) -> None:
        """Shorten g, (P,) or (…, P), in place where it is longer than the limit."""
        self._matmul(g[..., None, :], g[..., None], self._squared)
        self._clip(g, *self._factors)


def clip(xp: Namespace, g: Array, squared: Array, limit: Array) -> None:
    """`(g, squared, limit)`: g · c / max(‖g‖, c)."""
    g *= limit / xp.maximum(xp.sqrt(squared), limit)


def train_step(
    net: Network,
    optimizer: Optimizer,
    *,
    clip_norm: float | None = None,
    seed: int = 0,
    penalty_per_row: bool = False,
) -> TrainStep:
    """Return a function that takes one whole training step: `J = step(X, Y)`.

    Parameters
    ----------
    net : Network
        Its θ changes in place. If it is of a subclass with another `forward`, `cost` or
        `backward`, these are called, step by step, with X and Y as arrays of the backend.
    optimizer : Optimizer
        For example `Adam(1e-3)`.
    clip_norm : float, optional
        A gradient that is longer is shortened to this length, over all of θ.
    seed : int
        The pattern of dropout in step t is number `seed` + t, t = 0, 1 …
    penalty_per_row : bool
        Divide the penalties by the batch's number of rows (by Σw with weights), which is what
        scikit-learn means by `alpha`. By default they weigh the same in every batch.

    Returns
    -------
    TrainStep
        `step(X, Y)` returns J from before the update, a 0-d array that stays on the device.

    Raises
    ------
    ConfigurationError
        `net` is not a Network, `optimizer` not an Optimizer, or an option makes no sense.

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
    require_step_options(net, optimizer, clip_norm)
    require_count("seed", seed, least=0)
    kind = StepByMethods if overridden(net, "forward", "cost", "backward") else TrainStep
    return kind(net, optimizer, clip_norm, int(seed), penalty_per_row)


def require_step_options(net: Any, optimizer: Any, clip_norm: Any) -> None:
    """Raise ConfigurationError unless a step can be made of these."""
    require_network(net)
    if not isinstance(optimizer, Optimizer):
        raise ConfigurationError(
            f"optimizer={shown(optimizer)}: expected an optimizer such as backprop_xp.Adam(1e-3)"
        )
    if clip_norm is not None:
        require_number("clip_norm", clip_norm, "a finite number > 0")
