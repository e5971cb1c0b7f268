"""Members: a population while it trains, some of whose networks may have stopped before others."""

from __future__ import annotations

from typing import Any

import numpy as np

from backprop_xp.backends.base import Array, Backend
from backprop_xp.backends.host_data import host_generator
from backprop_xp.data.batches import Batches
from backprop_xp.data.rows import Rows
from backprop_xp.errors import ConfigurationError, ShapeError
from backprop_xp.maths.members import is_one_each, member_seeds
from backprop_xp.maths.network import Network
from backprop_xp.maths.optimizer import OptimizerState
from backprop_xp.number_checks import is_count
from backprop_xp.training.populations.member_batches import MemberBatches
from backprop_xp.training.schedules import Schedule


class Members:
    """Which members still learn, and what the others were when they stopped.

    All members take every step, since they take it in one pass; after each epoch those that have
    stopped are put back.

    Attributes
    ----------
    reasons : list of str or None
        Why each member has stopped; None while it learns.
    active : numpy.ndarray of bool, shape (members,)
        Which members learn.
    """

    def __init__(self, net: Network, state: OptimizerState) -> None:
        self._net, self._live = net, (net.theta, *state.slots)
        self.reasons: list[str | None] = [None] * net.stack[0]
        self._held: list[Array] = []

    @property
    def active(self) -> np.ndarray:
        return np.array([reason is None for reason in self.reasons])

    def freeze(self, k: int, reason: str, arrays: tuple[Array, ...] | None = None) -> None:
        """Let member k be what it is now, or what its rows of such arrays are, from now on."""
        if not self._held:
            self._held = [self._net.backend.xp.empty_like(live) for live in self._live]
        for held, now in zip(self._held, arrays or self._live, strict=True):
            held[k, ...] = now[k, ...]
        self.reasons[k] = reason

    def hold(self) -> None:
        """Put the members back that have stopped."""
        if not self._held:
            return
        backend = self._net.backend
        active = backend.asarray(self.active[:, None])
        for live, held in zip(self._live, self._held, strict=True):
            live[...] = backend.xp.where(active, live, held)

    def restore(self, reasons: list[str | None]) -> None:
        """Go on with a population of which those members have stopped that have a reason."""
        for k, reason in enumerate(reasons):
            if reason is not None:
                self.freeze(k, reason)


def require_population(net: Network, schedule: Schedule | None) -> None:
    """Raise an error unless `fit` can train this stack of networks by this schedule."""
    if net.members is None:
        raise ShapeError(
            f"fit takes a network or a population θ (members, P), not a stack of the shape "
            f"{net.stack}"
        )
    require_schedule_of_time(schedule)


def require_schedule_of_time(schedule: Schedule | None) -> None:
    """Raise ConfigurationError if a schedule follows figures, which differ between members."""
    if schedule is not None and type(schedule).after_epoch is not Schedule.after_epoch:
        raise ConfigurationError(
            f"{type(schedule).__name__} follows the figures of one network, but this is a "
            "population: use a schedule of time, such as CosineDecay(), or train net.member(k) "
            "alone"
        )


def shuffling(net: Network, seed: Any) -> list[np.random.Generator]:
    """Return the generator that shuffles for all, or one for each member."""
    if net.members is None or not is_one_each(seed):
        return [host_generator(seed)]
    return [host_generator(one) for one in member_seeds(seed, net.members)]


def batches(
    backend: Backend,
    X: Rows,
    Y: Rows,
    batch_size: int | None,
    rngs: list[np.random.Generator],
    weights: Array | None,
) -> Batches | MemberBatches:
    """Return batches that all share, or for several generators batches for each member."""
    if len(rngs) == 1:
        return Batches(backend, X, Y, batch_size, rngs[0], weights)
    return MemberBatches(backend, X, Y, batch_size, rngs, weights)


def plain_seed(seed: Any) -> int | list[int] | None:
    """Return the seed as a checkpoint can hold it; None for a generator."""
    if is_one_each(seed):
        return [int(one) for one in seed]
    return int(seed) if is_count(seed, least=0) else None
