"""Names that look the same: labels and categories are compared by what a reader sees of them."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

# Characters without width that tell nothing apart; joiners do, in some scripts, and stay.
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff\u200e\u200f"))
# Cyrillic and Greek letters that look like Latin ones.
_LIKE_LATIN = str.maketrans(
    "АВЕКМНОРСТУХІЅЈаеорсухіѕјΑΒΕΖΗΙΚΜΝΟΡΤΥΧο",
    "ABEKMHOPCTYXISJaeopcyxisjABEZHIKMNOPTYXo",
)
_BOOLEANS = {"true": "True", "false": "False"}
_DECIMAL = re.compile(r"[-+]?(?:0|[1-9]\d*)(?:\.\d*)?(?:[eE][-+]?\d{1,3})?")


def trimmed(text: str) -> str:
    """A text without blanks around it, its accents composed (NFC)."""
    return unicodedata.normalize("NFC", text.strip())


def look(text: str) -> str:
    """What a reader sees of a text: no invisible characters, one blank for several."""
    return " ".join(unicodedata.normalize("NFC", text.translate(_INVISIBLE)).split())


def same_value(name: str) -> str:
    """A name as other files may spell it: 1.0 is 1, TRUE is True; other names are themselves.

    Whole numbers with leading zeros are codes, and stay.
    """
    if _DECIMAL.fullmatch(name):
        number = Decimal(name)
        return format(number.normalize(), "f") if number else "0"
    return _BOOLEANS.get(name.lower(), name)


class Lookup:
    """Finds texts among names that are known.

    Parameters
    ----------
    names : sequence
        Labels or categories: text, numbers, or None for a missing value.
    """

    def __init__(self, names: Sequence[Any]) -> None:
        self._numbers = {
            None if name is None else look(str(name)): i for i, name in enumerate(names)
        }
        values = {name: same_value(name) for name in self._numbers if name is not None}
        count = Counter(values.values())
        self._by_value = {
            value: self._numbers[name] for name, value in values.items() if count[value] == 1
        }

    def find(self, text: str | None) -> int:
        """The number of the name that looks like this text, or has its value; −1 for none."""
        if text is None:
            return self._numbers.get(None, -1)
        seen = look(text)
        return self._numbers.get(seen, self._by_value.get(same_value(seen), -1))


def merged(
    texts: Any,
    counts: Any,
    column: str,
    key: Callable[[str], str] = look,
    alike: str = "look the same",
) -> tuple[list[str], list[str]]:
    """Name texts so that those which look the same have one name, the most frequent of them.

    One without characters that cannot be seen comes before one with them.

    Parameters
    ----------
    texts : array of str
    counts : array of int
        How often each stands in the column.
    column : str
        What notices call it: "column 'colour'".
    key : callable
        What texts are compared by.
    alike : str
        What those of one key have in common.

    Returns
    -------
    names : list of str
        Of each text.
    notices : list of str
        What was merged, or cut off, if anything was.
    """
    groups: dict[str, list[int]] = {}
    for i, text in enumerate(texts):
        groups.setdefault(key(text), []).append(i)
    names = [""] * len(texts)
    for members in groups.values():
        first = max(members, key=lambda i: (_is_seen(texts[i]), counts[i]))
        name = trimmed(texts[first])
        for i in members:
            names[i] = name
    notices: list[str] = []
    together = [[texts[i] for i in members] for members in groups.values() if len(members) > 1]
    cut = [text for text, name in zip(texts, names, strict=True) if text != name]
    if together:
        same = "; ".join(" and ".join(map(shown, group)) for group in together[:3])
        more = f" and {len(together) - 3:,} more" if len(together) > 3 else ""
        notices.append(f"{column}: {same}{more} {alike} and are read as one")
    elif cut:
        notices.append(
            f"{column}: {shown(cut[0])} is read as {trimmed(cut[0])!r}, without blanks "
            "around it and with composed accents"
        )
    if key is look:
        notices += _nearly_alike(names, column)
    return names, notices


def _nearly_alike(names: Sequence[str], column: str) -> list[str]:
    """A line for names that only a careful reader tells apart, if there are any."""
    groups: dict[str, set[str]] = {}
    for name in names:
        groups.setdefault(_in_plain_letters(name).casefold(), set()).add(name)
    several = [sorted(group) for group in groups.values() if len(group) > 1]
    if not several:
        return []
    some = "; ".join(" and ".join(map(_letter_by_letter, group)) for group in several[:3])
    more = f" and {len(several) - 3:,} more" if len(several) > 3 else ""
    return [f"{column}: {some}{more} differ in capitals or the kind of letters, and are kept apart"]


def _in_plain_letters(text: str) -> str:
    return unicodedata.normalize("NFKC", text).translate(_LIKE_LATIN)


def _letter_by_letter(text: str) -> str:
    """A text in quotes, with the codes of letters that look like others."""
    return repr(text) if text == _in_plain_letters(text) else ascii(text)


def shown(text: str) -> str:
    """A text in quotes, with the codes of characters in it that cannot be seen."""
    if text == look(text):
        return repr(text)
    return "'" + "".join(_code(c) if _hides(c) else c for c in text) + "'"


def _is_seen(text: str) -> bool:
    return not any(ord(character) in _INVISIBLE for character in text)


def _hides(character: str) -> bool:
    unseen = ord(character) in _INVISIBLE or unicodedata.combining(character) > 0
    return unseen or (character.isspace() and character != " ")


def _code(character: str) -> str:
    return character.encode("unicode_escape").decode()
