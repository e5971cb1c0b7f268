"""Updates (U1–U4): θ −= α ∂J/∂θ and its descendants, each one elementwise kernel over θ."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from backprop_xp.backends.base import Array, Kernel, Namespace
from backprop_xp.maths.members import PerMember
from backprop_xp.maths.optimizer import Optimizer


def _sgd(xp: Namespace, theta: Array, g: Array, rate: Array) -> None:
    theta -= rate * g  # U1–U4


@dataclass(frozen=True, eq=False, repr=False)
class SGD(Optimizer):
    """Gradient descent: θ −= α g (U1–U4).

    Parameters
    ----------
    learning_rate : float or sequence of float
        α > 0; a sequence has one for each member of a population.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> net = bp.Network([1, 1], output="identity", backend="numpy")
    >>> net.theta = [3.0, 1.0]
    >>> bp.SGD(0.5).update(net, net.backward(net.forward([[1.0]]), [0.0]))
    >>> net.theta.tolist()
    [1.0, -1.0]
    """

    learning_rate: PerMember = 0.1
    kernel = staticmethod(_sgd)

    def scalars(self, step: int, rate: float) -> tuple[float, ...]:
        return (rate,)


def _momentum(
    xp: Namespace, theta: Array, g: Array, velocity: Array, momentum: Array, rate: Array
) -> None:
    velocity *= momentum
    velocity -= rate * g
    theta += velocity


@dataclass(frozen=True, eq=False, repr=False)
class Momentum(Optimizer):
    """Heavy ball (Polyak, 1964): v ← μ v − α g; θ += v.

    Parameters
    ----------
    learning_rate : float or sequence of float
        α > 0; a sequence has one for each member of a population.
    momentum : float
        μ in [0, 1).

    Examples
    --------
    >>> import backprop_xp as bp
    >>> net = bp.Network([1, 1], output="identity", backend="numpy")
    >>> net.theta = [3.0, 1.0]
    >>> optimizer = bp.Momentum(0.25, momentum=0.5)
    >>> for _ in range(2):
    ...     optimizer.update(net, net.backward(net.forward([[1.0]]), [0.0]))
    >>> net.theta.tolist()
    [1.0, -1.0]
    """

    learning_rate: PerMember = 0.1
    momentum: float = 0.9
    slots = 1
    kernel = staticmethod(_momentum)

    def constants(self) -> tuple[float, ...]:
        return (self.momentum,)

    def scalars(self, step: int, rate: float) -> tuple[float, ...]:
        return (rate,)


def _nesterov(
    xp: Namespace, theta: Array, g: Array, velocity: Array, momentum: Array, rate: Array
) -> None:
    descent = rate * g
    velocity *= momentum
    velocity -= descent
    theta += momentum * velocity - descent


@dataclass(frozen=True, eq=False, repr=False)
class Nesterov(Momentum):
    """Nesterov's momentum as Sutskever et al. (2013) write it: v ← μ v − α g; θ += μ v − α g.

    Parameters
    ----------
    learning_rate : float or sequence of float
        α > 0; a sequence has one for each member of a population.
    momentum : float
        μ in [0, 1).

    Examples
    --------
    >>> import backprop_xp as bp
    >>> net = bp.Network([1, 1], output="identity", backend="numpy")
    >>> net.theta = [3.0, 1.0]
    >>> optimizer = bp.Nesterov(0.25, momentum=0.5)
    >>> for _ in range(2):
    ...     optimizer.update(net, net.backward(net.forward([[1.0]]), [0.0]))
    >>> net.theta.tolist()
    [0.875, -1.125]
    """

    kernel = staticmethod(_nesterov)


def _rmsprop(
    xp: Namespace,
    theta: Array,
    g: Array,
    v: Array,
    epsilon: Array,
    decay: Array,
    rest: Array,
    rate: Array,
) -> None:
    v *= decay
    v += rest * (g * g)  # v ← ρ v + (1−ρ) g²
    theta -= rate * g / (xp.sqrt(v) + epsilon)


@dataclass(frozen=True, eq=False, repr=False)
class RMSprop(Optimizer):
    """RMSprop (Tieleman & Hinton, 2012): v ← ρ v + (1−ρ) g²; θ −= α g / (√v + ε).

    Parameters
    ----------
    learning_rate : float or sequence of float
        α > 0; a sequence has one for each member of a population.
    decay : float
        ρ in [0, 1).
    epsilon : float
        ε > 0.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> net = bp.Network([1, 1], output="identity", backend="numpy")
    >>> net.theta = [3.0, 1.0]
    >>> optimizer = bp.RMSprop(0.1)
    >>> for _ in range(2):
    ...     optimizer.update(net, net.backward(net.forward([[1.0]]), [0.0]))
    >>> [round(float(t), 3) for t in net.theta]
    [2.474, 0.474]
    """

    learning_rate: PerMember = 1e-3
    decay: float = 0.9
    epsilon: float = 1e-8
    slots = 1
    kernel = staticmethod(_rmsprop)

    def constants(self) -> tuple[float, ...]:
        return self.epsilon, self.decay, 1.0 - self.decay

    def scalars(self, step: int, rate: float) -> tuple[float, ...]:
        return (rate,)

    def _left_out(self) -> tuple[float, ...]:
        return (1.0 - self.decay,)


def _adam(
    xp: Namespace,
    theta: Array,
    g: Array,
    m: Array,
    v: Array,
    beta1: Array,
    rest1: Array,
    beta2: Array,
    rest2: Array,
    rate: Array,
    epsilon: Array,
) -> None:
    m *= beta1
    m += rest1 * g  # m ← β₁ m + (1−β₁) g
    v *= beta2
    v += rest2 * (g * g)  # v ← β₂ v + (1−β₂) g²
    theta -= rate * m / (xp.sqrt(v) + epsilon)  # θ −= αₜ m / (√v + εₜ)


@dataclass(frozen=True, eq=False, repr=False)
class Adam(Optimizer):
    """Adam (Kingma & Ba, 2015): θ −= α m̂ / (√v̂ + ε), m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ).

    The moments are m ← β₁ m + (1−β₁) g and v ← β₂ v + (1−β₂) g². Their corrections go into α and ε,
    as at the end of the paper's section 2: αₜ = α √(1−β₂ᵗ)/(1−β₁ᵗ) and εₜ = ε √(1−β₂ᵗ), the same θ.

    Parameters
    ----------
    learning_rate : float or sequence of float
        α > 0; a sequence has one for each member of a population.
    beta1, beta2 : float
        Decay of the two moments, in [0, 1).
    epsilon : float
        ε > 0.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> net = bp.Network([1, 1], output="identity", backend="numpy")
    >>> net.theta = [3.0, 1.0]
    >>> optimizer = bp.Adam(0.5)
    >>> for _ in range(2):
    ...     optimizer.update(net, net.backward(net.forward([[1.0]]), [0.0]))
    >>> [round(float(t), 3) for t in net.theta]
    [2.009, 0.009]
    """

    learning_rate: PerMember = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    slots = 2
    kernel: ClassVar[Kernel] = staticmethod(_adam)

    def constants(self) -> tuple[float, ...]:
        return self.beta1, 1.0 - self.beta1, self.beta2, 1.0 - self.beta2

    def scalars(self, step: int, rate: float) -> tuple[float, ...]:
        root = math.sqrt(1.0 - self.beta2**step)
        return rate * root / (1.0 - self.beta1**step), self.epsilon * root

    def _left_out(self) -> tuple[float, ...]:
        return 1.0 - self.beta1, 1.0 - self.beta2


def _adamw(
    xp: Namespace,
    theta: Array,
    g: Array,
    m: Array,
    v: Array,
    beta1: Array,
    rest1: Array,
    beta2: Array,
    rest2: Array,
    rate: Array,
    epsilon: Array,
    shrink: Array,
) -> None:
    theta *= shrink
    _adam(xp, theta, g, m, v, beta1, rest1, beta2, rest2, rate, epsilon)


@dataclass(frozen=True, eq=False, repr=False)
class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov & Hutter, 2019): first θ −= α λ θ, then Adam.

    Parameters
    ----------
    learning_rate : float or sequence of float
        α > 0; a sequence has one for each member of a population.
    beta1, beta2 : float
        Decay of the two moments, in [0, 1).
    epsilon : float
        ε > 0.
    weight_decay : float
        λ ≥ 0; it shrinks all of θ, b included.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> net = bp.Network([1, 1], output="identity", backend="numpy")
    >>> net.theta = [3.0, 1.0]
    >>> optimizer = bp.AdamW(0.5, weight_decay=0.1)
    >>> for _ in range(2):
    ...     optimizer.update(net, net.backward(net.forward([[1.0]]), [0.0]))
    >>> [round(float(t), 3) for t in net.theta]
    [1.745, -0.06]
    """

    weight_decay: float = 0.01
    kernel: ClassVar[Kernel] = staticmethod(_adamw)

    def scalars(self, step: int, rate: float) -> tuple[float, ...]:
        return *super().scalars(step, rate), 1.0 - rate * self.weight_decay
