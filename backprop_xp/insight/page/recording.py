"""A training run as the page's slider shows it: θ and J at some moments of gradient descent."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from backprop_xp.maths.activations import ACTIVATIONS
from backprop_xp.maths.optimizers import SGD

if TYPE_CHECKING:
    from backprop_xp.insight.explanation import Explanation
    from backprop_xp.maths.network import Network
    from backprop_xp.maths.trace import Trace

# Moments on the slider. Networks with an activation of the user's own have fewer, since their
# values are stored too: the page's script does not know g.
_MOMENTS, _OWN_MOMENTS = 41, 17


class Recording(NamedTuple):
    """What was recorded.

    `step` says how many updates came before each moment. `own` has, for each layer whose g the
    page does not know, A and g'(Z) of every moment.
    """

    step: list[int]
    theta: list[np.ndarray]
    J: list[float]
    own: dict[int, list[np.ndarray]]
    note: str


def record(explanation: Explanation, steps: int) -> Recording:
    """Train a copy of the network on the rows of the explanation, all of them in every step."""
    net = explanation.net.with_theta(explanation.net.theta * 1.0)
    X, Y = (net.backend.asarray(explanation[name].value) for name in ("X", "Y"))
    optimizer = SGD(explanation.learning_rate)
    own = [l for l, g in enumerate(net.architecture.activations, 1) if not is_known(g)]
    moments = set(np.linspace(0, steps, _OWN_MOMENTS if own else _MOMENTS).round().tolist())
    found = Recording([], [], [], {l: [] for l in own}, "")
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(steps + 1):
            trace = net.forward(X)
            J, theta = float(net.cost(trace, Y)), np.array(net.backend.to_numpy(net.theta))
            if not (np.isfinite(J) and np.isfinite(theta).all()):
                return found._replace(note=_diverged(explanation.learning_rate, step))
            if step in moments:
                found.step.append(step)
                found.J.append(J)
                found.theta.append(theta)
                for l in own:
                    found.own[l].append(_values(net, trace, l))
            optimizer.update(net, net.backward(trace, Y))
    return found


def _values(net: Network, trace: Trace, l: int) -> np.ndarray:
    """A[l] and g'(Z[l]), one after the other."""
    g = net.architecture.activations[l - 1]
    slope = g.slope(net.backend.xp, trace.Z[l], trace.A[l])
    return np.stack([np.array(net.backend.to_numpy(part)) for part in (trace.A[l], slope)])


def is_known(g: object) -> bool:
    """Whether the page's script has this activation, too."""
    return any(g is known for known in ACTIVATIONS.values())


def _diverged(learning_rate: float, step: int) -> str:
    return (
        f"With α = {learning_rate:g}, J left the finite numbers at step {step}: "
        "a smaller learning rate trains further."
    )
