"""The page as one HTML file: its template, style and script, and the numbers of an explanation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from backprop_xp.errors import ConfigurationError, ShapeError, shown
from backprop_xp.insight.page.content import as_script, content
from backprop_xp.insight.page.graph import svg
from backprop_xp.number_checks import require_count
from backprop_xp.wording import plural

if TYPE_CHECKING:
    from backprop_xp.insight.explanation import Explanation

# What fits a screen. Inputs and outputs count as units, too.
MOST_LAYERS, MOST_UNITS, MOST_EXAMPLES = 4, 8, 8
_LONGEST_NAME = 60
# More would take longer than a minute.
_MOST_STEPS = 100_000
# In the order in which they need each other.
_SCRIPTS = (
    "matrices",
    "activations",
    "losses",
    "network",
    "differences",
    "numbers",
    "entries",
    "walk",
    "pictures",
    "training",
    "touch",
    "main",
)


def page(
    explanation: Explanation,
    *,
    steps: int,
    features: Sequence[str] | None,
    outputs: Sequence[str] | None,
) -> str:
    """Return the page as text.

    Raises
    ------
    ShapeError
        The network or the examples do not fit a page.
    ConfigurationError
        The names or the number of steps make no sense.
    """
    require_count("steps", steps)
    if steps > _MOST_STEPS:
        raise ConfigurationError(f"steps={steps}: expected at most {_MOST_STEPS:,} training steps")
    _require_small(explanation)
    net = explanation.net
    names = _names("features", features or net.columns, net.sizes[0], "x")
    targets = _names("outputs", outputs, net.sizes[-1], "y")
    layers = [g.name for g in net.architecture.activations]
    parts = {
        "style": _asset("page.css"),
        "graph": svg(layers, net.loss.name.replace("_", " ").replace("binary cross", "cross")),
        "content": as_script(content(explanation, steps, names, targets)),
        "script": "\n".join(_asset(f"{name}.js") for name in _SCRIPTS),
        "title": "-".join(str(n) for n in net.sizes),
        "network": escape(_described(explanation, layers)),
        "verdict": escape(_verdict(explanation)),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _asset("page.html"))


def _require_small(explanation: Explanation) -> None:
    sizes, rows = explanation.net.sizes, explanation.rows
    if len(sizes) - 1 <= MOST_LAYERS and max(sizes) <= MOST_UNITS and rows <= MOST_EXAMPLES:
        return
    given = "-".join(str(n) for n in sizes)
    raise ShapeError(
        f"a page shows up to {MOST_LAYERS} layers with up to {MOST_UNITS} inputs, units and "
        f"outputs each, and {MOST_EXAMPLES} examples, but this is a {given} network with "
        f"{plural(rows, 'example')}: explain a smaller network on fewer rows and columns, or "
        "print the explanation, which has no limit"
    )


def _names(what: str, given: Any, count: int, letter: str) -> list[str]:
    """One name for each, those given or x₁, x₂ …"""
    if given is None:
        digits = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
        return [f"{letter}{str(k + 1).translate(digits)}" for k in range(count)]
    if isinstance(given, str) or not isinstance(given, Sequence) or len(given) != count:
        raise ConfigurationError(f"{what}={shown(given)}: expected {plural(count, 'name')}")
    return [str(name)[:_LONGEST_NAME] for name in given]


def _described(explanation: Explanation, layers: list[str]) -> str:
    return (
        f"{' → '.join(layers)}, {explanation.net.loss.name.replace('_', ' ')}, "
        f"{plural(explanation.rows, 'example')}"
    )


def _verdict(explanation: Explanation) -> str:
    report = explanation.report
    if not report.passed:
        return f"Python's check_gradients FAILED: the worst parameter is {report.worst.worst}."
    return (
        f"Python's check_gradients passed: largest relative error {report.max_relative_error:.0e}."
    )


def _asset(name: str) -> str:
    return files(__package__).joinpath("assets", name).read_text(encoding="utf-8")
