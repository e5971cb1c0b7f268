"""Counts, times and columns of numbers."""

from __future__ import annotations

import math

import pytest

from backprop_xp.wording import duration, in_one_format, plural


def test_plural():
    assert [plural(n, "row") for n in (0, 1, 2, 2000)] == [
        "0 rows",
        "1 row",
        "2 rows",
        "2,000 rows",
    ]
    assert plural(2, "entry", "entries") == "2 entries"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 s"),
        (0.00034, "0.00034 s"),
        (0.0341, "0.034 s"),
        (0.5, "0.5 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (119.4, "119 s"),
        (200.0, "3 min 20 s"),
        (3599.6, "1 h 0 min"),
        (7500.0, "2 h 5 min"),
    ],
)
def test_duration(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([31780.0, -123000.4, -8123.0], ["31,780", "-123,000", "-8,123"]),
        ([-118.23, 1.954, 34.4, -0.001], ["-118.2", "2.0", "34.4", "0.0"]),
        ([0.5, 0.25], ["0.50", "0.25"]),
        ([0.0001234, 0.00001], ["0.0001234", "0.0000100"]),
        ([1e-7, 3.14159e-6], ["1.000e-07", "3.142e-06"]),
        ([1e12, 1.0], ["1.000e+12", "1.000e+00"]),
        ([math.nan, 2.0, math.inf], ["nan", "2", "inf"]),
        ([0.0, 0.0], ["0", "0"]),
        ([], []),
    ],
)
def test_a_column_has_one_format(values, texts):
    assert in_one_format(values) == texts
