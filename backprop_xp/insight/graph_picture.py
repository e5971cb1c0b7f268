"""The article's computational graph as a picture: values go forward, gradients come back."""

from __future__ import annotations

import os
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from backprop_xp.insight.graph_shapes import (
    NODE_HEIGHT,
    NODE_WIDTH,
    Canvas,
    Point,
    shape_words,
)
from backprop_xp.insight.mathtext import math
from backprop_xp.maths.activations import ACTIVATIONS
from backprop_xp.training.figures import BLUE, GREY, VERMILLION, picture

if TYPE_CHECKING:
    from backprop_xp.insight.explanation import Explanation, Term

# All in inches. A row of the picture holds up to three layers; deeper networks take more rows.
_PITCH, _MARGIN = 2.4, 0.4
_ABOVE, _BELOW = 1.5, 5.3
_HEAD, _FOOT = 1.0, 0.55
_LAYERS = 3
# Half the way between the edges forward and back, and from Z[l] to its edges with W[l] and b[l].
_APART, _ASIDE = 0.11, 0.27
# Longer formulas are drawn as g'(Z[l]).
_LONGEST = 18
# Characters of a user's name for an activation.
_NAME = 12
# How far W[l], b[l] and Y lie below, and how far labels keep from the edges of W[l] and b[l].
_PARAMETERS, _AWAY = 2.85, 0.13


def draw(explanation: Explanation, path: str | os.PathLike[str] | None) -> Any:
    """Draw the graph of an explanation, save it if there is a path, and return the Figure."""
    L = len(explanation.net.sizes) - 1
    starts = [*range(1, L + 1, _LAYERS), L + 1]
    rows = [range(first, stop) for first, stop in pairwise(starts)]
    nodes = max(2 * len(row) + 1 + (row[-1] == L) for row in rows)
    width = max(2 * _MARGIN + (nodes - 1) * _PITCH + NODE_WIDTH + 0.25, 9.0)
    height = _HEAD + len(rows) * (_ABOVE + _BELOW) + _FOOT
    with picture(width, height, path) as figure:
        canvas = Canvas(figure, width, height)
        for k, layers in enumerate(rows):
            y = height - _HEAD - k * (_ABOVE + _BELOW) - _ABOVE
            _Row(canvas, explanation, y).draw(layers)
        _frame(canvas, explanation, width, height)
    return figure


