"""Dates: recognised in whole columns, and turned into numbers."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

import backprop_xp as bp

pd = pytest.importorskip("pandas")

from backprop_xp.tables.dates import ISO, as_dates, parts_of, spelling_of  # noqa: E402

DAYS = pd.date_range("2023-12-25", periods=20)


@pytest.mark.parametrize(
    "spelling",
    [
        *("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%SZ", "%Y/%m/%d"),
        *("%d.%m.%Y", "%d.%m.%y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%d %b %Y", "%d-%b-%y"),
        *("%b %d, %Y", "%B %d, %Y", "%m/%d/%Y %I:%M %p", "%d.%m.%Y %H:%M", "%A, %B %d, %Y"),
        *("%Y-%m-%d %I:%M %p", "%d/%m/%Y %I:%M%p"),
    ],
)
def test_common_spellings(spelling):
    texts = pd.Series([*DAYS.strftime(spelling), None])
    found = spelling_of(texts)
    assert found == (ISO if spelling.startswith("%Y-") and "%p" not in spelling else spelling)
    dates = as_dates(texts, found, "column 'd'")
    assert (dates[:-1] == DAYS).all()
    assert pd.isna(dates.iloc[-1])


@pytest.mark.parametrize(
    "texts",
    [
        *(["2024-01-31", "unknown"], ["2024-13-01"], ["1.2.3"], ["hello"], ["12:30"], [None]),
        *(["2024-W05"], ["1234-56-78"], ["31.01.2024", "2024-01-31"], ["A-1-2"]),
    ],
)
def test_columns_that_are_no_dates(texts):
    assert spelling_of(pd.Series(texts, dtype=object)) is None


def test_the_whole_column_says_which_is_the_month():
    assert spelling_of(pd.Series(["01/02/2024", "13/02/2024"])) == "%d/%m/%Y"
    assert spelling_of(pd.Series(["01/02/2024", "02/13/2024"])) == "%m/%d/%Y"
    assert spelling_of(pd.Series(["01/02/2024"])) == "%m/%d/%Y"


def test_typed_dates_and_time_zones_mean_the_same_as_texts():
    texts = pd.Series(["2024-01-31T10:00:00+01:00"])
    typed = pd.Series(pd.to_datetime(["2024-01-31 10:00"]).tz_localize("Europe/Berlin"))
    expected = [pd.Timestamp("2024-01-31 09:00")]
    assert as_dates(texts, ISO, "d").tolist() == as_dates(typed, ISO, "d").tolist() == expected
    plain = pd.Series([datetime.date(2024, 1, 31), None])
    assert as_dates(plain, "%d.%m.%Y", "d").iloc[0] == pd.Timestamp("2024-01-31")


def test_parts():
    dates = as_dates(pd.Series(["2024-01-31T18:00", None, "2199-12-31"]), ISO, "d")
    parts = parts_of(dates)
    assert {name: values.iloc[0] for name, values in parts.items()} == {
        "year": 2024,
        "month": 1,
        "day of week": 2,
        "days since 1970": 19753.75,
        "hour": 18,
    }
    assert all(np.isnan(values.iloc[1]) for values in parts.values())
    assert parts["year"].iloc[2] == 2199


def test_a_text_that_is_no_date_is_named():
    column = pd.Series(["31.01.2024", "2024-01-31", "soon"])
    with pytest.raises(bp.DataError) as refusal:
        as_dates(column, "%d.%m.%Y", "column 'd'")
    assert str(refusal.value) == (
        "column 'd' must hold dates such as '31.01.2024', but row 3 has 'soon'"
    )


@pytest.mark.parametrize("dtype", ["float16", "float32", "int8", "uint64"])
def test_narrow_numbers_are_no_dates(dtype):
    assert spelling_of(pd.Series(np.arange(60), dtype=dtype)) is None
