"""The order of named columns: what a network was trained on is what it is given later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backprop_xp.errors import DataError

# So many names are listed in a message.
_LISTED = 8


def in_order(given: Sequence[Any], wanted: Sequence[Any] | None, name: str) -> list[int]:
    """Return where each wanted column is among the given ones.

    The numbers 0, 1 …, which pandas gives to columns without names, match any names by their place.

    Parameters
    ----------
    given : sequence
        Names of the columns of a frame.
    wanted : sequence or None
        Names in the order in which they are needed; None takes the frame's order.
    name : str
        What messages call the frame.

    Raises
    ------
    DataError
        A column is missing, unknown, or there twice.
    """
    as_they_are = list(range(len(given)))
    if wanted is None or list(given) == list(wanted):
        return as_they_are
    places = {label: i for i, label in enumerate(given)}
    if set(places) == set(wanted) and len(places) == len(given) == len(wanted):
        return [places[label] for label in wanted]
    if list(given) == as_they_are or list(wanted) == list(range(len(wanted))):
        return as_they_are
    missing = [label for label in wanted if label not in places]
    unknown = [label for label in given if label not in set(wanted)]
    parts = [
        f"{what} {_listed(labels)}"
        for what, labels in (("lacks", missing), ("also has", unknown))
        if labels
    ]
    told = " and ".join(parts) or "has some of them twice"
    raise DataError(
        f"{name} has other columns than those that were trained on: it {told}. Hand the columns "
        f"{_listed(wanted)}, in any order"
    )


def _listed(names: Sequence[Any]) -> str:
    more = f" … ({len(names)} in all)" if len(names) > _LISTED else ""
    return ", ".join(map(repr, names[:_LISTED])) + more
