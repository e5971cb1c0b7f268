"""explain: every factor of the chain rule, with numbers (F1 … U4)."""

from __future__ import annotations

from typing import Any

import numpy as np

from backprop_xp.backends.base import Array
from backprop_xp.data.checks import checked_data, require_network, require_single
from backprop_xp.insight.explanation import Explanation, Term
from backprop_xp.insight.formulas import (
    activation_formula,
    loss_formula,
    loss_slope_formula,
    slope_formula,
)
from backprop_xp.insight.gradcheck import check_gradients
from backprop_xp.insight.output_factors import OutputFactors, output_factors
from backprop_xp.maths.network import Network
from backprop_xp.number_checks import require_number

# The article's names of the lines of a layer: its layer 2 is the output, its layer 1 is hidden.
_OUTPUT = {"Z": "F3", "A": "F4", "dW": "B5", "db": "B6", "W": "U1", "b": "U2"}
_HIDDEN = {"Z": "F1", "A": "F2", "dW": "B7", "db": "B8", "W": "U3", "b": "U4"}


def explain(net: Network, X: Any, Y: Any, *, learning_rate: float = 0.1) -> Explanation:
    """Show backpropagation with numbers: every factor of the chain rule, and every gradient.

    All is computed in float64. Each partial derivative is formed by itself, the gradients are
    their products, and beside each of these stands the central difference of J.

    Parameters
    ----------
    net : Network
        Of any depth. It is not changed.
    X, Y : array_like
        As for `fit`; a handful of rows can be read best.
    learning_rate : float
        α of the update shown at the end (U1–U4).

    Returns
    -------
    Explanation
        `print(explanation)` shows the table, `explanation.terms` holds its lines as data,
        `explanation.plot(path)` draws the computational graph.

    Raises
    ------
    ShapeError, DataError, BackendError, ConfigurationError
        The data do not fit the network, or an option makes no sense.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> net = bp.Network([2, 3, 1], hidden="tanh", output="sigmoid", seed=0, backend="numpy")
    >>> explanation = bp.explain(net, [[0.0, 1.0], [1.0, 1.0]], [1, 0])
    >>> B3, B2 = explanation["dJ/dA[2]"], explanation["dA[2]/dZ[2]"]
    >>> print(B2.equation, B2.symbol, "=", B2.formula)
    B2 ∂A[2]/∂Z[2] = A[2](1 − A[2])
    >>> bool(abs(B3.value * B2.value - explanation["dJ/dZ[2]"].value).max() < 1e-15)
    True
    """
    require_network(net)
    require_single(net, "explain")
    require_number("learning_rate", learning_rate, "a finite number > 0")
    xp = net.backend.xp
    double = net.with_theta(xp.astype(net.theta, xp.float64, copy=True))
    X, Y = checked_data(double, X, Y)
    teller = _Teller(double, X, Y, float(learning_rate))
    return teller.tell()


