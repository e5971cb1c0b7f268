"""What a network is, apart from its weights: sizes, activations, loss and penalties."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from backprop_xp.errors import ConfigurationError, ShapeError, shown
from backprop_xp.maths.activations import SOFTMAX, Activation, get_activation
from backprop_xp.maths.losses import Loss, get_loss
from backprop_xp.maths.members import PerMember, is_one_each, one_each, require_one_each
from backprop_xp.number_checks import is_count, is_number, require_number
from backprop_xp.wording import plural


@dataclass(frozen=True)
class Architecture:
    """A checked description of a network.

    Attributes
    ----------
    sizes : tuple of int
        n_0 … n_L.
    hidden : tuple of Activation
        g_1 … g_{L−1}.
    output : Activation
        g_L.
    loss : Loss
    l2, l1 : float or tuple of float
        Weights of the penalties in J; a tuple has one for each member of a population.
    dropout : tuple of float
        The rate of every hidden layer; empty if none drops any unit.
    """

    sizes: tuple[int, ...]
    hidden: tuple[Activation, ...]
    output: Activation
    loss: Loss
    l2: PerMember
    l1: PerMember
    dropout: tuple[float, ...] = ()

    @property
    def activations(self) -> tuple[Activation, ...]:
        """g_1 … g_L."""
        return (*self.hidden, self.output)

    def members(self, chosen: int | slice) -> Architecture:
        """What the chosen member of a population is, or the chosen members."""
        own = [p[chosen] if isinstance(p, tuple) else p for p in (self.l2, self.l1)]
        return replace(self, l2=own[0], l1=own[1])

    def require_members(self, stack: tuple[int, ...]) -> None:
        """Raise ShapeError unless a stack of this shape has the members that are described."""
        for name, penalty in (("l2", self.l2), ("l1", self.l1)):
            if isinstance(penalty, tuple):
                require_one_each(name, penalty, stack[0] if len(stack) == 1 else None)


def architecture(
    sizes: Sequence[int],
    hidden: str | Activation | Sequence[str | Activation],
    output: str | Activation,
    loss: str | None,
    l2: float | Sequence[float],
    l1: float | Sequence[float],
    dropout: float | Sequence[float] = 0.0,
) -> Architecture:
    """Check what a user asked for and look up its names.

    Raises
    ------
    ShapeError
        The sizes are not two or more positive integers.
    ConfigurationError
        An activation, loss or penalty is unknown or does not fit.
    """
    checked = _sizes(sizes)
    g_output = get_activation(output)
    if g_output is SOFTMAX and checked[-1] == 1:
        raise ConfigurationError(
            "a softmax over a single output is always 1: use output='sigmoid', or one output "
            "per class"
        )
    return Architecture(
        sizes=checked,
        hidden=_hidden(hidden, len(checked) - 2),
        output=g_output,
        loss=get_loss(loss, g_output),
        l2=_penalty("l2", l2),
        l1=_penalty("l1", l1),
        dropout=_dropout(dropout, len(checked) - 2),
    )


def _sizes(sizes: Any) -> tuple[int, ...]:
    if isinstance(sizes, str) or not isinstance(sizes, Sequence):
        try:
            sizes = list(sizes)
        except TypeError:
            sizes = [sizes]
    if len(sizes) < 2 or not all(map(is_count, sizes)):
        raise ShapeError(
            f"sizes={shown(sizes)}: expected two or more positive integers, the number of "
            "features, the width of each hidden layer and the number of outputs, as in [30, 16, 1]"
        )
    return tuple(int(n) for n in sizes)


def _hidden(hidden: Any, layers: int) -> tuple[Activation, ...]:
    if isinstance(hidden, str | Activation):
        hidden = [hidden] * layers
    try:
        activations = tuple(get_activation(activation) for activation in hidden)
    except TypeError:
        raise ConfigurationError(
            f"hidden={shown(hidden)}: expected a name, an Activation, or a list of them"
        ) from None
    if len(activations) != layers:
        raise ConfigurationError(
            f"hidden lists {plural(len(activations), 'activation')} for "
            f"{plural(layers, 'hidden layer')}"
        )
    if SOFTMAX in activations:
        raise ConfigurationError("softmax is for the output layer only")
    return activations


def _dropout(rates: Any, layers: int) -> tuple[float, ...]:
    given = list(rates) if isinstance(rates, list | tuple) else [rates]
    for rate in given:
        if not is_number(rate, "a finite number in [0, 1)"):
            raise ConfigurationError(
                f"dropout={shown(rates)}: expected a rate in [0, 1), or a list with one per hidden "
                "layer"
            )
    if not isinstance(rates, list | tuple):
        given *= layers
    if len(given) != layers:
        raise ConfigurationError(
            f"dropout lists {plural(len(given), 'rate')} for {plural(layers, 'hidden layer')}"
        )
    return tuple(float(rate) for rate in given) if any(given) else ()


def _penalty(name: str, value: Any) -> PerMember:
    if is_one_each(value):
        return tuple(_penalty(name, one) for one in one_each(name, value))
    require_number(name, value, "a finite number ≥ 0")
    return float(value)
