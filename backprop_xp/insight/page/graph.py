"""The computational graph as SVG, with a name on every edge so that the page can light it."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

# In the units of the SVG: from node to node, the size of a node, and where the rows are.
_PITCH, _WIDTH, _HEIGHT = 118, 84, 46
_TOP, _PARAMETERS = 40, 132
# Half the way between W[l] and b[l], and between an edge forward and its way back.
_ASIDE, _APART = 46, 5
_LONGEST_NAME = 13


def svg(names: list[str], loss: str) -> str:
    """The graph of a network whose activations have these names."""
    L = len(names)
    width = (2 * L + 2) * _PITCH
    shapes = "".join(_shapes(names, loss))
    return (
        f'<svg id="graph" viewBox="0 0 {width} {_PARAMETERS + 34}" role="img" '
        f'style="min-width:{round(0.82 * width)}px" '
        'aria-label="Computational graph: values go forward from X to J, gradients come back">'
        f"<defs>{_head('pale', 9)}{_head('forward', 15)}{_head('back', 15)}</defs>{shapes}</svg>"
    )


def _shapes(names: list[str], loss: str) -> Iterator[str]:
    """Edges first, so that nodes lie on top of them."""
    L = len(names)
    row = ["X", *(f"{letter}[{l}]" for l in range(1, L + 1) for letter in "ZA"), "J"]
    for column in range(1, len(row)):
        left, right = _x(column - 1) + _WIDTH / 2, _x(column) - _WIDTH / 2
        yield _pair(row[column - 1], row[column], (left, _TOP), (right, _TOP), column > 1)
    parameters = [(f"{letter}[{l}]", l, letter) for l in range(1, L + 1) for letter in "Wb"]
    below, above = _PARAMETERS - _HEIGHT / 2, _TOP + _HEIGHT / 2
    for name, l, letter in parameters:
        side = -1 if letter == "W" else 1
        bottom, top = _x(2 * l - 1) + side * _ASIDE, _x(2 * l - 1) + side * 24
        yield _pair(name, f"Z[{l}]", (bottom, below), (top, above), True)
    yield _pair("Y", "J", (_x(2 * L + 1), below), (_x(2 * L + 1), above), False)
    words = ["examples", *(w for g in names for w in ("weighted sum", g)), loss]
    for column, (name, word) in enumerate(zip(row, words, strict=True)):
        yield _node(name, word, _x(column), _TOP, "given" if name == "X" else "computed")
    for name, l, letter in parameters:
        x = _x(2 * l - 1) + (-1 if letter == "W" else 1) * _ASIDE
        yield _node(name, "weights" if letter == "W" else "biases", x, _PARAMETERS, "parameter")
    yield _node("Y", "targets", _x(2 * L + 1), _PARAMETERS, "given")
    yield _legend(_x(2 * L) + 22)


def _x(column: int) -> float:
    return _PITCH * (column + 0.5)


def _pair(
    source: str, target: str, start: tuple[float, float], end: tuple[float, float], back: bool
) -> str:
    """The edge forward and, where gradients flow, the one back beside it."""
    (x0, y0), (x1, y1) = start, end
    length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
    shift = _APART if back else 0
    dx, dy = (y1 - y0) / length * shift, -(x1 - x0) / length * shift
    edge = _edge("forward", f"{source}>{target}", (x0 + dx, y0 + dy), (x1 + dx, y1 + dy))
    if back:
        edge += _edge("back", f"{source}<{target}", (x1 - dx, y1 - dy), (x0 - dx, y0 - dy))
    return edge


def _edge(kind: str, name: str, start: tuple[float, float], end: tuple[float, float]) -> str:
    (x0, y0), (x1, y1) = start, end
    return (
        f'<line class="edge {kind}" data-edge="{escape(name)}" x1="{x0:.1f}" y1="{y0:.1f}" '
        f'x2="{x1:.1f}" y2="{y1:.1f}" marker-end="url(#head-pale)"/>'
    )


def _node(name: str, word: str, x: float, y: float, kind: str) -> str:
    width = _WIDTH if kind != "parameter" else _WIDTH - 4
    word = word if len(word) <= _LONGEST_NAME else f"{word[: _LONGEST_NAME - 1]}…"
    letter, _, index = name.partition("[")
    above = f'<tspan class="level" dy="-6">[{index[:-1]}]</tspan>' if index else ""
    return (
        f'<g class="node {kind}" data-node="{name}"><rect x="{x - width / 2:.1f}" '
        f'y="{y - _HEIGHT / 2:.1f}" width="{width}" height="{_HEIGHT}" rx="7"/>'
        f'<text class="symbol" x="{x:.1f}" y="{y - 1:.1f}">{letter}{above}</text>'
        f'<text class="word" x="{x:.1f}" y="{y + 16:.1f}">{escape(word)}</text></g>'
    )


def _legend(x: float) -> str:
    """What the two kinds of edges are."""
    lines = (("forward", "→ values, forward"), ("back", "← gradients, back"))
    return "".join(
        f'<text class="legend {kind}" x="{x:.1f}" y="{_PARAMETERS - 3 + 17 * k}">{words}</text>'
        for k, (kind, words) in enumerate(lines)
    )


def _head(kind: str, size: int) -> str:
    """The head of an arrow."""
    return (
        f'<marker id="head-{kind}" class="head {kind}" viewBox="0 0 8 8" refX="7" refY="4" '
        f'markerUnits="userSpaceOnUse" markerWidth="{size}" markerHeight="{size}" orient="auto">'
        '<path d="M0 0L8 4L0 8z"/></marker>'
    )
