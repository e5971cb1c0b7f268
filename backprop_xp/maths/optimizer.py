"""What all optimizers share: hyper-parameters, and what they remember of a network.

An optimizer is a frozen set of hyper-parameters and a kernel `kernel(xp, theta, g, *slots,
*constants, *scalars)`. What it remembers of a network (its slots, vectors like θ, and the number of
steps) is an `OptimizerState`. The scalars of a step are computed on the host in double precision.
"""

from __future__ import annotations

import copy
import weakref
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Self

from backprop_xp.backends.base import Array, Backend, Kernel
from backprop_xp.backends.host_data import host_array
from backprop_xp.errors import ConfigurationError, ShapeError, shown
from backprop_xp.maths.members import PerMember, is_one_each, one_each, require_one_each
from backprop_xp.maths.model import Model
from backprop_xp.maths.parameters import Parameters
from backprop_xp.maths.step_numbers import StepNumbers
from backprop_xp.number_checks import Wanted, require_number

# What a hyper-parameter must be; all others lie in [0, 1).
_WANTED: dict[str, Wanted] = {
    "learning_rate": "a finite number > 0",
    "epsilon": "a finite number > 0",
    "weight_decay": "a finite number ≥ 0",
}

# What saved moments are, in files and pickles: running means, as in the papers.
MOMENTS = "means"


class OptimizerState:
    """What an optimizer remembers of one network.

    Attributes
    ----------
    slots : list of array
        Arrays like θ: velocities, moments …
    steps : int
        How many steps were taken.
    learning_rate : float
        α of the next step; a schedule may change it. It is a NumPy array (members,) where the
        optimizer has a rate for each member.
    numbers : list of StepNumbers
        Where the kernel reads what differs from step to step.
    """

    def __init__(self, optimizer: Optimizer, net: Model) -> None:
        xp = net.backend.xp
        self.slots = [xp.zeros_like(net.theta) for _ in range(optimizer.slots)]
        self.steps = 0
        self._optimizer = optimizer
        if isinstance(optimizer.learning_rate, tuple):
            require_one_each("learning_rate", optimizer.learning_rate, net.members)
        self.learning_rate = optimizer.rate
        scalars = optimizer.scalars(1, self.learning_rate)
        self._each = any(map(_one_for_each_member, scalars))
        self.numbers, views = _where_kernels_read(net, scalars)
        constants = [net.backend.full((), c, net.dtype) for c in optimizer.constants()]
        self._arguments = (*self.slots, *constants, *views)
        self._update = net.backend.elementwise(optimizer.kernel)

    def kept(self, backend: Backend) -> dict[str, Any]:
        """What a copy must know, with arrays on the host."""
        slots = [backend.to_numpy(slot).copy() for slot in self.slots]
        return {
            "steps": self.steps,
            "learning_rate": self.learning_rate,
            "slots": slots,
            "moments": MOMENTS,
        }

    def restore(self, kept: dict[str, Any], backend: Backend) -> None:
        """Go on from what `kept` returned."""
        self.steps, self.learning_rate = kept["steps"], kept["learning_rate"]
        moments = self._optimizer.moments_of_today(kept["slots"], kept.get("moments"))
        for slot, values in zip(self.slots, moments, strict=True):
            slot[...] = backend.asarray(values)

    def next_numbers(self, count: int) -> list[Sequence[Any]]:
        """Count so many steps; return for each of `numbers` what it must hold in every step."""
        first, rate, scalars = self.steps + 1, self.learning_rate, self._optimizer.scalars
        self.steps += count
        some = [scalars(step, rate) for step in range(first, first + count)]
        return list(zip(*map(_parted, some), strict=True)) if self._each else [some]

    def count_step(self) -> None:
        """Begin the next step: put its numbers where the kernel reads them."""
        if self._each:
            for numbers, (values,) in zip(self.numbers, self.next_numbers(1), strict=True):
                numbers.write(values)
        else:  # in few words, since small networks would feel more of them
            self.steps += 1
            self.numbers[0].write(self._optimizer.scalars(self.steps, self.learning_rate))

    def update(self, theta: Array, g: Array) -> None:
        """Apply the update to θ in place (U1–U4)."""
        self._update(theta, g, *self._arguments)


def _one_for_each_member(scalar: Any) -> bool:
    return getattr(scalar, "ndim", 0) > 0


def _parted(scalars: tuple[Any, ...]) -> list[Any]:
    """The scalars that all members share as one tuple, then the arrays (members,) of the others."""
    per_member = [scalar for scalar in scalars if _one_for_each_member(scalar)]
    return [tuple(scalar for scalar in scalars if not _one_for_each_member(scalar)), *per_member]


def _where_kernels_read(
    net: Model, scalars: tuple[Any, ...]
) -> tuple[list[StepNumbers], list[Array]]:
    """Return where the parts of the scalars are written, and for each scalar what kernels take.

    That is a 0-d view, or a column (members, 1) beside θ.
    """
    shared, *per_member = _parted(scalars)
    vector = StepNumbers(net.backend, (len(shared),), net.dtype)
    columns = [StepNumbers(net.backend, (len(scalar), 1), net.dtype) for scalar in per_member]
    views = iter([vector.array[i, ...] for i in range(len(shared))])
    beside = iter([column.array for column in columns])
    arguments = [next(beside if _one_for_each_member(scalar) else views) for scalar in scalars]
    return [vector, *columns], arguments


