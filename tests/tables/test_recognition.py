"""What the texts of a file are: missing, numbers in some spelling, labels as they stand."""

from __future__ import annotations

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.tables.reading import Reading, read_table

pd = pytest.importorskip("pandas")


def test_what_is_taken_for_missing_is_said(write):
    path = write("t.csv", "a,b,y\n1,NA,None\nn/a,x,Mild\n3, ? ,\n")
    table = read_table(path, exact=["y"])
    assert table.frame.isna().to_numpy().tolist() == [[0, 1, 1], [1, 0, 0], [0, 1, 1]]
    target, notice = table.notices
    assert target.startswith("target 'y': rows with 'None' count as rows without a target")
    for part in ("'NA' in b", "'n/a' in a", "'?' in b", "--missing '' only what is"):
        assert part in notice


def test_the_user_says_what_is_missing(write):
    path = write("t.csv", "a,b\n1,NA\n-999,x\n3,\n")
    frame = read_table(path, reading=Reading(missing=("-999",))).frame
    assert frame["a"].isna().tolist() == [False, True, False]
    assert frame["b"].isna().tolist() == [False, False, True]
    frame = read_table(path, reading=Reading(missing=("",))).frame
    assert frame.isna().to_numpy().sum() == 1


def test_the_user_says_what_is_missing_in_files_with_types(tmp_path):
    np.savez(
        tmp_path / "t.npz", a=[1.5, -999], k=[2**60 + 1, -999], s=["x", "None"], b=[True, False]
    )
    frame = read_table(tmp_path / "t.npz").frame
    assert not frame.isna().to_numpy().any()
    frame = read_table(tmp_path / "t.npz", reading=Reading(missing=("-999", "None"))).frame
    assert frame.isna().to_numpy().tolist() == [[0, 0, 0, 0], [1, 1, 1, 0]]
    assert frame["k"][0] == 2**60 + 1  # exact


def test_numbers_in_other_spellings(write):
    path = write("t.csv", "a;b;c;d;e\n1,5;1.234;5 %;($3);x\n-2,5;12.000;;$4;y\n")
    table = read_table(path)
    assert table.reading.likely_decimal == ","
    expected = {"a": [1.5, -2.5], "b": [1234, 12000], "d": [-3, 4], "e": ["x", "y"]}
    assert table.frame.drop(columns="c").to_dict("list") == expected
    assert table.frame["c"].isna().tolist() == [False, True]
    assert table.notices == [
        "read as numbers with a decimal comma: a ('-2,5' is -2.5)",
        "read as numbers with %: c ('5 %' is 5)",
        "read as numbers with $: d ('($3)' is -3)",
        "read as numbers: b ('12.000' is 12000, not 12: --decimal decides)",
    ]


@pytest.mark.parametrize(
    ("content", "reading", "value"),
    [
        ("a;b\n1,234;x\n", Reading(), 1234),
        ("a;b\n1,234;x\n", Reading(decimal=","), 1.234),
        ("a;b\n1,234;x\n", Reading(likely_decimal=","), 1.234),
        ("a;b\n1.234;x\n", Reading(likely_decimal=","), 1234),
        ("a;b\n1.234;2.5\n", Reading(likely_decimal=","), 1.234),  # 2.5 says that it is a point
        ("a;b\n1.234;2,5\n", Reading(decimal="."), 1.234),
    ],
)
def test_which_mark_stands_before_decimals(write, content, reading, value):
    assert read_table(write("t.csv", content), reading=reading).frame["a"].tolist() == [value]


def test_a_decimal_mark_is_a_point_or_a_comma():
    with pytest.raises(bp.ConfigurationError, match="--decimal ';': expected"):
        Reading(decimal=";")


def test_texts_in_files_with_types_are_numbers_if_more_than_digits(tmp_path):
    np.savez(tmp_path / "t.npz", a=["1,5", "2,5"], code=["00501", "501"])
    table = read_table(tmp_path / "t.npz")
    assert table.frame.to_dict("list") == {"a": [1.5, 2.5], "code": ["00501", "501"]}
    assert table.notices == ["read as numbers with a decimal comma: a ('1,5' is 1.5)"]


def test_numbers_with_leading_zeros_are_mentioned(write):
    path = write("t.csv", "zip,n\n00501,1\n10115,2\n")
    table = read_table(path)
    assert table.frame["zip"].tolist() == [501, 10115]
    assert "leading zeros: zip (such as '00501')" in table.notices[0]
    assert read_table(path, text=["zip"]).notices == []


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (
            ["1099511627776000001", "1099511627776000002"],
            [1099511627776000001, 1099511627776000002],
        ),
        (["1099511627776000001", ""], [1099511627776000001, None]),
        (["1" * 30, "2"], [int("1" * 30), 2]),
        (["-1", "0"], [-1, 0]),
        (["00501", "501"], ["00501", "501"]),
        (["1.0", "2.50"], ["1.0", "2.50"]),
        (["+1", "-1"], ["+1", "-1"]),
        (["TRUE", "FALSE"], ["TRUE", "FALSE"]),
    ],
)
def test_labels_of_a_csv_are_exact(write, texts, values):
    path = write("t.csv", "a,y\n" + "".join(f"1,{text}\n" for text in texts))
    frame = read_table(path, exact=["y"]).frame
    assert [None if pd.isna(v) else v for v in frame["y"]] == values
