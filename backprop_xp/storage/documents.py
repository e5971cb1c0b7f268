"""Strict JSON documents: what goes in comes out, and nothing else is let in."""

from __future__ import annotations

import json
import math
import reprlib
from typing import Any

from backprop_xp.errors import CheckpointError

# JSON has no such numbers: they travel as {"$float": "nan"}. Keys with a $ are therefore ours.
_FLOAT = "$float"
_NOT_FINITE = ("nan", "inf", "-inf")

_DEEPEST = 100
# An empty list in a text takes three bytes there and sixty in memory: without a bound, a hostile
# file could take twenty times its size.
_MOST_PARTS = 500_000


def encode(document: dict[str, Any]) -> str:
    """Return `document` as ASCII text, the same for the same document.

    Parameters
    ----------
    document : dict
        Of dicts with text as keys, lists, tuples (which come back as lists), text, bools, None,
        ints of any size and floats, NumPy's scalars among them. Floats come back to the last bit;
        so do the infinities and NaN (but for its payload).

    Raises
    ------
    CheckpointError
        Anything else is in it; the message says where.
    """
    text = json.dumps(_plain(document, ()), allow_nan=False, separators=(",", ":"))
    _require_few_parts(text)
    return text


def decode(text: str) -> dict[str, Any]:
    """Return the document that `text` holds.

    Parameters
    ----------
    text : str
        What `encode` returned, or anything.

    Raises
    ------
    CheckpointError
        It is not strict JSON, repeats a key, is nested too deeply, or is no mapping.
    """
    _require_few_parts(text)
    try:
        document = json.loads(text, object_pairs_hook=_mapping, parse_constant=_refuse)
    except RecursionError:
        raise CheckpointError("its JSON is nested too deeply") from None
    except ValueError as problem:  # of json's, of int's for thousands of digits, and of this file
        raise CheckpointError(f"its JSON is damaged ({problem})") from None
    if not isinstance(document, dict):
        raise CheckpointError(f"its JSON is no mapping but a {type(document).__name__}")
    return document


def _plain(value: Any, where: tuple[str, ...]) -> Any:
    """Return `value` in Python's types, numbers that JSON lacks as mappings."""
    if len(where) > _DEEPEST:
        raise CheckpointError(f"what is to be saved is nested more than {_DEEPEST} deep")
    if isinstance(value, dict):
        return {_key(key, where): _plain(item, (*where, key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, (*where, str(i))) for i, item in enumerate(value)]
    if type(value).__module__ == "numpy" and hasattr(value, "item") and not value.ndim:
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {_FLOAT: str(float(value))}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise CheckpointError(
        f"{'.'.join(where) or 'the metadata'}: {reprlib.repr(value)} cannot be saved: expected "
        "text, numbers, None, and lists and dicts of them"
    )


def _require_few_parts(text: str) -> None:
    if text.count("[") + text.count("{") > _MOST_PARTS:
        raise CheckpointError(f"a document may have {_MOST_PARTS:,} lists and dicts at most")


def _key(key: Any, where: tuple[str, ...]) -> str:
    if isinstance(key, str) and not key.startswith("$"):
        return key
    raise CheckpointError(
        f"{'.'.join((*where, reprlib.repr(key)))} cannot be saved: expected text as keys, which "
        "must not begin with $"
    )


def _mapping(pairs: list[tuple[str, Any]]) -> Any:
    """Make a dict of the pairs of a JSON object, or the number that stands for."""
    document = dict(pairs)
    if len(document) != len(pairs):
        raise CheckpointError("a key is there twice")
    if not any(key.startswith("$") for key in document):
        return document
    name = document.get(_FLOAT)
    if len(document) == 1 and name in _NOT_FINITE:
        return float(name)
    raise CheckpointError(f"{reprlib.repr(document)} stands for nothing")


def _refuse(constant: str) -> None:
    raise CheckpointError(f"{constant} is not JSON")
