"""scikit-learn's stochastic solvers, as optimizers of the core."""

from __future__ import annotations

from typing import Any

from backprop_xp.backends.base import Array
from backprop_xp.maths.network import Network
from backprop_xp.maths.optimizer import MOMENTS, Optimizer
from backprop_xp.maths.optimizers import SGD, Adam, Momentum, Nesterov
from backprop_xp.training.step import TrainStep, train_step

STOCHASTIC = ("sgd", "adam")


class EarlyEpsilonAdam(Adam):
    """Adam with ε added before the correction of v: θ −= α m̂ / (√v + ε) · √(1−β₂ᵗ)."""

    def scalars(self, step: int, rate: float) -> tuple[float, ...]:
        corrected, _ = super().scalars(step, rate)
        return corrected, self.epsilon


class _AnyMomentum(Momentum):
    """Momentum up to and including 1, which the caller has checked."""

    def _check(self, name: str, value: Any) -> None:
        if name != "momentum":
            super()._check(name, value)


class _AnyNesterov(Nesterov, _AnyMomentum):
    """The same for Nesterov's."""


def optimizer_for(estimator: Any) -> Optimizer:
    """Return what the parameters of an estimator describe."""
    rate = float(estimator.learning_rate_init)
    if estimator.solver == "adam":
        return EarlyEpsilonAdam(
            rate, float(estimator.beta_1), float(estimator.beta_2), float(estimator.epsilon)
        )
    if estimator.momentum == 0:
        return SGD(rate)
    kind = _AnyNesterov if estimator.nesterovs_momentum else _AnyMomentum
    return kind(rate, float(estimator.momentum))


class Solver:
    """An optimizer at work on one network: it goes on from call to call, and into pickles.

    Attributes
    ----------
    learning_rate : float
        Of the next step.
    """

    def __init__(self, optimizer: Optimizer, seed: int = 0) -> None:
        self.optimizer, self.seed = optimizer, seed
        self.learning_rate = optimizer.learning_rate
        self._step: TrainStep | None = None
        self._memory: tuple[int, list[Array]] | None = None

    def step(self, net: Network) -> TrainStep:
        """Return the training step of this network, with what the optimizer remembers."""
        if self._step is None or self._step.net is not net:
            memory = self._remembered()
            step = train_step(net, self.optimizer, seed=self.seed, penalty_per_row=True)
            if memory is not None:
                step.state.steps = memory[0]
                for slot, values in zip(step.state.slots, memory[1], strict=True):
                    slot[...] = net.backend.asarray(values, net.dtype)
            self._step, self._memory = step, None
        return self._step

    def remember(self, steps: int, slots: list[Array]) -> None:
        """Go on from this number of steps and these slots, arrays on the host."""
        self._step, self._memory = None, (steps, slots)

    def _remembered(self) -> tuple[int, list[Array]] | None:
        """The number of steps, and the slots on the host."""
        if self._step is None:
            return self._memory
        state, to_numpy = self._step.state, self._step.net.backend.to_numpy
        return state.steps, [to_numpy(slot).copy() for slot in state.slots]

    def __getstate__(self) -> dict[str, Any]:
        alone = {"optimizer": self.optimizer.fresh(), "_step": None}  # without the network
        return {**self.__dict__, **alone, "_memory": self._remembered(), "moments": MOMENTS}

    def __setstate__(self, state: dict[str, Any]) -> None:
        kind = state.pop("moments", None)
        self.__dict__.update(state)
        if self._memory is not None:
            steps, slots = self._memory
            self._memory = steps, self.optimizer.moments_of_today(slots, kind)