class _Teller:
    """Goes through the article's equations in their order and notes each as a Term."""

    def __init__(self, net: Network, X: Array, Y: Array, learning_rate: float) -> None:
        self.net, self.X, self.Y, self.learning_rate = net, X, Y, learning_rate
        self.host, self.L = net.backend.to_numpy, len(net.sizes) - 1
        self.trace = net.forward(X)
        self.J = float(net.cost(self.trace, Y))
        self.factors = output_factors(net, self.trace, Y)
        self.report = check_gradients(net, X, Y)
        self.checks = {line.name: line for line in self.report.lines}
        self.A = [self._copy(A) for A in self.trace.A]
        self.W = [np.empty(0), *map(self._copy, net.W)]
        self.b = [np.empty(0), *map(self._copy, net.b)]
        self.gradients: dict[str, np.ndarray] = {}
        self.terms: list[Term] = []

    def tell(self) -> Explanation:
        self.part = "given"
        self._given()
        self.part = "forward"
        self._forward()
        self.part = "cost"
        self._cost()
        self.part = "backward"
        dZ = self._output_layer(self.factors)
        for l in reversed(range(1, self.L)):
            dZ = self._hidden_layer(l, dZ)
        self.part = "update"
        self._update()
        return Explanation(self.net, tuple(self.terms), self.report, self._backward_error())

    # -- forward -------------------------------------------------------------------------------

    def _given(self) -> None:
        self._note("X", "value", 0, "X", "the examples, as rows", self.A[0])
        self._note("Y", "value", 0, "Y", "their targets", self._copy(self.Y))
        for l in range(1, self.L + 1):
            self._note("I0", "value", l, f"W[{l}]", "weights", self.W[l])
            self._note("I0", "value", l, f"b[{l}]", "biases", self.b[l])

    def _forward(self) -> None:
        for l, g in enumerate(self.net.architecture.activations, start=1):
            names = self._names(l)
            formula = f"{_A(l - 1)} W[{l}]ᵀ + b[{l}]"
            Z = self._copy(self.trace.Z[l])
            self._note(names["Z"], "value", l, f"Z[{l}]", formula, Z)
            formula = activation_formula(g, l)
            self._note(names["A"], "value", l, f"A[{l}]", formula, self.A[l])

    def _cost(self) -> None:
        j = self._copy(self.trace.j)
        self._note("J", "value", 0, "j", loss_formula(self.net.loss, self.L), j)
        formula = "(1/m) Σ j" + "".join(
            f" + {text}" for weight, text in self._penalties("Σ W²/2", "Σ |W|") if weight
        )
        self._note("J", "value", 0, "J", formula, np.asarray(self.J))

    # -- backward ------------------------------------------------------------------------------

    def _output_layer(self, factors: OutputFactors) -> np.ndarray:
        l = self.L
        self._chain(l, f"∂J/∂A[{l}] · ∂A[{l}]/∂Z[{l}]", "B1")
        slope = f"(1/m) {loss_slope_formula(self.net.loss, l)}"
        self._note("B3", "factor", l, f"∂J/∂A[{l}]", slope, factors.dA, factors.dA_note)
        slope = slope_formula(self.net.output, l)
        self._note("B2", "factor", l, f"∂A[{l}]/∂Z[{l}]", slope, factors.slope, factors.slope_note)
        formula = factors.dZ_formula
        self._note("B2·B3", "product", l, f"∂J/∂Z[{l}]", formula, factors.dZ, factors.dZ_note)
        self._parameters(l, factors.dZ)
        return factors.dZ

    def _hidden_layer(self, l: int, above: np.ndarray) -> np.ndarray:
        """From ∂J/∂Z[l+1] to ∂J/∂Z[l], W[l] and b[l]."""
        n, name = l + 1, self._names(l)["dW"]
        head = f"∂J/∂A[{n}] · ∂A[{n}]/∂Z[{n}]" if n == self.L else f"∂J/∂Z[{n}]"
        self._chain(l, f"{head} · ∂Z[{n}]/∂A[{l}] · ∂A[{l}]/∂Z[{l}]", name)
        self._note(name, "factor", l, f"∂Z[{n}]/∂A[{l}]", f"W[{n}]", self.W[n])
        dA: np.ndarray = above @ self.W[n]
        self._note(name, "product", l, f"∂J/∂A[{l}]", f"∂J/∂Z[{n}] · ∂Z[{n}]/∂A[{l}]", dA)
        g, trace = self.net.hidden[l - 1], self.trace
        slope = self._copy(g.slope(self.net.backend.xp, trace.Z[l], trace.A[l]))
        formula = slope_formula(g, l)
        self._note(name, "factor", l, f"∂A[{l}]/∂Z[{l}]", formula, slope)
        dZ: np.ndarray = dA * slope
        formula = f"∂J/∂A[{l}] ∗ ∂A[{l}]/∂Z[{l}]"
        self._note(name, "product", l, f"∂J/∂Z[{l}]", formula, dZ)
        self._parameters(l, dZ)
        return dZ

    def _chain(self, l: int, factors: str, name: str) -> None:
        """Announce the chain rule for W[l]; its value follows with its last factor."""
        formula = f"{factors} · ∂Z[{l}]/∂W[{l}]"
        self._note(name, "chain", l, f"∂J/∂W[{l}]", formula, np.empty(0))

    def _parameters(self, l: int, dZ: np.ndarray) -> None:
        """∂J/∂W[l] and ∂J/∂b[l] from ∂J/∂Z[l]."""
        names, A = self._names(l), self.A[l - 1]
        name = "B4" if l == self.L else names["dW"]
        self._note(name, "factor", l, f"∂Z[{l}]/∂W[{l}]", _A(l - 1), A)
        formula = f"(∂J/∂Z[{l}])ᵀ {_A(l - 1)}"
        dW = dZ.T @ A + self._penalty_gradient(l)
        penalties = self._penalties(f"W[{l}]", f"sign W[{l}]")
        formula += "".join(f" + {text}" for weight, text in penalties if weight)
        self._gradient(names["dW"], l, f"W[{l}]", formula, dW)
        ones = np.ones(A.shape[0])
        self._note(names["db"], "factor", l, f"∂Z[{l}]/∂b[{l}]", "1", ones)
        self._gradient(names["db"], l, f"b[{l}]", f"Σ_i ∂J/∂Z[{l}]_i", ones @ dZ)

    def _penalty_gradient(self, l: int) -> np.ndarray:
        l2, l1 = self.net.architecture.l2, self.net.architecture.l1
        gradient: np.ndarray = l2 * self.W[l] + l1 * np.sign(self.W[l])
        if l2 or l1:
            formula = " + ".join(
                text for weight, text in self._penalties(f"W[{l}]", f"sign W[{l}]") if weight
            )
            self._note("J", "factor", l, f"∂penalty/∂W[{l}]", formula, gradient)
        return gradient

    def _penalties(self, l2_text: str, l1_text: str) -> list[tuple[float, str]]:
        l2, l1 = self.net.architecture.l2, self.net.architecture.l1
        return [(l2, f"{l2:g} {l2_text}"), (l1, f"{l1:g} {l1_text}")]

    def _gradient(self, name: str, l: int, of: str, formula: str, value: np.ndarray) -> None:
        self.gradients[of] = value
        check = self.checks[of]
        self._note(name, "gradient", l, f"∂J/∂{of}", formula, value, "", check)

    # -- update --------------------------------------------------------------------------------

    def _update(self) -> None:
        theta = []
        for l in reversed(range(1, self.L + 1)):
            for letter, now in (("b", self.b[l]), ("W", self.W[l])):
                of = f"{letter}[{l}]"
                theta.append((now - self.learning_rate * self.gradients[of]).ravel())
        twin = self.net.with_theta(self.net.backend.asarray(np.concatenate(theta[::-1])))
        for l in reversed(range(1, self.L + 1)):
            for letter, new in (("W", twin.W[l]), ("b", twin.b[l])):
                of, name = f"{letter}[{l}]", self._names(l)[letter]
                formula = f"{of} − α ∂J/∂{of}"
                self._note(name, "value", l, f"new {of}", formula, self._copy(new))
        J = float(twin.cost(twin.forward(self.X), self.Y))
        formula = f"J at the new W and b (α = {self.learning_rate:g})"
        self._note("J", "value", 0, "new J", formula, np.asarray(J))

    # -- small things --------------------------------------------------------------------------

    def _backward_error(self) -> float:
        grads = self.net.backward(self.trace, self.Y)
        given = {f"W[{l}]": W for l, W in enumerate(grads.W, start=1)}
        given |= {f"b[{l}]": b for l, b in enumerate(grads.b, start=1)}
        largest = max(float(np.abs(mine).max()) for mine in self.gradients.values())
        errors = (np.abs(self._copy(given[of]) - mine) for of, mine in self.gradients.items())
        return max(float(error.max()) for error in errors) / (largest or 1.0)

    def _names(self, l: int) -> dict[str, str]:
        return _OUTPUT if l == self.L else _HIDDEN

    def _copy(self, array: Array) -> np.ndarray:
        copy: np.ndarray = np.array(self.host(array))
        return copy

    def _note(self, *fields: Any) -> None:
        """Add a Term of this part, whose other fields are given."""
        self.terms.append(Term(self.part, *fields))


def _A(l: int) -> str:
    return f"A[{l}]" if l else "X"
