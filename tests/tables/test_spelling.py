"""Numbers in other spellings than Python's."""

from __future__ import annotations

import pytest

from backprop_xp.tables.spelling import decimal_mark, numbers_in, spelled


@pytest.mark.parametrize(
    ("text", "by_point", "by_comma"),
    [
        ("12", 12, 12),
        ("1.5", 1.5, None),
        ("1,5", None, 1.5),
        ("0,123", None, 0.123),  # no group of thousands begins with 0
        ("1,234", 1234, 1.234),
        ("1.234", 1.234, 1234),
        ("1,234.50", 1234.5, None),
        ("1.234,50", None, 1234.5),
        ("1.234.567", None, 1234567),
        ("12,34,567.8", 1234567.8, None),  # as in India
        ("1 234,5", None, 1234.5),
        ("1\u00a0234,5", None, 1234.5),
        ("1\u202f234\u202f567", 1234567, 1234567),
        ("1'234.50", 1234.5, None),
        ("1’234.50", 1234.5, None),
        ("\u22125.5", -5.5, None),
        ("\u20135", -5, -5),
        ("+5", 5, 5),
        ("5-", -5, -5),
        ("(1,234.50)", -1234.5, None),
        ("1,5E+03", None, 1500),
        ("12 %", 12, 12),
        ("$1,200.00", 1200, None),
        ("-$5", -5, -5),
        ("$-5", -5, -5),
        ("($5)", -5, -5),
        ("US$ 5", 5, 5),
        ("1.234,50 €", None, 1234.5),
        ("EUR 12", 12, 12),
        ("CHF 1'000", 1000, 1000),
        ("12 kr", 12, 12),
        ("12.5 kg", 12.5, None),
        ("-3,5°C", None, -3.5),
        ("٣٤", 34, 34),
    ],
)
def test_numbers(text, by_point, by_comma):
    found = spelled(text)
    values = [found.value(m) if m in found.marks else None for m in ".,"]
    assert values == [by_point, by_comma]


@pytest.mark.parametrize(
    "text",
    [
        *("", "-", "A1", "12 xy", "kg 12", "1.2.3", "1,23,45", "192.168.1.1", "2024-01-31"),
        *("31.01.2024", "1 2", "--5", "-5-", "(-5)", "$5€", "1_000", "0x1F", "10²", "½", "12:30"),
        *("5%%", "nan"),
    ],
)
def test_texts_that_are_no_numbers(text):
    assert spelled(text) is None


def test_a_column_is_read_by_one_mark_and_has_one_unit():
    assert numbers_in(["1,234", "12,500"]).marks == {".", ","}
    assert numbers_in(["1,234", "12,5"]).marks == {","}
    assert numbers_in(["1,234", "12,5"]).values(".") == [1.234, 12.5]
    assert numbers_in(["1,5", "2.5"]) is None
    assert numbers_in(["$1", "€2"]) is None
    assert numbers_in(["5 %", "0.05"]) is None
    assert numbers_in(["1", "x"]) is None
    assert numbers_in([]) is None


def test_digits_alone_may_be_codes():
    assert numbers_in(["00501", "-3"]).digits_alone
    for other in ("1.0", "+1", "5 %", "1,000"):
        assert not numbers_in([other]).digits_alone


def test_the_mark_that_most_columns_have():
    both, point, comma = {".", ","}, {"."}, {","}
    assert decimal_mark([both, comma]) == ","
    assert decimal_mark([both, point], before=",") == "."
    assert decimal_mark([both], before=",") == ","
    assert decimal_mark([comma, comma, point]) == ","
    assert decimal_mark([]) == "."
