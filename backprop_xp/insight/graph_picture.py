"""The article's computational graph as a picture: values go forward, gradients come back."""

from __future__ import annotations

import os
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from backprop_xp.insight.graph_shapes import NODE_HEIGHT, NODE_WIDTH, Canvas, Point, shape_words
from backprop_xp.insight.mathtext import math
from backprop_xp.maths.activations import ACTIVATIONS
from backprop_xp.pictures import BLUE, GREY, VERMILLION, picture
from backprop_xp.wording import plural

if TYPE_CHECKING:
    from backprop_xp.insight.explanation import Explanation, Term

# All in inches. A row of the picture holds up to two layers, so that it can be read at the width of
# a page; deeper networks take more rows.
_PITCH, _MARGIN = 2.5, 0.25
_ABOVE, _BELOW = 1.75, 7.15
_HEAD, _FOOT = 1.25, 0.75
_LAYERS = 2
# Half the way between the edges forward and back, and from Z[l] to its edges with W[l] and b[l].
_APART, _ASIDE = 0.12, 0.2
# How far W[l], b[l] and Y lie below, and how far labels keep from the edges of W[l] and b[l].
_PARAMETERS, _AWAY = 3.9, 0.17
# Points. Every factor has the same size, whichever equation it is of.
_TITLE, _FORMULA, _FACTOR, _WORDS = 18, 16, 13.5, 13
# Characters: longer formulas are drawn as g'(Z[l]) or ∂j/∂A[L], longer names as g.
_LONGEST, _LONGEST_LOSS = 18, 22
_NAME, _LONGEST_NAME = 12, 8


