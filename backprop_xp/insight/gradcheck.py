"""check_gradients: the gradient of `backward` against central differences of `cost`.

All is computed in float64. Many perturbed copies of θ run at once as a stack of networks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from backprop_xp.backends.base import Array
from backprop_xp.backends.host_data import host_generator
from backprop_xp.data.checks import checked_data, require_network, require_single
from backprop_xp.insight.gradient_report import GradientReport, ParameterCheck
from backprop_xp.maths.network import Network
from backprop_xp.maths.optimizer import require_gradient
from backprop_xp.maths.overriding import overridden
from backprop_xp.number_checks import require_count, require_number

# Step widths of the differences. Truncation and rounding balance near the first; where the second
# derivatives are small a longer one is better, and a kink of relu inside ±10⁻⁵ is usually outside
# ±10⁻⁷. A wrong gradient agrees with none of them.
_STEPS = (1e-5, 1e-4, 1e-7)

# Up to so many parameters every one is checked, beyond it random directions.
_EXHAUSTIVE = 2_000

# Elements of the largest array of a stack of perturbed networks.
_STACK_ELEMENTS = 2**21


def check_gradients(
    net: Network,
    X: Any,
    Y: Any,
    *,
    sample_weight: Any = None,
    tolerance: float = 1e-6,
    directions: int = 20,
    seed: Any = 0,
) -> GradientReport:
    """Compare `backward` with central differences of `cost`, in float64.

    Parameters
    ----------
    net : Network
        It is not changed: a copy of its θ in float64 is perturbed. With dropout, one pattern is
        held fixed, which `seed` does not change.
    X, Y : array_like
        As for `fit`; a few dozen rows are enough.
    sample_weight : array_like, shape (m,), optional
        As for `Network.cost`.
    tolerance : float
        A parameter passes if |backward − difference| is at most `tolerance` times the larger of
        the two (or of a floor, 10⁻³ of the largest gradient, below which differences are noise).
    directions : int
        Networks of more than 2,000 parameters are checked along so many random directions in each
        W[l] and b[l], smaller ones at every parameter.
    seed : int or numpy.random.Generator
        Draws the directions.

    Returns
    -------
    GradientReport
        `passed`, `max_relative_error`, `layer` (where the fault is) and a line per parameter.

    Raises
    ------
    ShapeError, DataError, BackendError, ConfigurationError
        The data do not fit the network, or an option makes no sense.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> net = bp.Network([2, 3, 1], seed=0, backend="numpy")
    >>> bp.check_gradients(net, [[0.0, 1.0], [1.0, 1.0]], [0, 1]).passed
    True
    """
    require_network(net)
    require_single(net, "check_gradients")
    require_count("directions", directions)
    require_number("tolerance", tolerance, "a number > 0")
    xp = net.backend.xp
    double = net.with_theta(xp.astype(net.theta, xp.float64, copy=True))
    X, Y = checked_data(double, X, Y)
    weights = double.as_weights(sample_weight, X.shape[-2], move=True)
    checker = _Checker(double, X, Y, weights, tolerance)
    rng = host_generator(seed)
    lines = []
    for block in _blocks(net):
        exhaustive = net.theta.shape[0] <= _EXHAUSTIVE
        labels, rows = _entries(block) if exhaustive else _random(block, directions, rng)
        lines.append(checker.check(block, labels, rows))
    return GradientReport(tuple(lines), tolerance)


class _Block(NamedTuple):
    """Where W[l] or b[l] lies in θ."""

    name: str
    layer: int
    shape: tuple[int, ...]
    start: int
    stop: int


def _blocks(net: Network) -> Iterator[_Block]:
    start = 0
    for l, (W, b) in enumerate(zip(net.W, net.b, strict=True), start=1):
        for name, view in ((f"W[{l}]", W), (f"b[{l}]", b)):
            shape = tuple(view.shape)
            stop = start + int(np.prod(shape))
            yield _Block(name, l, shape, start, stop)
            start = stop


def _entries(block: _Block) -> tuple[list[str], np.ndarray]:
    labels = [f"{block.name}{[int(i) for i in index]}" for index in np.ndindex(*block.shape)]
    return labels, np.eye(block.stop - block.start)


def _random(block: _Block, count: int, rng: np.random.Generator) -> tuple[list[str], np.ndarray]:
    rows = rng.standard_normal((count, block.stop - block.start))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return [f"random direction {i} of {block.name}" for i in range(1, count + 1)], rows


class _Checker:
    """A network in float64 with its gradient, and differences of its J."""

    def __init__(self, net: Network, X: Array, Y: Array, weights: Array, tolerance: float) -> None:
        self.net, self.X, self.Y, self.tolerance = net, X, Y, tolerance
        # Only what is needed is asked for: forward or backward of a subclass may not know the rest.
        self.in_forward = {"dropout": 0} if net.architecture.dropout else {}
        by_row = net.backend.xp.reshape
        self.in_cost = {} if weights is None else {"sample_weight": by_row(weights, (-1,))}
        trace = net.forward(X, **self.in_forward)
        self.J = float(net.cost(trace, Y, **self.in_cost))
        self.theta = net.backend.to_numpy(net.theta)
        grads = net.backward(trace, Y, **self.in_cost)
        require_gradient(grads)
        self.gradient = net.backend.to_numpy(grads.theta)
        self.floor = max(1e-3 * float(np.abs(self.gradient).max()), 1e-4 * abs(self.J))

    def check(self, block: _Block, labels: list[str], rows: np.ndarray) -> ParameterCheck:
        given = rows @ self.gradient[block.start : block.stop]
        central, errors = np.zeros(len(rows)), np.full(len(rows), np.inf)
        doubtful = np.arange(len(rows))
        for h in _STEPS:
            up, down = self._differences(block, rows[doubtful], h)
            error = self._relative_errors(given[doubtful], (up + down) / 2)
            better = error < errors[doubtful]
            errors[doubtful[better]] = error[better]
            central[doubtful[better]] = ((up + down) / 2)[better]
            wrong = ~(error <= self.tolerance)
            doubtful, up, down = doubtful[wrong], up[wrong], down[wrong]
            if not doubtful.size:
                break
        at_kink = doubtful[self._at_kink(given[doubtful], up, down)]
        errors[at_kink] = 0.0
        worst = int(np.argmax(errors))
        return ParameterCheck(
            name=block.name,
            layer=block.layer,
            shape=block.shape,
            checked=len(rows),
            kinks=len(at_kink),
            max_relative_error=float(errors[worst]),
            worst=labels[worst],
            backward=float(given[worst]),
            difference=float(central[worst]),
            passed=bool(errors[worst] <= self.tolerance),
            differences=tuple(central.tolist()),
        )

    def _relative_errors(self, given: np.ndarray, central: np.ndarray) -> np.ndarray:
        scale = np.maximum(np.maximum(np.abs(given), np.abs(central)), self.floor)
        errors: np.ndarray = np.abs(given - central) / np.where(scale > 0, scale, 1.0)
        return errors

    def _at_kink(self, given: np.ndarray, up: np.ndarray, down: np.ndarray) -> np.ndarray:
        """Whether J bends right here and the gradient lies between its one-sided slopes."""
        slack = 1e-3 * np.maximum(np.maximum(np.abs(up), np.abs(down)), self.floor)
        between = (given >= np.fmin(up, down) - slack) & (given <= np.fmax(up, down) + slack)
        kink: np.ndarray = between & (np.abs(up - down) > 10 * slack)
        return kink

    def _differences(
        self, block: _Block, rows: np.ndarray, h: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """One-sided differences of J along every row, forward and backward."""
        J = np.concatenate([self._costs(block, part, h) for part in self._parts(rows)])
        return (J[:, 0] - self.J) / h, (self.J - J[:, 1]) / h

    def _parts(self, rows: np.ndarray) -> Iterator[np.ndarray]:
        widest = max(self.theta.size, self.X.shape[0] * max(self.net.sizes))
        at_once = max(1, _STACK_ELEMENTS // (2 * widest))
        for start in range(0, len(rows), at_once):
            yield rows[start : start + at_once]

    def _costs(self, block: _Block, rows: np.ndarray, h: float) -> np.ndarray:
        """J at θ ± h·row, shape (len(rows), 2), by one pass of a stack of networks."""
        thetas = np.tile(self.theta, (len(rows), 2, 1))
        thetas[:, 0, block.start : block.stop] += h * rows
        thetas[:, 1, block.start : block.stop] -= h * rows
        backend = self.net.backend
        if overridden(self.net, "forward", "propagate", "cost"):  # which may know no stacks
            flat = thetas.reshape(-1, self.theta.size)
            return np.array([float(self._cost(backend.asarray(t))) for t in flat]).reshape(-1, 2)
        return backend.to_numpy(self._cost(backend.asarray(thetas)))

    def _cost(self, theta: Array) -> Array:
        net = self.net.with_theta(theta)
        return net.cost(net.forward(self.X, **self.in_forward), self.Y, **self.in_cost)
