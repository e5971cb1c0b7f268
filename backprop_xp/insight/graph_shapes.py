"""Shapes of the computational graph: nodes, pairs of edges, and blocks of values."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from backprop_xp.insight.explanation_text import cells, shape_text
from backprop_xp.insight.mathtext import math
from backprop_xp.pictures import BLUE, GREY, VERMILLION

NODE_WIDTH, NODE_HEIGHT = 1.5, 0.84
_INK = "#1A1A1A"
_TINTS = {BLUE: "#E8F2F9", VERMILLION: "#FCEDE2"}
_ROWS, _COLUMNS, _LINE = 4, 4, 20  # larger values are abbreviated
# Points.
_SYMBOL, _FORMULA, _WORDS, _MONO = 21, 15, 12.5, 12


class Point(NamedTuple):
    """A place in inches, from the lower left corner."""

    x: float
    y: float


class Canvas:
    """An axis in inches with the few shapes that the graph is made of."""

    def __init__(self, figure: Any, width: float, height: float) -> None:
        self.axis = figure.add_axes((0, 0, 1, 1))
        self.axis.set(xlim=(0, width), ylim=(0, height))
        self.axis.set_axis_off()
        self.abbreviated = False

    def write(self, at: Point, words: str, size: float, colour: str = _INK, **options: Any) -> None:
        """Text, centred unless the options say otherwise."""
        style = {"ha": "center", "va": "center", "math_fontfamily": "stix"} | options
        self.axis.text(*at, words, size=size, color=colour, **style)

    def node(self, at: Point, symbol: str, below: str, kind: str) -> None:
        """A box: "given" (data), "parameter" or "computed"; "repeated" from an earlier row."""
        from matplotlib.patches import FancyBboxPatch

        face, line = {
            "given": ("#F2F2F2", "solid"),
            "parameter": ("#FFF6DB", "solid"),
            "computed": ("white", "solid"),
            "repeated": ("white", "dashed"),
        }[kind]
        corner = (at.x - NODE_WIDTH / 2, at.y - NODE_HEIGHT / 2)
        box = FancyBboxPatch(
            corner,
            NODE_WIDTH,
            NODE_HEIGHT,
            boxstyle="round,pad=0,rounding_size=0.1",
            facecolor=face,
            edgecolor=_INK,
            linewidth=1.1,
            linestyle=line,
        )
        self.axis.add_patch(box)
        self.write(Point(at.x, at.y + 0.16), math(symbol), _SYMBOL)
        self.write(Point(at.x, at.y - 0.2), below, _FORMULA if "$" in below else _WORDS, GREY)

    def forward(self, start: Point, end: Point) -> None:
        """An edge on the way forward."""
        self._arrow(start, end, BLUE)

    def backward(self, start: Point, end: Point) -> None:
        """An edge on the way back."""
        self._arrow(start, end, VERMILLION)

    def _arrow(self, start: Point, end: Point, colour: str) -> None:
        style = {"arrowstyle": "-|>", "color": colour, "lw": 2.0, "mutation_scale": 15}
        style |= {"shrinkA": 0, "shrinkB": 0}
        self.axis.annotate("", end, start, arrowprops=style)

    def matrix(
        self, at: Point, value: np.ndarray, colour: str, va: str, ha: str = "center"
    ) -> float:
        """A block of numbers on a tint; returns its height."""
        value = np.atleast_2d(value) if value.ndim != 1 else value[:, None]
        for columns in range(_COLUMNS, 2, -1):
            lines = _lines(cells(value, _ROWS, columns, digits=2))
            if len(lines[0]) <= _LINE:
                break
        else:
            outer = cells(value[:, [0, -1]], _ROWS, 2, digits=2)
            lines = _lines([[first, "…" if first != "⋮" else "", last] for first, last in outer])
        self.abbreviated |= any(sign in line for line in lines for sign in "…⋮")
        words = "\n".join(lines).replace("⋮", ":")  # which the font does not have
        self.write(
            at,
            words,
            _MONO,
            family="monospace",
            va=va,
            ha=ha,
            bbox={"boxstyle": "round,pad=0.25", "facecolor": _TINTS[colour], "edgecolor": "none"},
        )
        return len(lines) * _MONO * 1.2 / 72 + 0.1


def _lines(table: list[list[str]]) -> list[str]:
    """The rows of a table as text, with columns under one another."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        " ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True))
        for row in table
    ]


def shape_words(value: np.ndarray) -> str:
    """The shape as the picture shows it, "(4 × 3)"; a number has none."""
    return f"({shape_text(value.shape)})" if value.ndim else ""