class _Row:
    """One row of the picture: a few layers, from left to right."""

    def __init__(self, canvas: Canvas, explanation: Explanation, y: float) -> None:
        self.canvas, self.explanation, self.y = canvas, explanation, y
        self.net = explanation.net
        self.L = len(self.net.sizes) - 1

    def draw(self, layers: range) -> None:
        first = layers[0] - 1
        self._node(0, _A(first), "examples" if first == 0 else "from above", first == 0)
        for place, l in enumerate(layers):
            self._layer(l, 2 * place + 1)
        if layers[-1] == self.L:
            self._cost(2 * len(layers) + 1)

    def _layer(self, l: int, column: int) -> None:
        g = self.net.architecture.activations[l - 1]
        self._node(column, f"Z[{l}]", math(f"{_A(l - 1)} W[{l}]ᵀ + b[{l}]"))
        self._node(column + 1, f"A[{l}]", g.name.replace("$", "")[:_NAME])
        self._edge(column, _A(l - 1), f"∂Z[{l}]/∂A[{l - 1}]" if l > 1 else None)
        self._edge(column + 1, f"Z[{l}]", f"∂A[{l}]/∂Z[{l}]")
        self._parameter(l, column, "W", -1)
        self._parameter(l, column, "b", 1)

    def _cost(self, column: int) -> None:
        self._node(column, "J", self.net.loss.name.replace("_", " ").replace("binary ", "binary\n"))
        self._edge(column, f"A[{self.L}]", f"∂J/∂A[{self.L}]")
        x = self._x(column)
        J = float(self.explanation["J"].value)
        self.canvas.write(Point(x, self.y + 0.52), f"$J = {J:.4g}$", 13, BLUE)
        y = self.y - _PARAMETERS
        self._box(Point(x, y), "Y", "targets", "given")
        self.canvas.forward(Point(x, y + NODE_HEIGHT / 2), Point(x, self.y - NODE_HEIGHT / 2))
        self._block(self.explanation["Y"], Point(x, y - 0.55))

    # -- edges ---------------------------------------------------------------------------------

    def _edge(self, column: int, symbol: str, factor: str | None) -> None:
        """Between a node and the one before it: the value forward, and its gradient back."""
        left, right = self._x(column - 1) + NODE_WIDTH / 2, self._x(column) - NODE_WIDTH / 2
        middle = (left + right) / 2
        apart = _APART if factor else 0.0
        self.canvas.forward(Point(left, self.y + apart), Point(right, self.y + apart))
        self._value(self.explanation[symbol], middle)
        if factor:
            self.canvas.backward(Point(right, self.y - apart), Point(left, self.y - apart))
            away = _AWAY if symbol.startswith("Z") else -_AWAY
            self._gradient(self.explanation[f"∂J/∂{symbol}"], factor, middle + away)

    def _value(self, term: Term, x: float) -> None:
        height = self.canvas.matrix(Point(x, self.y + 0.47), term.value, BLUE, "bottom")
        self._title(term, Point(x, self.y + 0.47 + height + 0.14))

    def _gradient(self, term: Term, factor: str, x: float) -> None:
        chain = math(f"{term.symbol} = {self._chain(term)}")
        if factor == term.symbol:  # ∂J/∂A[L] is a factor itself
            chain = f"{term.equation}  {chain}"
        self.canvas.write(Point(x, self.y - 0.64), chain, 14, VERMILLION)
        if factor != term.symbol:
            local = self.explanation[factor]
            formula = math(f"{factor} = {self._short(local)}")
            words = f"{local.equation}  {formula}"
            self.canvas.write(Point(x, self.y - 1.13), words, 12, GREY)
        self.canvas.matrix(Point(x, self.y - 1.46), term.value, VERMILLION, "top")

    def _chain(self, term: Term) -> str:
        """The product that a gradient is; for the first one, ∂J/∂A[L], its formula."""
        return term.formula.split(" = ")[0]

    def _short(self, local: Term) -> str:
        """The formula of a factor, or g'(Z[l]) if it is long or the user's own."""
        g = self.net.architecture.activations[local.layer - 1]
        is_slope = local.symbol.startswith("∂A")
        if not is_slope or (len(local.formula) <= _LONGEST and ACTIVATIONS.get(g.name) is g):
            return local.formula
        return f"{re.sub('[^A-Za-z_]', '', g.name)[:_NAME] or 'g'}'(Z[{local.layer}])"

    # -- parameters ----------------------------------------------------------------------------

    def _parameter(self, l: int, column: int, letter: str, side: int) -> None:
        """W[l] or b[l] below Z[l], at its left or right."""
        x, y = self._x(column) + side * 0.68, self.y - _PARAMETERS
        self._box(Point(x, y), f"{letter}[{l}]", "weights" if side < 0 else "biases", "parameter")
        edge = self._x(column) + side * _ASIDE
        top, bottom = self.y - NODE_HEIGHT / 2, y + NODE_HEIGHT / 2
        self.canvas.forward(Point(edge - 0.08, bottom), Point(edge - 0.08, top))
        self.canvas.backward(Point(edge + 0.08, top), Point(edge + 0.08, bottom))
        self._block(self.explanation[f"{letter}[{l}]"], Point(x, y - 0.46))
        gradient = self.explanation[f"∂J/∂{letter}[{l}]"]
        at = Point(x, y - 1.42)
        assert gradient.check is not None
        mark = "✓" if gradient.check.passed else "✗"
        self.canvas.write(at, math(gradient.symbol), 16, VERMILLION)
        self.canvas.write(Point(x - 0.42, at.y), gradient.equation, 11, VERMILLION)
        self.canvas.write(Point(x + 0.42, at.y), mark, 13, VERMILLION)
        self.canvas.matrix(Point(x, at.y - 0.28), gradient.value, VERMILLION, "top")

    # -- small things --------------------------------------------------------------------------

    def _block(self, term: Term, at: Point) -> None:
        self.canvas.matrix(at, term.value, BLUE, "top")

    def _title(self, term: Term, at: Point) -> None:
        words = f"{math(term.symbol)}  {shape_words(term.value)}"
        if term.part == "forward":
            words = f"{term.equation}  {words}"
        self.canvas.write(at, words, 11, BLUE)

    def _node(self, column: int, symbol: str, below: str, given: bool = False) -> None:
        kind = "given" if given else "repeated" if below == "from above" else "computed"
        self._box(Point(self._x(column), self.y), symbol, below, kind)

    def _box(self, at: Point, symbol: str, below: str, kind: str) -> None:
        self.canvas.node(at, symbol, below, kind)

    def _x(self, column: int) -> float:
        return _MARGIN + NODE_WIDTH / 2 + column * _PITCH


def _frame(canvas: Canvas, explanation: Explanation, width: float, height: float) -> None:
    """Title and legend."""
    sizes = "-".join(str(n) for n in explanation.net.sizes)
    title = f"Backpropagation through a {sizes} network, with {explanation.rows} examples"
    canvas.write(Point(_MARGIN, height - 0.36), title, 14, ha="left", weight="bold")
    y = height - 0.72
    canvas.forward(Point(_MARGIN, y), Point(_MARGIN + 0.45, y))
    canvas.write(Point(_MARGIN + 0.55, y), "values, forward (F1–F4, J)", 10, BLUE, ha="left")
    canvas.backward(Point(_MARGIN + 3.4, y), Point(_MARGIN + 2.95, y))
    back = "gradients, back (B1–B8): every edge multiplies by one factor, in grey"
    canvas.write(Point(_MARGIN + 3.5, y), back, 10, VERMILLION, ha="left")
    words = "Rows are examples; · is a matrix product, ∗ goes entry by entry."
    report = explanation.report
    words += (
        f" ✓ agrees with central differences of J (relative error ≤ "
        f"{report.max_relative_error:.0e})."
        if report.passed
        else " ✗ differs from central differences of J."
    )
    if canvas.abbreviated:
        words += "\n… and : stand for values left out."
    canvas.write(Point(_MARGIN, 0.3), words, 9, GREY, ha="left")


def _A(l: int) -> str:
    return f"A[{l}]" if l else "X"
