"""Dates: how texts spell them, and the numbers that people expect of them."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import numpy as np

from backprop_xp.errors import DataError
from backprop_xp.tables.columns import Series, is_text, row_number
from backprop_xp.wording import quoted

ISO = "ISO8601"
"""The spelling 2024-01-31, also with a time behind it; the name is pandas'."""

PARTS = ("year", "month", "day of week", "days since 1970", "hour")
"""What a date becomes; the hour, where there are times of the day."""

COMPACT = "%Y%m%d"
"""The spelling 20240131, which looks like a whole number."""

_ISO = re.compile(r"\d{4}-\d\d(-\d\d([T ]\d\d.*)?)?|\d{8}T\d{4,6}.*")
# What ISO 8601 writes as Z, and a decimal comma: other software has them as well.
_UTC, _COMMA = re.compile(r" ?(UTC|GMT)$"), re.compile(r"(:\d\d),(\d+)")
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_LIKE = re.compile(rf"(?=.*(\d\D+\d|({_MONTHS})[a-z]*[ -]\d)).{{6,40}}", re.IGNORECASE)
# Of numbers this large one in thirty is a day of the calendar; five different ones hardly ever.
_FEWEST_COMPACT = 5
_FIRST_COMPACT, _LAST_COMPACT = 1800_01_01, 2199_12_31
_DAYS = (
    *("%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%d.%m.%y", "%m/%d/%y", "%d/%m/%y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y"),
    *("%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%d. %B %Y", "%a, %d %b %Y", "%A, %B %d, %Y"),
    *("%Y年%m月%d日", "%Y. %m. %d.", "%d/%b/%Y", "%Y-%m-%d"),
)
_TIMES = (
    *("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", " %H:%M:%S.%f", "T%H:%M:%S"),
    *(", %H:%M", ", %H:%M:%S", ", %I:%M %p", ", %I:%M:%S %p", " %H:%M:%S %z", ":%H:%M:%S %z"),
    " %I:%M%p",
)
_MONTHS_ALONE = ("%m/%Y", "%Y/%m", "%b %Y", "%B %Y", "%b-%Y", "%b-%y")
_SPELLINGS = (
    *(day + time for day, time in product(_DAYS, _TIMES)),
    *("%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S %Z %Y", *_MONTHS_ALONE),
)


def spelling_of(column: Series) -> str | None:
    """How all texts of a column spell a date: `ISO`, a format of strptime, or None.

    Of 01/02/2024 the first is the month, unless a number above 12 says otherwise.
    """
    if not is_text(column):
        return COMPACT if _is_compact(column) else None
    texts = column.dropna().drop_duplicates().str.strip()
    if not len(texts) or not _LIKE.fullmatch(texts.iloc[0]):
        return None
    if all(map(_ISO.fullmatch, texts)) and _parsed(texts, ISO).notna().all():
        return ISO
    first = texts.iloc[:1]
    for spelling in _SPELLINGS:
        if _parsed(first, spelling).notna().all() and _parsed(texts, spelling).notna().all():
            return spelling
    return None


def not_a_date(column: Series) -> tuple[int, str] | None:
    """The row and value of the first text that is no date, if most of a column are dates."""
    texts = column.dropna() if is_text(column) else column.iloc[:0]
    for text in texts.iloc[:2]:  # one of the first two, unless more than one text is amiss
        spelling = spelling_of(texts[texts == text])
        if spelling is not None:
            wrong = np.flatnonzero(_parsed(texts.str.strip(), spelling).isna().to_numpy())
            if 0 < len(wrong) < len(texts) / 2:
                return row_number(texts, wrong[0]), texts.iloc[wrong[0]]
    return None


def as_dates(column: Series, spelling: str, what: str) -> Series:
    """Return a column as datetime64, of UTC where time zones are said; NaT where it is missing.

    Raises
    ------
    DataError
        A value is no such date; the message names it and its row.
    """
    if spelling == COMPACT and not is_text(column):
        column = _digits(column)
    if is_text(column):
        texts = column.str.strip()
        dates = _parsed(texts, spelling)
        if spelling != ISO and dates.isna().sum() > column.isna().sum():
            dates = dates.fillna(_parsed(texts, ISO))
    else:
        dates = _parsed(column, None)
    wrong = np.flatnonzero((dates.isna() & column.notna()).to_numpy())
    if wrong.size:
        raise DataError(
            f"{what} must hold dates such as {example(spelling)}, but row "
            f"{row_number(column, wrong[0])} has {quoted(column.iloc[wrong[0]])}"
        )
    return dates


def parts_of(dates: Series) -> dict[str, Series]:
    """The numbers of `PARTS`, float64, NaN where a date is missing."""
    import pandas as pd

    seconds = dates.to_numpy().astype("datetime64[s]")
    days = np.where(np.isnat(seconds), np.nan, seconds.astype(np.int64) / 86400.0)
    calendar = dates.dt
    numbers = (calendar.year, calendar.month, calendar.day_of_week, days, calendar.hour)
    return {
        part: pd.Series(number, index=dates.index, dtype=np.float64)
        for part, number in zip(PARTS, numbers, strict=True)
    }


def example(spelling: str) -> str:
    """The last day of January 2024 in this spelling."""
    import pandas as pd

    return repr(pd.Timestamp("2024-01-31").strftime("%Y-%m-%d" if spelling == ISO else spelling))


def _is_compact(column: Series) -> bool:
    """Whether all numbers of a column are days of the calendar such as 20240131."""
    if column.dtype.kind not in "iuf":
        return False
    values = column.dropna().astype(np.float64)  # which holds all such days; half precision none
    if not values.between(_FIRST_COMPACT, _LAST_COMPACT).all() or (values % 1).any():
        return False
    days = _digits(values.drop_duplicates())
    return len(days) >= _FEWEST_COMPACT and bool(_parsed(days, COMPACT).notna().all())


def _digits(column: Series) -> Series:
    """Whole numbers as text."""
    return column.map(lambda value: str(int(value)), na_action="ignore").astype(object)


def _parsed(column: Series, spelling: str | None) -> Any:
    import pandas as pd

    if spelling == ISO:
        column = column.str.replace(_UTC, "Z", regex=True)
        column = column.str.replace(_COMMA, r"\1.\2", regex=True)
    dates = pd.to_datetime(column, format=spelling, utc=True, errors="coerce")
    return dates.dt.tz_localize(None)
