"""The steps of the page: each equation with what it is made of, and the edges that it runs over."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from backprop_xp.insight.page.mathml import mathml

if TYPE_CHECKING:
    from backprop_xp.insight.explanation import Explanation, Term


class _Made(NamedTuple):
    """How a value is made: the page draws every operation in its own way.

    `operands` are symbols, with ᵀ for a transposed one; `edges` are those of the graph.
    """

    operation: str
    operands: tuple[str, ...]
    edges: tuple[str, ...]
    words: str


def steps(explanation: Explanation) -> list[dict[str, Any]]:
    """Every step in the order of the article, as the page's script reads it."""
    teller = _Teller(explanation)
    told = [teller.step(term) for term in explanation.terms if term.part != "given"]
    return [teller.given(), *told]


class _Teller:
    def __init__(self, explanation: Explanation) -> None:
        self.explanation = explanation
        self.L = len(explanation.net.sizes) - 1
        self.has_penalty = any(t.symbol == "∂penalty/∂W[1]" for t in explanation.terms)

    def given(self) -> dict[str, Any]:
        """What is there before the first equation."""
        parameters = [f"{letter}[{l}]" for l in range(1, self.L + 1) for letter in "Wb"]
        return {
            "equation": "I0",
            "part": "given",
            "symbol": "X, Y, W, b",
            "formula": [],
            "operation": "given",
            "operands": ["X", "Y", *parameters],
            "edges": [],
            "words": "Given are the examples X with their targets Y, and the weights W and biases "
            "b as they are now. Rows are examples.",
        }

    def step(self, term: Term) -> dict[str, Any]:
        """One equation."""
        made = self._made(term)
        return {
            "equation": term.equation,
            "part": term.part,
            "symbol": term.symbol,
            "formula": [mathml(part) for part in term.formula.split(" = ", _sides(term))],
            "operation": made.operation,
            "operands": list(made.operands),
            "edges": list(made.edges),
            "words": made.words,
            "gradient": term.kind == "gradient",
        }

    def _made(self, term: Term) -> _Made:
        l = term.layer
        if term.part == "update":
            return self._update(term)
        if term.part == "cost":
            return self._cost(term)
        if term.part == "forward":
            return self._forward(term, l)
        if term.kind == "chain":
            return _Made("chain", tuple(term.formula.split(" · ")), self._way(l), _CHAIN)
        of, _, by = term.symbol.partition("/")
        if of == "∂penalty":
            return _Made("elementwise", (by[1:],), (), "The penalty on large weights.")
        if of == "∂J":
            return self._gradient(by[1:], l)
        return self._factor(of[1:], by[1:], l)

    def _forward(self, term: Term, l: int) -> _Made:
        Z, above = f"Z[{l}]", _A(l - 1)
        if term.symbol == Z:
            edges = tuple(f"{source}>{Z}" for source in (above, f"W[{l}]", f"b[{l}]"))
            return _Made("product", (above, f"W[{l}]ᵀ", f"b[{l}]"), edges, _AFFINE)
        edge = (f"{Z}>A[{l}]",)
        operation = "softmax" if self._is_softmax(l) else "elementwise"
        return _Made(operation, (Z,), edge, _ACTIVATION)

    def _cost(self, term: Term) -> _Made:
        output = f"A[{self.L}]"
        edges = (f"{output}>J", "Y>J")
        if term.symbol == "j":
            return _Made("elementwise", (output, "Y"), edges, _LOSS)
        return _Made("mean", ("j",), edges, _MEAN)

    def _factor(self, of: str, by: str, l: int) -> _Made:
        """A partial derivative of one edge."""
        edge = (f"{by if by != 'A[0]' else 'X'}<{of}",)
        if of == f"A[{l}]":
            if self._is_softmax(l):
                return _Made("jacobian", (of,), edge, _JACOBIAN)
            return _Made("elementwise", (by, of), edge, _SLOPE)
        if by.startswith("W"):
            return _Made("same", (_A(l - 1),), edge, _FACTOR_W)
        if by.startswith("b"):
            return _Made("ones", (), edge, "b is added as it is, so its factor is 1.")
        return _Made("same", (f"W[{l + 1}]",), edge, _FACTOR_A)

    def _gradient(self, of: str, l: int) -> _Made:
        """∂J by A[l], Z[l], W[l] or b[l]."""
        letter, dZ = of[0], f"∂J/∂Z[{l}]"
        if letter == "A":
            if l == self.L:
                return _Made("elementwise", (of, "Y"), (f"{of}<J",), _LOSS_SLOPE)
            above = f"Z[{l + 1}]"
            return _Made("product", (f"∂J/∂{above}", f"W[{l + 1}]"), (f"{of}<{above}",), _BACK)
        if letter == "Z":
            operands = (f"∂J/∂A[{l}]", f"∂A[{l}]/∂Z[{l}]")
            operation = "through jacobian" if self._is_softmax(l) else "entries"
            return _Made(operation, operands, (f"{of}<A[{l}]",), _THROUGH)
        edge = (f"{of}<Z[{l}]",)
        if letter == "W":
            penalty = (f"∂penalty/∂{of}",) if self.has_penalty else ()
            return _Made("product", (f"{dZ}ᵀ", _A(l - 1), *penalty), edge, _GRADIENT_W)
        return _Made("columns", (dZ,), edge, "Every example adds its share.")

    def _update(self, term: Term) -> _Made:
        of = term.symbol.removeprefix("new ")
        if of == "J":
            return _Made("again", (), (), "Forward once more, with the new weights.")
        return _Made("elementwise", (of, f"∂J/∂{of}"), (f"{of}!",), _UPDATE)

    def _is_softmax(self, l: int) -> bool:
        """Whether every entry of A[l] depends on all of its row."""
        return l == self.L and not self.explanation.net.output.elementwise

    def _way(self, l: int) -> tuple[str, ...]:
        """The edges from J back to W[l]."""
        way = [f"A[{self.L}]<J"]
        for k in range(self.L, l - 1, -1):
            way.append(f"Z[{k}]<A[{k}]")
            way.append(f"A[{k - 1}]<Z[{k}]" if k > l else f"W[{l}]<Z[{l}]")
        return tuple(way)


