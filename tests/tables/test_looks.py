"""Names that look the same are one name."""

from __future__ import annotations

import pytest

from backprop_xp.tables.looks import Lookup, look, merged, same_value, shown, trimmed


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("yes", " yes "),
        ("café", "cafe\u0301"),
        ("New York", "New\u00a0York"),
        ("New York", "New  York"),
        ("blue", "bl\u200bue"),
        ("blue", "\ufeffblue"),
        ("blue", "bl\u00adue"),
    ],
)
def test_what_looks_the_same(one, other):
    assert look(one) == look(other)
    names, (notice,) = merged([other, one], [1, 2], "column 'c'")
    assert names == [trimmed(one)] * 2
    assert notice.endswith("look the same and are read as one")
    assert shown(one) != shown(other)
    assert shown(one) in notice
    assert shown(other) in notice
    assert Lookup(["x", one]).find(other) == 1


@pytest.mark.parametrize(("one", "other"), [("a", "A"), ("a", "á"), ("01", "1"), ("", "x")])
def test_what_looks_different(one, other):
    assert merged([one, other], [1, 1], "c")[0] == [one, other]
    assert Lookup([one]).find(other) == -1


@pytest.mark.parametrize(
    ("one", "other", "named"),
    [
        ("no", "No", "'No' and 'no'"),
        ("A", "\u0410", "'A' and '\\u0410'"),
        ("ab", "\uff41b", "'ab' and '\\uff41b'"),
    ],
)
def test_names_that_hardly_differ_are_kept_apart_and_named(one, other, named):
    names, (notice,) = merged([one, other, "x"], [1, 1, 1], "c")
    assert names == [one, other, "x"]
    assert named in notice
    assert notice.endswith("are kept apart")


@pytest.mark.parametrize("hidden", ["\ufeffab", "a\u200bb", "ab\u00ad"])
def test_a_name_without_hidden_characters_is_taken(hidden):
    names, (notice,) = merged([hidden, "ab"], [5, 1], "c")
    assert names == ["ab", "ab"]
    assert "look the same and are read as one" in notice
    assert hidden not in notice


@pytest.mark.parametrize(("one", "other"), [("a", "á"), ("01", "1"), ("", "x")])
def test_names_that_differ_are_not_named(one, other):
    assert merged([one, other], [1, 1], "c")[1] == []


def test_the_most_frequent_of_names_that_look_the_same():
    assert merged(["a  b", "a b"], [3, 2], "c")[0] == ["a  b", "a  b"]


def test_blanks_around_a_name_are_cut_off_with_a_notice():
    names, notices = merged(["yes ", "no"], [1, 1], "target 'y'")
    assert names == ["yes", "no"]
    assert notices[0].startswith("target 'y': 'yes ' is read as 'yes', without blanks")


def test_many_merged_names_are_counted():
    texts = [name for i in range(5) for name in (f"n{i}", f"n{i} ")]
    assert " and 2 more look the same" in merged(texts, [1] * 10, "c")[1][0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("1.0", "1"), ("1.50", "1.5"), ("-0.0", "0"), ("1e3", "1000"), ("TRUE", "True")),
        *(("00501", "00501"), ("1e99999", "1e99999"), ("x", "x"), ("1.1.0", "1.1.0")),
    ],
)
def test_other_files_spell_a_value_otherwise(name, value):
    assert same_value(name) == value


def test_lookup_by_look_first_and_then_by_value():
    labels = Lookup([1099511627776000001, 1099511627776000002, 1.5, "x", None])
    assert labels.find("1099511627776000002") == 1
    assert labels.find("1.50") == 2
    assert labels.find(None) == 4
    assert labels.find("None") == -1
    versions = Lookup(["1.1", "1.10"])
    assert [versions.find(v) for v in ("1.1", "1.10", "1.100")] == [0, 1, -1]
    assert Lookup(["x"]).find(None) == -1