def draw_graph(explanation: Explanation, path: str | os.PathLike[str] | None) -> Any:
    """Draw the graph of an explanation, save it if there is a path, and return the Figure."""
    L = len(explanation.net.sizes) - 1
    starts = [*range(1, L + 1, _LAYERS), L + 1]
    rows = [range(first, stop) for first, stop in pairwise(starts)]
    nodes = max(2 * len(row) + 1 + (row[-1] == L) for row in rows)
    width = max(2 * _MARGIN + (nodes - 1) * _PITCH + NODE_WIDTH, 9.0)
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
        right = Point(x + NODE_WIDTH / 2, self.y + 0.62)
        self.canvas.write(right, f"$J = {J:.4g}$", _FACTOR, BLUE, ha="right")
        y = self.y - _PARAMETERS
        self.canvas.node(Point(x, y), "Y", "targets", "given")
        self.canvas.forward(Point(x, y + NODE_HEIGHT / 2), Point(x, self.y - NODE_HEIGHT / 2))
        self.canvas.matrix(Point(x, y - 0.52), self.explanation["Y"].value, BLUE, "top")

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
            # A[L] has no edges with parameters on its way to J that labels would lie on.
            away = 0.0 if symbol == f"A[{self.L}]" else -_AWAY if symbol[0] == "A" else _AWAY
            self._gradient(self.explanation[f"∂J/∂{symbol}"], factor, middle + away)

    def _value(self, term: Term, x: float) -> None:
        height = self.canvas.matrix(Point(x, self.y + 0.52), term.value, BLUE, "bottom")
        self._title(term, Point(x, self.y + 0.52 + height + 0.16))

    def _gradient(self, term: Term, factor: str, x: float) -> None:
        """What comes back over an edge, and the factor by which the edge multiplies."""
        chain = term.symbol
        if factor != chain:  # the first gradient, ∂J/∂A[L], is a factor itself
            chain += f" = {term.formula.split(' = ')[0]}"
        self.canvas.write(Point(x, self.y - 0.82), math(chain), _FORMULA, VERMILLION)
        self._factor(self.explanation[factor], Point(x, self.y - 1.44))
        self.canvas.matrix(Point(x, self.y - 1.88), term.value, VERMILLION, "top")

    def _factor(self, local: Term, at: Point, ha: str = "center") -> None:
        """The local derivative of an edge, with the name of its equation."""
        words = f"{local.equation}  {math(f'{local.symbol} = {self._short(local)}')}"
        self.canvas.write(at, words, _FACTOR, GREY, ha=ha)

    def _short(self, local: Term) -> str:
        """The formula of a factor; a long one, or one of the user's, by its name alone."""
        if local.symbol.startswith("∂J"):
            longest = max(map(len, local.formula.split(" / ")))  # of the two sides of a fraction
            return local.formula if longest <= _LONGEST_LOSS else f"(1/m) ∂j/∂A[{self.L}]"
        g = self.net.architecture.activations[local.layer - 1]
        is_slope = local.symbol.startswith("∂A")
        if not is_slope or (len(local.formula) <= _LONGEST and ACTIVATIONS.get(g.name) is g):
            return local.formula
        name = re.sub("[^A-Za-z_]", "", g.name)
        return f"{name if 0 < len(name) <= _LONGEST_NAME else 'g'}'(Z[{local.layer}])"

    # -- parameters ----------------------------------------------------------------------------

    def _parameter(self, l: int, column: int, letter: str, side: int) -> None:
        """W[l] or b[l] below Z[l], at its left or right."""
        of = f"{letter}[{l}]"
        x, y = self._x(column) + side * 0.8, self.y - _PARAMETERS
        self.canvas.node(Point(x, y), of, "weights" if side < 0 else "biases", "parameter")
        edge = self._x(column) + side * _ASIDE
        top, bottom = self.y - NODE_HEIGHT / 2, y + NODE_HEIGHT / 2
        self.canvas.forward(Point(edge - 0.07, bottom), Point(edge - 0.07, top))
        self.canvas.backward(Point(edge + 0.07, top), Point(edge + 0.07, bottom))
        beside = Point(edge + side * 0.2, bottom + 0.38)
        local = self.explanation[f"∂Z[{l}]/∂{of}"]
        self._factor(local, beside, "right" if side < 0 else "left")
        self.canvas.matrix(Point(x, y - 0.52), self.explanation[of].value, BLUE, "top")
        self._parameter_gradient(self.explanation[f"∂J/∂{of}"], Point(x, y - 1.8))

    def _parameter_gradient(self, gradient: Term, at: Point) -> None:
        assert gradient.check is not None
        mark = "✓" if gradient.check.passed else "✗"
        words = f"{gradient.equation}  {math(gradient.symbol)}  {mark}"
        self.canvas.write(at, words, _FORMULA, VERMILLION)
        self.canvas.matrix(Point(at.x, at.y - 0.36), gradient.value, VERMILLION, "top")

    # -- small things --------------------------------------------------------------------------

    def _title(self, term: Term, at: Point) -> None:
        words = f"{math(term.symbol)}  {shape_words(term.value)}"
        if term.part == "forward":
            words = f"{term.equation}  {words}"
        self.canvas.write(at, words, _FACTOR, BLUE)

    def _node(self, column: int, symbol: str, below: str, given: bool = False) -> None:
        kind = "given" if given else "repeated" if below == "from above" else "computed"
        self.canvas.node(Point(self._x(column), self.y), symbol, below, kind)

    def _x(self, column: int) -> float:
        return _MARGIN + NODE_WIDTH / 2 + column * _PITCH


def _frame(canvas: Canvas, explanation: Explanation, width: float, height: float) -> None:
    """Title and legend."""
    sizes = "-".join(str(n) for n in explanation.net.sizes)
    title = f"Backpropagation through a {sizes} network, with {plural(explanation.rows, 'example')}"
    canvas.write(Point(_MARGIN, height - 0.32), title, _TITLE, ha="left", weight="bold")
    y, start, end = height - 0.7, _MARGIN, _MARGIN + 0.5
    words = "values, forward (F1–F4, J)"
    canvas.forward(Point(start, y), Point(end, y))
    canvas.write(Point(end + 0.12, y), words, _WORDS, BLUE, ha="left")
    words = "gradients, back (B1–B8): every edge multiplies by one factor, in grey"
    canvas.backward(Point(end, y - 0.3), Point(start, y - 0.3))
    canvas.write(Point(end + 0.12, y - 0.3), words, _WORDS, VERMILLION, ha="left")
    lines = ["Rows are examples; · is a matrix product, ∗ goes entry by entry."]
    if canvas.abbreviated:
        lines[0] += " … and : stand for values left out."
    report = explanation.report
    lines.append(
        f"✓ agrees with central differences of J (relative error ≤ {report.tolerance:.0e})."
        if report.passed
        else "✗ differs from central differences of J."
    )
    canvas.write(Point(_MARGIN, 0.42), "\n".join(lines), _WORDS, GREY, ha="left")


def _A(l: int) -> str:
    return f"A[{l}]" if l else "X"