def axes(symbol: str, L: int) -> tuple[str, str]:
    """What the rows and columns of a value stand for: "m", a layer's number, or nothing."""
    name = symbol.removeprefix("new ")
    of, _, by = name.partition("/")
    levels = [int(digits) for digits in re.findall(r"\[(\d+)\]", name)]
    l = levels[-1] if levels else L
    if of in ("∂J", "∂penalty"):
        return axes(by[1:], L)
    if by:
        return _axes_of_factor(of, by, l)
    return {
        "X": ("m", "0"),
        "Y": ("m", str(L)),
        "j": ("m", str(L)),
        "J": ("", ""),
    }.get(name) or {
        "W": (str(l), str(l - 1)),
        "b": ("", str(l)),
    }.get(name[0], ("m", str(l)))


def _axes_of_factor(of: str, by: str, l: int) -> tuple[str, str]:
    if of.startswith("∂A"):
        return "m", str(l)
    if by.startswith("∂W"):
        return "m", str(l - 1)
    return ("", "m") if by.startswith("∂b") else (str(l + 1), str(l))


def _sides(term: Term) -> int:
    """How many signs of equality a formula has; those of the cost only explain a letter."""
    return 0 if term.part == "cost" or term.symbol == "new J" else 1


def _A(l: int) -> str:
    return f"A[{l}]" if l else "X"


_AFFINE = (
    "Each example (a row) meets the weights of each unit (a column of Wᵀ): multiply pair by pair, "
    "add up, add the bias."
)
_ACTIVATION = "The activation bends every entry; without it, layers would collapse into one."
_LOSS = "How wrong each output is."
_MEAN = "The cost: the mean over the examples of the sum over the outputs."
_CHAIN = (
    "The chain rule: follow the lit edges back from J and multiply the factors on the way. They "
    "come one by one now."
)
_LOSS_SLOPE = "How J changes with each output. From here all gradients flow back."
_SLOPE = "The slope of the activation, entry by entry. Where it is near 0, learning stops."
_JACOBIAN = (
    "In a softmax every output depends on every Z of its row, so this factor is a matrix for each "
    "example."
)
_THROUGH = "What came back, times the factor of this edge."
_FACTOR_W = "W multiplies what comes in, so what comes in is the factor."
_FACTOR_A = "What comes in is multiplied by W, so W is the factor on the way back."
_BACK = "Each unit collects from all units above, along the same weights as on the way forward."
_GRADIENT_W = (
    "One row per unit, one column per input: the sum over the examples makes the shapes fit."
)
_UPDATE = "A step downhill: against the gradient, α times its size."
