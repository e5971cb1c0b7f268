"""Updates (U1–U4): θ −= α ∂J/∂θ and its descendants, each one elementwise kernel over θ.

An optimizer is a frozen set of hyper-parameters and a kernel `update(xp, theta, g, *slots,
*scalars)`. What it remembers of a network (its slots, vectors like θ, and the number of steps) is
an `OptimizerState`. The scalars of a step are computed on the host in double precision.
"""

from __future__ import annotations

import math
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from backprop_xp.backends.base import Array, Kernel, Namespace
from backprop_xp.errors import ConfigurationError, ShapeError
from backprop_xp.maths.model import Model
from backprop_xp.maths.parameters import Parameters

_TINY, _INFINITE = math.ulp(0.0), math.inf

# Hyper-parameter → what it must be, and the half-open interval; all others lie in [0, 1).
_RANGES = {
    "learning_rate": ("> 0", _TINY, _INFINITE),
    "epsilon": ("> 0", _TINY, _INFINITE),
    "weight_decay": ("≥ 0", 0.0, _INFINITE),
}


class OptimizerState:
    """What an optimizer remembers of one network: `slots`, arrays like θ, and `steps`."""

    def __init__(self, optimizer: Optimizer, net: Model) -> None:
        backend, xp = net.backend, net.backend.xp
        self.slots = [xp.zeros_like(net.theta) for _ in range(optimizer.slots)]
        self.steps = 0
        self._optimizer = optimizer
        self._backend = backend
        self._values = optimizer.scalars(1)
        self._scalars = backend.scalars(len(self._values), net.dtype)
        backend.write_scalars(self._scalars, self._values)
        windows = [self._scalars[i, ...] for i in range(len(self._values))]
        self._arguments = (*self.slots, *windows)
        self._update = backend.elementwise(optimizer.kernel)

    def count_step(self) -> None:
        """Begin the next step: put its scalars where the kernel reads them."""
        self.steps += 1
        values = self._optimizer.scalars(self.steps)
        if values != self._values:
            self._backend.write_scalars(self._scalars, values)
            self._values = values

    def update(self, theta: Array, g: Array) -> None:
        """Apply the update to θ in place (U1–U4)."""
        self._update(theta, g, *self._arguments)


@dataclass(frozen=True)
class Optimizer(ABC):
    """The common part of all optimizers.

    Parameters
    ----------
    learning_rate : float
        α > 0.
    """

    learning_rate: float
    # One optimizer may serve several networks; a network that is gone takes its state along.
    _states: weakref.WeakKeyDictionary[Model, OptimizerState] = field(
        init=False, repr=False, compare=False, default_factory=weakref.WeakKeyDictionary
    )

    #: How many vectors like θ it remembers.
    slots: ClassVar[int] = 0
    #: `kernel(xp, theta, g, *slots, *scalars)` changes θ and the slots in place.
    kernel: ClassVar[Kernel]

    def __post_init__(self) -> None:
        for option in fields(self):
            if option.init:
                self._check(option.name, getattr(self, option.name))

    def _check(self, name: str, value: Any) -> None:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        wanted, low, high = _RANGES.get(name, ("in [0, 1)", 0.0, 1.0))
        if not number or not low <= value < high:
            raise ConfigurationError(
                f"{type(self).__name__}: {name}={value!r}, but expected a finite number {wanted}"
            )

    @abstractmethod
    def scalars(self, step: int) -> tuple[float, ...]:
        """The numbers for step number `step` = 1, 2 …, which the kernel receives as 0-d arrays."""

    def state(self, net: Model) -> OptimizerState:
        """What this optimizer remembers of `net`; empty when it first meets it."""
        if net not in self._states:
            self._states[net] = OptimizerState(self, net)
        return self._states[net]

    def update(self, net: Model, grads: Parameters) -> None:
        """Take one step: change θ of `net` in place (U1–U4).

        Parameters
        ----------
        net : Network
        grads : Parameters
            What `net.backward` returned.

        Raises
        ------
        ShapeError
            The gradient is not one of this network.
        BackendError
            The gradient lives on another backend.
        """
        net.backend.require_own(grads.theta, "grads")
        if grads.theta.shape != net.theta.shape:
            raise ShapeError(
                f"grads has {tuple(grads.theta.shape)} values, but the network has "
                f"{tuple(net.theta.shape)} parameters"
            )
        state = self.state(net)
        state.count_step()
        state.update(net.theta, grads.theta)

    def __reduce__(self) -> tuple[Callable[..., Optimizer], tuple[Any, ...]]:
        """A copy has the same hyper-parameters and has met no network yet."""
        return type(self), tuple(getattr(self, f.name) for f in fields(self) if f.init)


def _sgd(xp: Namespace, theta: Array, g: Array, rate: Array) -> None:
    theta -= rate * g  # U1–U4


