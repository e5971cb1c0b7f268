"""Which columns are used, and why the others are not."""

from __future__ import annotations

import numpy as np
import pytest

import backprop_xp as bp

pd = pytest.importorskip("pandas")

from backprop_xp.tables.choosing import choose_columns  # noqa: E402

M = 50


def choose(values, name="c", **options):
    frame = pd.DataFrame({name: pd.Series(values), "y": np.arange(M) % 2})
    return choose_columns(frame, "y", **options)


@pytest.mark.parametrize(
    "values",
    [
        np.arange(M),
        np.random.default_rng(0).permutation(M),
        np.random.default_rng(0).permutation(M) - 7.0,
        1099511627776000001 + np.random.default_rng(0).permutation(M),
        np.random.default_rng(0).permutation(M).astype(np.uint8),
        pd.array(np.random.default_rng(0).permutation(M), dtype="Int64"),
        [*np.random.default_rng(0).permutation(M - 2), None, None],  # a few are missing
        [None, *np.random.default_rng(0).permutation(M)[1:]],
    ],
)
def test_row_numbers_in_any_order_are_left_out(values):
    assert choose(values).left_out == {
        "c": "whole numbers, no two alike and without gaps, look like row numbers (--keep 'c' "
        "uses it all the same)"
    }
    assert choose(values, keep=["c"]).kinds == {"c": "number"}
    assert choose(values, categorical=["c"]).kinds == {"c": "category"}
    assert choose(values, drop=["c"]).left_out == {}


@pytest.mark.parametrize(
    "values",
    [
        np.arange(M) * 2,  # gaps
        np.arange(M) + 0.5,  # no whole numbers
        np.arange(M) // 2,  # repeated
        [*range(0, 2 * M - 2, 2), None],  # more gaps than missing values
        [*range(M // 3), *([None] * (M - M // 3))],  # mostly missing: counts something else
    ],
)
def test_other_numbers_are_used(values):
    assert choose(values).kinds == {"c": "number"}


@pytest.mark.parametrize(
    "name", ["Unnamed: 0", "", "id", "ID", "customer_id", "CustomerID", "__index_level_0__"]
)
def test_under_some_names_gaps_do_not_matter(name):
    assert "no two alike, look like row numbers" in choose(np.arange(M) * 3, name).left_out[name]
    assert choose(np.arange(M) // 2, name).kinds == {name: "number"}


@pytest.mark.parametrize("name", ["paid", "Grid", "valid", "ID4"])
def test_other_names_are_no_identifiers(name):
    assert choose(np.arange(M) * 3, name).kinds == {name: "number"}


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([[1, 2]] * M, "lists or other nested values"),
        ([np.zeros(2)] * M, "lists or other nested values"),
        ([{"a": 1}] * M, "lists or other nested values"),
        ([*([None] * (M - 1)), {1, 2}], "lists or other nested values"),
        ([b"x"] * M, "bytes"),
        (pd.to_timedelta(np.arange(M), unit="h"), "durations"),
        (np.arange(M) * 1j, "complex numbers"),
    ],
)
def test_columns_that_cannot_be_used(values, why):
    reason = f"it holds {why}, which are neither numbers, categories nor dates"
    assert choose(values).left_out == {"c": reason}
    assert choose(values, categorical=["c"]).left_out == {"c": reason}
    with pytest.raises(bp.ConfigurationError, match="--keep 'c': the column cannot be used, it ho"):
        choose(values, keep=["c"])


def test_a_column_without_a_value_is_left_out():
    assert choose([None] * M).left_out == {"c": "it has no value in any of the 50 rows"}


def test_identifiers_say_what_keeps_them_from_being_numbers():
    names = [f"n{i}" for i in range(M)]
    assert choose(names).left_out["c"].startswith("50 different values in 50 rows look like an id")
    assert choose(names, keep=["c"]).kinds == {"c": "category"}
    mixed = [f"{'$€'[i % 2]}{i}" for i in range(M)]
    why = "(all are numbers, but '$0' and '€1' are not spelled alike)"
    assert why in choose(mixed).left_out["c"]
    assert "'0,5' and '1.5' are" in choose([f"{i}{',.'[i % 2]}5" for i in range(M)]).left_out["c"]


@pytest.mark.parametrize("place", [0, 1, 7])
def test_one_text_among_numbers_or_dates_is_an_error(place):
    days = [*pd.date_range("2024-01-01", periods=M).strftime("%Y-%m-%d")]
    for values, what in ([f"{i},5" for i in range(M)], "49 numbers"), (days, "dates"):
        values[place] = "unknown"
        with pytest.raises(bp.DataError) as refusal:
            choose(values)
        assert str(refusal.value) == (
            f"column 'c' holds {what}, but row {place + 1} has 'unknown': correct or empty such "
            "fields, say --missing 'unknown' if it stands for nothing, or leave the column out "
            "with --drop 'c'"
        )


def test_dates_are_recognised_in_text_and_in_types():
    days = pd.date_range("2024-01-01", periods=M)
    for values in (days, days.strftime("%d.%m.%Y"), [day.date() for day in days]):
        assert choose(values).kinds == {"c": "date"}
        assert choose(values, categorical=["c"]).kinds == {"c": "category"}
