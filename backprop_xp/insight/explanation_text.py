"""An explanation as text: a table for a terminal of 100 columns."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from backprop_xp.wording import plural

if TYPE_CHECKING:
    from backprop_xp.insight.explanation import Explanation, Term

_WIDTH = 99
# Columns of the table: equation, formula, shape, and the value in what is left.
_EQUATION, _FORMULA, _SHAPE = 6, 48, 9
_VALUE = _WIDTH - _EQUATION - _FORMULA - _SHAPE
# Values with more rows, or wider than their column, are abbreviated.
_ROWS = 6
# Keeps together what stands after the last sign of equality.
_NO_BREAK = "\u00a0"

_HEADINGS = {
    "given": "GIVEN",
    "forward": "FORWARD",
    "cost": "COST",
    "update": "UPDATE: one step of gradient descent",
}


def text(explanation: Explanation) -> str:
    """The whole table."""
    lines = list(_title(explanation))
    here: tuple[str, int] | None = None
    for term in explanation.terms:
        place = (term.part, term.layer if term.part == "backward" else 0)
        if place != here:
            lines += ["", _heading(*place)]
            here = place
        lines += _term_lines(term)
    lines += ["", *_verdict(explanation)]
    if any(sign in line for line in lines for sign in "…⋮"):
        lines.append("… and ⋮ stand for values left out here; explanation.terms has them all.")
    return "\n".join(line.rstrip() for line in lines)


def number(value: float, scale: float, digits: int) -> str:
    """A number with the digits that suit its array, whose largest finite entry is `scale`."""
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == 0:
        return "0"
    if not 1e-3 <= scale < 1e4:
        return f"{value:.{max(1, digits - 2)}e}"
    fixed = f"{value:.{digits}f}"
    return fixed if float(fixed) else fixed.lstrip("-")


def cells(value: np.ndarray, rows: int, columns: int, digits: int = 4) -> list[list[str]]:
    """The entries of a vector or matrix as text, with … and ⋮ where some are left out."""
    matrix = np.atleast_2d(value)
    finite = np.abs(matrix[np.isfinite(matrix)])
    scale = float(finite.max(initial=0.0))
    if scale < 1e4 and np.array_equal(finite, np.round(finite)):
        digits = 0
    elif 1e-3 <= scale < 0.2:  # small numbers, but not small enough for exponents
        digits += 1 if scale >= 0.02 else 2
    across = _kept(matrix.shape[1], columns)
    table = []
    for i in _kept(matrix.shape[0], rows):
        if i is None:
            table.append(["" if k is None else "⋮" for k in across])
        else:
            table.append(
                ["…" if k is None else number(float(matrix[i, k]), scale, digits) for k in across]
            )
    return table


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape such as "4 × 3"."""
    return " × ".join(str(n) for n in shape) or "number"


def _kept(count: int, most: int) -> list[int | None]:
    """The indices to show, with None for a gap before the last."""
    if count <= most:
        return list(range(count))
    return [*range(most - 2), None, count - 1]


def _title(explanation: Explanation) -> Iterator[str]:
    net = explanation.net
    sizes = "-".join(str(n) for n in net.sizes)
    layers = " → ".join(g.name for g in net.architecture.activations)
    yield f"Backpropagation with numbers: a {sizes} network ({layers}, {_words(net.loss.name)})"
    yield (
        f"m = {plural(explanation.rows, 'example')} as rows; · is a matrix product, "
        "∗ goes entry by entry; computed in float64"
    )


def _heading(part: str, layer: int) -> str:
    title = f"BACKWARD through layer {layer}" if part == "backward" else _HEADINGS[part]
    return f"{title} {'─' * (_WIDTH - len(title) - 1)}"


def _term_lines(term: Term) -> Iterator[str]:
    equation = f" {term.equation:{_EQUATION}}"
    if term.kind == "chain":
        yield f"{equation}{term.symbol} = {term.formula}"
        return
    shown, note = term.value, term.note
    if shown.ndim > 2:
        shown, note = shown[0], f"{note}; that of example 1 is shown".lstrip("; ")
    yield from _row(equation, _definition(term), shape_text(term.shape), shown)
    for line in textwrap.wrap(note, _WIDTH - _EQUATION - 5):
        yield f"{'':{_EQUATION + 3}}{line}"
    if term.check is not None:
        yield from _check_lines(term)


def _definition(term: Term) -> str:
    """Symbol and formula; what is given needs no sign of equality."""
    between = ", " if term.part == "given" else " = "
    return f"{term.symbol}{between}{term.formula}"


def _row(equation: str, definition: str, shape: str, value: np.ndarray) -> Iterator[str]:
    head, equals, last = definition.rpartition(" = ")
    whole = head + equals + last.replace(" ", _NO_BREAK)
    left = textwrap.wrap(whole, _FORMULA - 1, subsequent_indent="   ")
    left = [line.replace(_NO_BREAK, " ") for line in left]
    right = _grid(value)
    for i in range(max(len(left), len(right))):
        start = f"{equation if i == 0 else '':{_EQUATION + 1}}"
        middle = f"{left[i] if i < len(left) else '':{_FORMULA}}{shape if i == 0 else '':{_SHAPE}}"
        yield start + middle + (right[i] if i < len(right) else "")


def _grid(value: np.ndarray) -> list[str]:
    """The lines of a matrix, with as many columns as there is space for."""
    for columns in range(_VALUE // 3, 2, -1):
        table = cells(value, _ROWS, columns)
        width = max(len(cell) for row in table for cell in row) + 2
        if width * len(table[0]) <= _VALUE:
            break
    return ["".join(f"{cell:>{width}}" for cell in row) for row in table]


def _check_lines(term: Term) -> Iterator[str]:
    check = term.check
    assert check is not None
    verdict = f"{'✓' if check.passed else '✗ WRONG,'} relative error {check.max_relative_error:.0e}"
    if check.kinks:
        verdict += f", {check.kinks} at a kink"
    if term.difference is None:
        value = f"{check.checked} random directions"
        yield f"{'':{_EQUATION + 1}}{f'  {verdict}':{_FORMULA + _SHAPE}}  {value}"
        return
    yield from _row("", f"  central differences: {verdict}", "", term.difference)


def _verdict(explanation: Explanation) -> Iterator[str]:
    report, error = explanation.report, explanation.backward_error
    if report.passed:
        yield (
            "Every gradient agrees with central differences of J (largest relative error "
            f"{report.max_relative_error:.0e}),"
        )
    else:
        yield str(report)
    if error < 1e-9:
        yield "and the products of the factors are the gradients of net.backward."
    else:
        yield f"The products differ from net.backward, by up to {error:.0e} of the largest."


def _words(name: str) -> str:
    return name.replace("_", " ")
