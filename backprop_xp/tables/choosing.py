"""Which columns of a table are used, as what, and why the others are not."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from backprop_xp.errors import ConfigurationError, DataError
from backprop_xp.tables.columns import (
    Frame,
    Series,
    as_numbers,
    holds,
    kind,
    not_a_number,
    not_alike,
)
from backprop_xp.tables.dates import ISO, not_a_date, spelling_of
from backprop_xp.wording import quoted

# A text column is an identifier or free text if more than half of so many values are different.
_IDENTIFIER_ROWS = 20
# Fewer rows have numbers without gaps by chance.
_FEWEST_COUNTED = 5
# Columns with such names that are whole numbers, all different, count rows even with gaps.
_COUNTER = re.compile(
    r"|unnamed: \d+(\.\d+)?|__index_level_\d+__|level_0|index|row|rownames|row[_ ]?(id|no|number)"
    r"|(.*[_ ])?id|(?-i:.*[a-z]I[dD])",
    re.IGNORECASE,
)


@dataclass
class Choice:
    """What is done with the columns of a table.

    Attributes
    ----------
    kinds : dict of str to str
        The columns that are used, and as what: "number", "category" or "date".
    spellings : dict of str to str
        How the dates are spelled.
    left_out : dict of str to str
        The columns that are not used, and why not; without those that were dropped by name.
    """

    kinds: dict[str, str] = field(default_factory=dict)
    spellings: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def notices(self) -> list[str]:
        """A line for each column that is left out."""
        return [f"column {name!r} is left out: {why}" for name, why in self.left_out.items()]


def choose_columns(
    frame: Frame,
    target: str,
    drop: Collection[str] = (),
    keep: Collection[str] = (),
    categorical: Collection[str] = (),
) -> Choice:
    """Look at all rows of a table, and say what each of its columns can be used as.

    Parameters
    ----------
    frame : pandas.DataFrame
    target : str
    drop : collection of str
        Columns that are not to be used.
    keep : collection of str
        Columns that are, even if they look like row numbers or identifiers.
    categorical : collection of str
        Columns that are categories, even if they are numbers.

    Raises
    ------
    DataError
        A column of numbers is spoilt by a few texts.
    ConfigurationError
        A column that is to be kept cannot be.
    """
    choice = Choice()
    for name in frame.columns:
        if name == target or name in drop:
            continue
        column = frame[name]
        use, spelling = _use(column, name in categorical)
        why = _unusable(column, use)
        if why and name in keep:
            raise ConfigurationError(f"--keep {name!r}: the column cannot be used, {why}")
        if not why and name not in keep and name not in categorical:
            why = _useless(column, name, use)
        if why:
            choice.left_out[name] = why
            continue
        choice.kinds[name] = use
        if spelling:
            choice.spellings[name] = spelling
    return choice


def _use(column: Series, categorical: bool) -> tuple[str, str | None]:
    """What a column holds, and how it spells dates if it does."""
    use = kind(column)
    if categorical:
        return ("category" if use in ("number", "date") else use), None
    if use == "date":
        return use, ISO
    spelling = spelling_of(column) if use in ("category", "number") else None
    return ("date" if spelling else use), spelling


def _unusable(column: Series, use: str) -> str:
    if use == "empty":
        return f"it has no value in any of the {len(column):,} rows"
    if use in ("nested", "other"):
        return f"it holds {holds(column)}, which are neither numbers, categories nor dates"
    return ""


def _useless(column: Series, name: str, use: str) -> str:
    """Why a column that could be used should not be."""
    keep = f"(--keep {name!r} uses it all the same)"
    if use == "number" and _counts(column, name):
        return f"whole numbers, no two alike{_how(column, name)}, look like row numbers {keep}"
    if use != "category":
        return ""
    different, present = column.nunique(), int(column.notna().sum())
    if different <= max(_IDENTIFIER_ROWS, present // 2):
        return ""
    row, value, numbers = not_a_number(column)
    if present // 2 < numbers < present:
        raise DataError(_spoilt(name, f"{numbers:,} numbers", row, value))
    if spoilt := not_a_date(column):
        raise DataError(_spoilt(name, "dates", *spoilt))
    unlike = not_alike(column)
    return (
        f"{different:,} different values in {present:,} rows look like an identifier"
        f"{f' ({unlike})' if unlike else ''} {keep}"
    )


def _spoilt(name: str, what: str, row: int, value: str) -> str:
    return (
        f"column {name!r} holds {what}, but row {row} has {quoted(value)}: correct or empty such "
        f"fields, say --missing {quoted(value)} if it stands for nothing, or leave the column out "
        f"with --drop {name!r}"
    )


def _counts(column: Series, name: str) -> bool:
    """Whether numbers count rows, in whatever order: all different, whole, and without gaps."""
    values = _exact(column, name)
    if len(values) < max(_FEWEST_COUNTED, len(column) / 2) or (values != values // 1).any():
        return False
    if len(np.unique(values)) < len(values):
        return False
    return not _gaps(values, column) or _COUNTER.fullmatch(name) is not None


def _how(column: Series, name: str) -> str:
    return "" if _gaps(_exact(column, name), column) else " and without gaps"


def _gaps(values: np.ndarray, column: Series) -> bool:
    """Whether more numbers are absent than a column has fields without a value."""
    return int(values.max()) - int(values.min()) >= len(column)


def _exact(column: Series, name: str) -> np.ndarray:
    """The numbers that are there, as they are: large ones differ in digits that floats lack."""
    if column.dtype.kind in "iu" and not column.isna().any():
        return np.asarray(column.to_numpy())
    return as_numbers(column.dropna(), f"column {name!r}")
