"""What the page's script gets to know: the network, its numbers, the steps and the training run."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_xp.insight.page.mathml import mathml
from backprop_xp.insight.page.recording import is_known, record
from backprop_xp.insight.page.steps import axes, steps
from backprop_xp.maths.special import CHEBYSHEV

if TYPE_CHECKING:
    from backprop_xp.insight.explanation import Explanation


def content(
    explanation: Explanation, training_steps: int, features: Sequence[str], outputs: Sequence[str]
) -> dict[str, Any]:
    """All of it, of lists, numbers and texts."""
    net, terms = explanation.net, explanation.terms
    L = len(net.sizes) - 1
    values = {term.symbol: term.value for term in terms if term.kind != "chain"}
    repeated = ("∂Z", "W", "b", "X", "Y")  # they are other values, or the page starts from them
    activations = net.architecture.activations
    return {
        "sizes": list(net.sizes),
        "activations": [g.name if is_known(g) else None for g in activations],
        "loss": net.loss.name,
        "l2": net.architecture.l2,
        "l1": net.architecture.l1,
        "alpha": explanation.learning_rate,
        "theta": _packed(_theta(explanation)),
        "X": values["X"].tolist(),
        "Y": values["Y"].tolist(),
        "features": list(features),
        "outputs": list(outputs),
        "classes": _classes(explanation),
        "steps": steps(explanation),
        "symbols": {symbol: mathml(symbol) for symbol in values},
        "axes": {symbol: axes(symbol, L) for symbol in values},
        # What Python says, for the page to compare itself with.
        "python": {
            symbol: _packed(value)
            for symbol, value in values.items()
            if not symbol.startswith(repeated)
        },
        "differences": {
            term.symbol: _packed(term.difference)
            for term in terms
            if term.check is not None and term.difference is not None
        },
        "check": {
            "passed": explanation.report.passed,
            "error": explanation.report.max_relative_error,
            "tolerance": explanation.report.tolerance,
        },
        "chebyshev": list(CHEBYSHEV),
        "training": _training(explanation, training_steps),
    }


def as_script(data: dict[str, Any]) -> str:
    """The content as JSON from which no text can break out: neither </script> nor <!-- is left."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("</", "<\\/").replace("<!", "\\u003c!").replace("<s", "\\u003cs")


def _theta(explanation: Explanation) -> np.ndarray:
    L = len(explanation.net.sizes) - 1
    parts = (explanation[f"{letter}[{l}]"].value for l in range(1, L + 1) for letter in "Wb")
    return np.concatenate([part.ravel() for part in parts])


def _training(explanation: Explanation, training_steps: int) -> dict[str, Any]:
    run = record(explanation, training_steps)
    return {
        "step": run.step,
        "J": run.J,
        "theta": _packed(run.theta),
        "own": {l: _packed(moments) for l, moments in run.own.items()},
        "note": run.note,
    }


def _classes(explanation: Explanation) -> bool:
    """Whether the targets are labels, so that a boundary lies between them."""
    return explanation.net.loss.name in ("binary_cross_entropy", "cross_entropy")


def _packed(numbers: np.ndarray | Iterable[np.ndarray]) -> str:
    """Float64 as bytes in base64: shorter than digits, and exact."""
    array = np.asarray(numbers if isinstance(numbers, np.ndarray) else list(numbers), dtype="<f8")
    return base64.b64encode(array.tobytes()).decode("ascii")
