"""Numbers in other spellings: decimal commas, thousands marks, units, the sign for minus."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

MARKS = (".", ",")
"""What stands before the decimals."""

# Currency symbols of Unicode, with the letters of US$ and R$ before them, and the usual names.
_SYMBOLS = "$¢£¤¥֏؋৲৳৻૱௹฿៛₠-⃀﷼﹩＄￠￡￥￦"
_NAMES = (
    *("AED", "ARS", "AUD", "BRL", "CAD", "CHF", "CLP", "CNY", "COP", "CZK", "DKK", "EGP", "EUR"),
    *("GBP", "HKD", "HUF", "IDR", "ILS", "INR", "JPY", "KRW", "MXN", "MYR", "NGN", "NOK", "NZD"),
    *("PEN", "PHP", "PKR", "PLN", "RON", "RUB", "SAR", "SEK", "SGD", "THB", "TRY", "TWD", "UAH"),
    *("USD", "VND", "ZAR", r"Kč", "kr", "zł", "Ft", "Fr", "Rs", "lei"),
)
_UNIT = rf"[A-Z]{{0,2}}[{_SYMBOLS}]|[%‰％]|(?:{'|'.join(_NAMES)})\.?"
# What else stands behind numbers.
_MEASURES = (
    *("mg", "g", "kg", "t", "lbs?", "oz", "mm", "cm", "m", "km", "in", "ft", "mi", "ml", "l"),
    *("ms", "s", "min", "h", "Hz", "V", "A", "W", "kW", "kWh", "km/h", "mph", "°C", "°F"),
)
# A minus is often typed as a dash, a space as one that does not break the line.
_PLAIN = str.maketrans(
    dict.fromkeys("\u2212\u2012\u2013\u2014\uff0d\ufe63\u2010\u2011", "-")
    | dict.fromkeys("\u00a0\u202f\u2009\u2007\u3000", " ")
    | {"’": "'", "＋": "+", "٫": ".", "٬": ",", "٪": "%", "．": ".", "，": ","}
)
_PARTS = re.compile(
    rf"(?P<sign>[-+]?) ?(?P<before>{_UNIT})? ?(?P<inner>[-+]?) ?"
    rf"(?P<digits>[\d.,' ]*\d(?:[.,]-?)?(?:[eE][-+]?\d+)?) ?"
    rf"(?P<after>{_UNIT}|{'|'.join(_MEASURES)})? ?(?P<behind>-?)"
)
_EXPONENT = r"(?:[eE][-+]?\d+)?"


def _number(decimal: str, thousands: str) -> re.Pattern[str]:
    """Digits by one of the marks for thousands, in threes (or as in India, 12,34,567)."""
    point, mark = re.escape(decimal), rf"[{thousands}' ]"
    whole = rf"[1-9]\d{{0,2}}(?P<mark>{mark})\d{{3}}(?:(?P=mark)\d{{3}})*"
    indian = rf"[1-9]\d?(?:{thousands}\d\d)+{thousands}\d{{3}}"
    return re.compile(rf"(?:{whole}|{indian}|\d+)(?:{point}\d*)?{_EXPONENT}|{point}\d+{_EXPONENT}")


_NUMBER = {".": _number(".", ","), ",": _number(",", r"\.")}


class Spelled(NamedTuple):
    """A text that is a number.

    Attributes
    ----------
    digits : str
        What is left without sign and unit.
    negative : bool
    unit : str
        A currency, a percent sign or a measure such as kg; "" if there is none.
    plain : bool
        Whether it is digits and nothing else, but perhaps a minus: it may be a code.
    marks : str
        The marks that may stand before its decimals: 1,234 reads both ways, 1,5 by the comma.
    """

    digits: str
    negative: bool
    unit: str
    plain: bool
    marks: str

    def value(self, decimal: str) -> float:
        """The number."""
        digits = self.digits.replace("," if decimal == "." else ".", "").replace(decimal, ".")
        number = float(digits.replace("'", "").replace(" ", ""))
        return -number if self.negative else number


def spelled(text: str) -> Spelled | None:
    """Take a text apart; None if it is no number in any spelling."""
    as_given = text.strip()
    text = _in_ascii(as_given)
    in_brackets = text.startswith("(") and text.endswith(")")  # as accountants write a minus
    parts = _PARTS.fullmatch(text[1:-1].strip() if in_brackets else text)
    if parts is None:
        return None
    sign, before, inner, digits, after, behind = parts.groups()
    signs, digits = f"{sign}{inner}{behind}", digits.strip()
    digits = digits.removesuffix("-")  # of 5,- which shops write for a price without cents
    if (before and after) or len(signs) + in_brackets > 1:
        return None
    marks = "".join(mark for mark in MARKS if _NUMBER[mark].fullmatch(digits))
    if not marks:
        return None
    plain = digits.isdigit() and signs in ("", "-") and f"{signs}{digits}" == as_given
    return Spelled(digits, in_brackets or signs == "-", before or after or "", plain, marks)


def _in_ascii(text: str) -> str:
    """The signs of numbers as ASCII has them, and the digits of all scripts."""
    if text.isascii():
        return text
    text = text.translate(_PLAIN)
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)


@dataclass(frozen=True)
class Numbers:
    """Texts that are all numbers, of one unit.

    Attributes
    ----------
    parts : list of Spelled
    marks : set of str
        The marks by which all of them are numbers.
    """

    parts: list[Spelled]
    marks: set[str]

    @property
    def digits_alone(self) -> bool:
        """Whether none is more than digits: they may be codes."""
        return all(part.plain for part in self.parts)

    def values(self, decimal: str) -> list[float]:
        """The numbers by this mark, or by the other if this one makes none of them."""
        (mark, *_) = self.marks & {decimal} or self.marks
        return [part.value(mark) for part in self.parts]


def numbers_in(texts: Iterable[str]) -> Numbers | None:
    """Read texts as numbers; None unless all of them are, and of the same unit."""
    parts: list[Spelled] = []
    marks = set(MARKS)
    for text in texts:
        part = spelled(text)
        if part is None or (parts and part.unit != parts[0].unit):
            return None
        parts.append(part)
        marks &= set(part.marks)
        if not marks:
            return None
    return Numbers(parts, marks) if parts else None


def decimal_mark(columns: Sequence[set[str]], before: str = ".") -> str:
    """What most columns have before their decimals; `before` if they do not say.

    Parameters
    ----------
    columns : sequence of set of str
        The marks by which each is numbers.
    before : str
        "." or ",".
    """
    votes = {mark: sum(marks == {mark} for marks in columns) for mark in MARKS}
    return before if len(set(votes.values())) == 1 else max(MARKS, key=votes.__getitem__)
