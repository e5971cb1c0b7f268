"""Explanation: every factor of the chain rule as data, and how it is printed and drawn."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from backprop_xp.errors import unknown
from backprop_xp.insight.gradient_report import GradientReport, ParameterCheck
from backprop_xp.maths.network import Network


@dataclass(frozen=True, eq=False)
class Term:
    """One line of an explanation.

    Attributes
    ----------
    part : str
        "given", "forward", "cost", "backward" or "update".
    equation : str
        The article's name, "F1" … "U4". A hidden layer has those of the article's first layer, the
        output layer those of its second.
    kind : str
        "value", "chain" (a chain rule before its factors), "factor" (one partial derivative),
        "product" (of the factors so far) or "gradient" (of a W[l] or b[l]).
    layer : int
        l, or 0 for what belongs to no layer.
    symbol, formula : str
        What it is called, such as "∂Z[2]/∂A[1]", and what it equals, such as "W[2]".
    value : numpy.ndarray
        In float64. Examples are rows.
    note : str
        What to know about the value; empty for most.
    check : ParameterCheck or None
        Beside a gradient: its comparison with central differences of J.
    """

    part: str
    equation: str
    kind: str
    layer: int
    symbol: str
    formula: str
    value: np.ndarray
    note: str = ""
    check: ParameterCheck | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value."""
        return tuple(self.value.shape)

    @property
    def difference(self) -> np.ndarray | None:
        """Central differences of J in the shape of the gradient; None if only some were taken."""
        if self.check is None or len(self.check.differences) != self.value.size:
            return None
        return np.reshape(np.asarray(self.check.differences), self.shape)

    def __repr__(self) -> str:
        return f"<{self.equation} {self.symbol} = {self.formula}, shape {self.shape}>"


@dataclass(frozen=True, eq=False)
class Explanation:
    """What `explain` found; `print(explanation)` shows it as a table.

    Attributes
    ----------
    net : Network
        A copy in float64 of the network that was explained.
    terms : tuple of Term
        The lines of the table, in the order of the article. `explanation[symbol]` finds one by its
        symbol, where d may stand for ∂.
    report : GradientReport
        What `check_gradients` says of `net.backward`.
    backward_error : float
        The largest difference between the gradients here, which are the products of the factors,
        and those of `net.backward`, relative to the largest gradient.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> net = bp.Network([2, 3, 1], seed=0, backend="numpy")
    >>> explanation = bp.explain(net, [[0.0, 1.0], [1.0, 1.0]], [1, 0])
    >>> explanation["dZ[2]/dA[1]"]
    <B7 ∂Z[2]/∂A[1] = W[2], shape (1, 3)>
    >>> explanation.report.passed, explanation.backward_error < 1e-12
    (True, True)
    """

    net: Network
    terms: tuple[Term, ...]
    report: GradientReport
    backward_error: float

    @property
    def rows(self) -> int:
        """m, the number of examples."""
        return self["X"].shape[0]

    def __getitem__(self, symbol: str) -> Term:
        found = {_key(term.symbol): term for term in self.terms}  # a gradient after its chain
        if _key(symbol) not in found:
            symbols = (term.symbol for term in self.terms)
            raise KeyError(unknown("symbol", symbol, dict.fromkeys(symbols)))
        return found[_key(symbol)]

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """Draw the computational graph: values on the way forward, gradients on the way back.

        Parameters
        ----------
        path : path-like, optional
            Where to save it: .png, .svg or .pdf.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ConfigurationError
            matplotlib is missing, or the path cannot be written to.
        """
        from backprop_xp.insight.graph_picture import draw_graph

        return draw_graph(self, path)

    def __str__(self) -> str:
        from backprop_xp.insight.explanation_text import text

        return text(self)

    def __repr__(self) -> str:
        verdict = "passed" if self.report.passed else "FAILED"
        return f"<Explanation of {self.net}: {len(self.terms)} terms, gradient check {verdict}>"


def _key(symbol: str) -> str:
    return symbol.replace("∂", "d").replace(" ", "")