@dataclass(frozen=True, eq=False, repr=False)
class Optimizer(ABC):
    """The common part of all optimizers.

    Parameters
    ----------
    learning_rate : float or sequence of float
        α > 0. A sequence has one for each member of a population.
    """

    learning_rate: PerMember
    # One optimizer may serve several networks; a network that is gone takes its state along.
    _states: weakref.WeakKeyDictionary[Model, OptimizerState] = field(
        init=False, repr=False, compare=False, default_factory=weakref.WeakKeyDictionary
    )

    #: How many vectors like θ it remembers.
    slots: ClassVar[int] = 0
    #: `kernel(xp, theta, g, *slots, *constants, *scalars)` changes θ and the slots in place.
    kernel: ClassVar[Kernel]

    def __post_init__(self) -> None:
        for option in fields(self):
            if option.init:
                self._check(option.name, getattr(self, option.name))

    @property
    def rate(self) -> Any:
        """α as a number, or as a NumPy array where it differs from member to member."""
        rate = self.learning_rate
        return host_array(rate) if isinstance(rate, tuple) else rate

    def _check(self, name: str, value: Any) -> None:
        if name == "learning_rate" and is_one_each(value):
            object.__setattr__(self, name, one_each(name, value))
            for one in self.learning_rate:
                self._check(name, one)
            return
        wanted = _WANTED.get(name, "a finite number in [0, 1)")
        require_number(name, value, wanted, type(self).__name__)

    def constants(self) -> tuple[float, ...]:
        """The numbers that the kernel receives and that are the same in every step."""
        return ()

    @abstractmethod
    def scalars(self, step: int, rate: float) -> tuple[float, ...]:
        """The numbers for step number `step` = 1, 2 … and α = `rate`, which the kernel receives.

        In a population `rate` may be a NumPy array (members,), and so may those that depend on it.
        """

    def moments_of_today(self, slots: Iterable[Any], kind: str | None) -> list[Any]:
        """What was saved in the slots, as they are today.

        Early files do not say which kind of moments they hold: those leave the factors 1−β out.
        """
        if kind == MOMENTS:
            return list(slots)
        return [slot * factor for slot, factor in zip(slots, self._left_out(), strict=True)]

    def _left_out(self) -> tuple[float, ...]:
        """The factors that early files leave out of each slot."""
        return (1.0,) * self.slots

    def state(self, net: Model) -> OptimizerState:
        """What this optimizer remembers of `net`; empty when it first meets it."""
        if not isinstance(net, Model):
            raise ConfigurationError(f"net={shown(net)}: expected a backprop_xp.Network")
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
        ConfigurationError
            One of them is something else.
        """
        state = self.state(net)
        require_gradient(grads)
        net.backend.require_own(grads.theta, "grads")
        if grads.theta.shape != net.theta.shape:
            raise ShapeError(
                f"grads has {tuple(grads.theta.shape)} values, but the network has "
                f"{tuple(net.theta.shape)} parameters"
            )
        state.count_step()
        state.update(net.theta, grads.theta)

    # Written once here: generated anew for every subclass they would double the import time.
    def __repr__(self) -> str:
        options = (f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if f.init)
        return f"{type(self).__name__}({', '.join(options)})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Optimizer) or type(self) is not type(other):
            return False
        return self._options() == other._options()

    def __hash__(self) -> int:
        return hash((type(self), *self._options()))

    def _options(self) -> tuple[Any, ...]:
        return tuple(getattr(self, f.name) for f in fields(self) if f.init)

    def fresh(self) -> Self:
        """The same optimizer, which has met no network yet."""
        return type(self)(*self._options())

    def __reduce__(self) -> tuple[type[Optimizer], tuple[Any, ...], list[Any] | None]:
        """Pickle what it remembers, with the networks that it belongs to.

        Of (net, optimizer) the two copies belong together; a network that nobody else holds is gone
        as soon as it is there, and the optimizer has met none then.
        """
        met = [(net, state.kept(net.backend)) for net, state in list(self._states.items())]
        return type(self), self._options(), met or None

    def __setstate__(self, met: list[Any]) -> None:
        for net, kept in met:
            self.state(net).restore(kept, net.backend)

    def __copy__(self) -> Self:
        return self.fresh()

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """A copy knows the copies that are made with it of the networks that this one has met."""
        twin = self.fresh()
        memo[id(self)] = twin
        for net, state in list(self._states.items()):
            twin.state(copy.deepcopy(net, memo)).restore(state.kept(net.backend), net.backend)
        return twin


def require_gradient(grads: object) -> None:
    """Raise ConfigurationError unless this is what `backward` returns."""
    if not isinstance(grads, Parameters):
        raise ConfigurationError(
            f"grads={shown(grads)}: expected what backward returned, as in "
            "update(net, net.backward(trace, Y))"
        )
