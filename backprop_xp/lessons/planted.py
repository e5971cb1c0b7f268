"""Eight mistakes for lesson 4: one expression of the textbook's backward, written otherwise."""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple

from backprop_xp import textbook
from backprop_xp.maths.network import Network
from backprop_xp.maths.parameters import Parameters
from backprop_xp.maths.trace import Trace


class Mistake(NamedTuple):
    """What the line should say, what it says, and the layer in which the gradient goes wrong."""

    name: str
    right: str
    wrong: str
    layer: int


MISTAKES = (
    Mistake("slope of tanh forgotten", "dJ_dA1 * dA1_dZ1", "dJ_dA1", 1),
    Mistake("1/m forgotten", "/ (1 - A2)) / m", "/ (1 - A2))", 2),
    Mistake("dW2 transposed", "dJ_dZ2.T @ dZ2_dW2", "(dJ_dZ2.T @ dZ2_dW2).T", 2),
    Mistake("wrong sign of dW1", "dJ_dZ1.T @ dZ1_dW1", "-dJ_dZ1.T @ dZ1_dW1", 1),
    Mistake("slope of the sigmoid twice", "dJ_dA2 * dA2_dZ2", "dJ_dA2 * dA2_dZ2 * dA2_dZ2", 2),
    Mistake("db1 averaged", "self.xp.sum(dJ_dZ1, axis=0)", "self.xp.mean(dJ_dZ1, axis=0)", 1),
    Mistake("W2 transposed", "dZ2_dA1 = self.W2", "dZ2_dA1 = self.W2.T", 1),
    Mistake("wrong sign at the output", "-Y / A2 + (1 - Y)", "Y / A2 - (1 - Y)", 2),
)


class TextbookNetwork(Network):
    """A network of two layers, tanh and sigmoid, whose backward is that of a textbook."""

    book: Any = textbook.Textbook

    def backward(self, trace: Trace, Y: Any, sample_weight: Any = None) -> Parameters:
        book = self.book(self.sizes, xp=self.backend.xp)
        book.W1, book.b1, book.W2, book.b2 = self.W[1], self.b[1], self.W[2], self.b[2]
        Y = self.as_targets(Y, trace.rows)
        grads = self.gradient()
        parts = book.backward(trace.A[0], trace.A[1], trace.A[2], Y)
        for own, part in zip((grads.W[1], grads.b[1], grads.W[2], grads.b[2]), parts, strict=True):
            own[...] = part
        return grads


def planted(mistake: Mistake) -> type[TextbookNetwork]:
    """The class of a network whose backward has this mistake."""
    source = inspect.getsource(textbook)
    if source.count(mistake.right) != 1:
        raise ValueError(f"{mistake.right!r} is not in the textbook once")
    names: dict[str, Any] = {"__name__": "mistaken"}
    exec(source.replace(mistake.right, mistake.wrong), names)
    return type("Mistaken", (TextbookNetwork,), {"book": names["Textbook"]})
