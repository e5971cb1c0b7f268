"""The formulas of an explanation as MathML, which a browser draws by itself.

Every symbol stands in an element with `data-of`, so that the page can put a number in its place.
"""

from __future__ import annotations

import re
from html import escape
from typing import NamedTuple

_TOKEN = re.compile(
    r"(?P<partial>∂[A-Za-z]+(?:\[\d+\])?/∂[A-Za-z]\[\d+\])"  # ∂J/∂W[2], ∂penalty/∂W[1]
    r"|(?P<symbol>[A-Za-z]\[\d+\]|\b[XYWJjmeα]\b(?!\^))"
    r"|(?P<number>\d+(?:\.\d+)?(?:e[+-]?\d+)?|½)"
    r"|(?P<power>e\^)"
    r"|(?P<index>_i)"
    r"|(?P<word>[A-Za-z]{2,}(?:[ ,]+(?:at|as|and|the|new|their|W|b|rows)\b)*)"
    r"|(?P<sign>\S)"
)
# Suffixes and what they raise or lower.
_RAISED = {"²": "<mn>2</mn>", "ᵀ": "<mi>T</mi>"}
_LOWERED = {"ᵢ": "<mi>i</mi>", "ⱼ": "<mi>j</mi>", "_i": "<mi>i</mi>"}
_FUNCTIONS = ("log", "tanh", "max", "clip", "sign")


class _Item(NamedTuple):
    """A piece of markup and, if it stands in brackets, what is in them."""

    markup: str
    inside: str = ""

    @property
    def bare(self) -> str:
        """Without the brackets, which the line of a fraction replaces."""
        return self.inside or self.markup


def mathml(formula: str) -> str:
    """A formula such as "A[2](1 − A[2])" as a `<math>` element; whatever it holds is escaped."""
    return f"<math>{_row(_Parser(formula.replace('(1/m)', '1/m')).sequence())}</math>"


class _Parser:
    """Reads a formula from left to right."""

    def __init__(self, formula: str) -> None:
        self.tokens = [(found.lastgroup, found[0]) for found in _TOKEN.finditer(formula)]
        self.place = 0

    def sequence(self, end: str = "") -> str:
        """All items up to `end`, or to the end."""
        items: list[_Item] = []
        while self.place < len(self.tokens):
            if self._peek() == end:
                self.place += 1
                break
            if self._peek() == "/" and items and self.place + 1 < len(self.tokens):
                self.place += 1
                over = _fraction(items[-1].bare, self._item().bare)
                items[-1] = _Item(f'{over}<mspace width="0.25em"></mspace>')
            else:
                items.append(self._item())
        return "".join(item.markup for item in items)

    def _peek(self) -> str:
        return self.tokens[self.place][1] if self.place < len(self.tokens) else ""

    def _item(self) -> _Item:
        if self.place == len(self.tokens):
            return _Item("")
        kind, text = self.tokens[self.place]
        self.place += 1
        if text == "(":
            inside = self.sequence(")")
            return self._raised(_Item(f"<mo>(</mo>{inside}<mo>)</mo>", inside))
        if text == "Σ":
            total = "<mo>∑</mo>"
            if self._peek() in _LOWERED:
                total = f"<munder>{total}{self._next(_LOWERED)}</munder>"
            return _Item(_row(total + self._item().markup))
        if kind == "power":
            return _Item(f"<msup><mi>e</mi>{self._item().markup}</msup>")
        if kind == "partial":
            above, below = text.split("/")
            return self._raised(_Item(_of(text, _fraction(_partial(above), _partial(below)))))
        if kind == "symbol":
            return self._symbol(text)
        return self._raised(_Item(_leaf(kind or "", text)))

    def _symbol(self, text: str) -> _Item:
        letter, _, index = text.partition("[")
        if not index:
            return self._raised(_Item(_of(text, f"<mi>{escape(letter)}</mi>")))
        above = _level(index[:-1])
        if self._peek() == "ᵀ":
            above = _row(above + self._next(_RAISED))
        if self._peek() in _LOWERED:
            below = ""
            while self._peek() in _LOWERED:
                below += self._next(_LOWERED)
            return _Item(_of(text, f"<msubsup><mi>{letter}</mi>{_row(below)}{above}</msubsup>"))
        item = _Item(_of(text, f"<msup><mi>{letter}</mi>{above}</msup>"))
        if self._peek() in _RAISED:
            return self._raised(_Item(f"<mo>(</mo>{item.markup}<mo>)</mo>"))
        return item

    def _raised(self, item: _Item) -> _Item:
        """The item with the exponent or index that follows it, if one does."""
        below = ""
        while self._peek() in _LOWERED:
            below += self._next(_LOWERED)
        if below:
            item = _Item(f"<msub>{_row(item.markup)}{_row(below)}</msub>")
        if self._peek() in _RAISED:
            return _Item(f"<msup>{_row(item.markup)}{self._next(_RAISED)}</msup>")
        return item

    def _next(self, suffixes: dict[str, str]) -> str:
        self.place += 1
        return suffixes[self.tokens[self.place - 1][1]]


def _partial(text: str) -> str:
    """∂J or ∂W[2]."""
    letter, _, index = text[1:].partition("[")
    name = f"<mi>{letter}</mi>"
    base = f"<msup>{name}{_level(index[:-1])}</msup>" if index else name
    return _row(f"<mo>∂</mo>{base}")


def _level(l: str) -> str:
    """[l], as the article writes it above a symbol."""
    return f"<mtext>[{l}]</mtext>"


def _leaf(kind: str, text: str) -> str:
    if kind == "number":
        return f"<mn>{text}</mn>"
    if kind == "word":
        tag = "mi" if text in _FUNCTIONS else "mtext"
        space = "\u00a0" if text not in _FUNCTIONS else ""
        return f"<{tag}>{space}{escape(text)}{space}</{tag}>"
    tag = "mi" if text.isalpha() else "mo"
    return f'<mo stretchy="false">{text}</mo>' if text == "|" else f"<{tag}>{escape(text)}</{tag}>"


def _of(symbol: str, markup: str) -> str:
    return f'<mrow data-of="{escape(symbol)}">{markup}</mrow>'


def _fraction(above: str, below: str) -> str:
    return f"<mfrac>{_row(above)}{_row(below)}</mfrac>"


def _row(markup: str) -> str:
    return f"<mrow>{markup}</mrow>"