@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent: θ −= α g (U1–U4).

    Parameters
    ----------
    learning_rate : float
        α > 0.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> net = bp.Network([1, 1], output="identity", backend="numpy")
    >>> net.theta = [3.0, 1.0]
    >>> bp.SGD(0.5).update(net, net.backward(net.forward([[1.0]]), [0.0]))
    >>> net.theta.tolist()
    [1.0, -1.0]
    """

    learning_rate: float = 0.1
    kernel = staticmethod(_sgd)

    def scalars(self, step: int) -> tuple[float, ...]:
        return (self.learning_rate,)


def _momentum(
    xp: Namespace, theta: Array, g: Array, velocity: Array, momentum: Array, rate: Array
) -> None:
    velocity *= momentum
    velocity -= rate * g
    theta += velocity


@dataclass(frozen=True)
class Momentum(Optimizer):
    """Heavy ball (Polyak, 1964): v ← μ v − α g; θ += v.

    Parameters
    ----------
    learning_rate : float
        α > 0.
    momentum : float
        μ in [0, 1).
    """

    learning_rate: float = 0.1
    momentum: float = 0.9
    slots = 1
    kernel = staticmethod(_momentum)

    def scalars(self, step: int) -> tuple[float, ...]:
        return self.momentum, self.learning_rate


def _nesterov(
    xp: Namespace, theta: Array, g: Array, velocity: Array, momentum: Array, rate: Array
) -> None:
    descent = rate * g
    velocity *= momentum
    velocity -= descent
    theta += momentum * velocity - descent


@dataclass(frozen=True)
class Nesterov(Momentum):
    """Nesterov's momentum as Sutskever et al. (2013) write it: v ← μ v − α g; θ += μ v − α g.

    Parameters
    ----------
    learning_rate : float
        α > 0.
    momentum : float
        μ in [0, 1).
    """

    kernel = staticmethod(_nesterov)


def _rmsprop(
    xp: Namespace, theta: Array, g: Array, v: Array, fresh: Array, rate: Array, epsilon: Array
) -> None:
    v += fresh * (g * g - v)
    theta -= rate * g / (xp.sqrt(v) + epsilon)


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """RMSprop (Tieleman & Hinton, 2012): v ← ρ v + (1−ρ) g²; θ −= α g / (√v + ε).

    Parameters
    ----------
    learning_rate : float
        α > 0.
    decay : float
        ρ in [0, 1).
    epsilon : float
        ε > 0.
    """

    learning_rate: float = 1e-3
    decay: float = 0.9
    epsilon: float = 1e-8
    slots = 1
    kernel = staticmethod(_rmsprop)

    def scalars(self, step: int) -> tuple[float, ...]:
        return 1.0 - self.decay, self.learning_rate, self.epsilon


def _adam(
    xp: Namespace,
    theta: Array,
    g: Array,
    m: Array,
    v: Array,
    fresh1: Array,
    fresh2: Array,
    rate: Array,
    epsilon: Array,
) -> None:
    m += fresh1 * (g - m)  # m ← β₁ m + (1−β₁) g
    v += fresh2 * (g * g - v)  # v ← β₂ v + (1−β₂) g²
    theta -= rate * m / (xp.sqrt(v) + epsilon)


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam (Kingma & Ba, 2015): θ −= α m̂ / (√v̂ + ε), m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ).

    The two corrections go into the scalars: the kernel divides m by √v + ε √(1−β₂ᵗ) and
    multiplies with α √(1−β₂ᵗ)/(1−β₁ᵗ).

    Parameters
    ----------
    learning_rate : float
        α > 0.
    beta1, beta2 : float
        Decay of the two moments, in [0, 1).
    epsilon : float
        ε > 0.
    """

    learning_rate: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    slots = 2
    kernel: ClassVar[Kernel] = staticmethod(_adam)

    def scalars(self, step: int) -> tuple[float, ...]:
        root = math.sqrt(1.0 - self.beta2**step)
        rate = self.learning_rate * root / (1.0 - self.beta1**step)
        return 1.0 - self.beta1, 1.0 - self.beta2, rate, self.epsilon * root


def _adamw(
    xp: Namespace,
    theta: Array,
    g: Array,
    m: Array,
    v: Array,
    fresh1: Array,
    fresh2: Array,
    rate: Array,
    epsilon: Array,
    shrink: Array,
) -> None:
    theta *= shrink
    _adam(xp, theta, g, m, v, fresh1, fresh2, rate, epsilon)


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov & Hutter, 2019): first θ −= α λ θ, then Adam.

    Parameters
    ----------
    learning_rate : float
        α > 0.
    beta1, beta2 : float
        Decay of the two moments, in [0, 1).
    epsilon : float
        ε > 0.
    weight_decay : float
        λ ≥ 0; it shrinks all of θ, b included.
    """

    weight_decay: float = 0.01
    kernel: ClassVar[Kernel] = staticmethod(_adamw)

    def scalars(self, step: int) -> tuple[float, ...]:
        return *super().scalars(step), 1.0 - self.learning_rate * self.weight_decay
