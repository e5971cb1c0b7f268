"""The rules over the step benchmark's figures: ratios, void rows, missing contenders."""

import math

import pytest

from benchmarks.rows import Entry, Row, absences


def row(**entries):
    named = {name.replace("_", "-"): entry for name, entry in entries.items()}
    return Row("2-4-1", "sgd", {"backprop_xp": Entry([1e-5, 3e-5, 2e-5], [0.5]), **named})


def test_ratio_is_our_median_over_theirs():
    assert row(numpy=Entry([4e-5, 4e-5, 9e-5], [0.5])).ratio("numpy") == pytest.approx(0.5)


def test_floor_is_the_fastest_of_the_floors():
    found = row(floor_numpy=Entry([5e-6]), floor_torch=Entry([4e-6]))
    assert found.floor() == ("floor-torch", 4e-6)
    assert found.ratio("floor") == pytest.approx(5.0)


def test_ratio_to_a_missing_contender_is_nan():
    found = row(torch=Entry(missing="ModuleNotFoundError: No module named 'torch'"))
    assert math.isnan(found.ratio("torch"))
    assert math.isnan(found.ratio("floor"))


def test_losses_that_agree_keep_the_row():
    assert not row(numpy=Entry([1.0], [0.50009]), jax=Entry([1.0], [0.5])).void


def test_tolerance_is_relative_above_one():
    def pair(a, b):
        return Row("c", "sgd", {"a": Entry([1.0], [a]), "b": Entry([1.0], [b])})

    assert not pair(100.0, 100.009).void
    assert pair(100.0, 100.02).void


def test_one_stray_loss_voids_the_row_and_is_named():
    found = row(numpy=Entry([1.0], [0.5]), jax=Entry([1.0], [0.5002]))
    assert found.void
    assert found.strays() == ["jax"]


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_loss_that_is_not_finite_voids_the_row(loss):
    found = row(numpy=Entry([1.0], [loss]))
    assert found.void
    assert found.strays() == ["numpy"]


def test_losses_must_agree_on_the_way_too():
    entries = {"a": Entry([1.0], [2.0, 0.0]), "b": Entry([1.0], [2.1, 0.0])}
    assert Row("c", "adam", entries).void


def test_floors_and_missing_contenders_do_not_void_a_row():
    assert not row(floor_numpy=Entry([1.0]), torch=Entry(missing="gone")).void


def test_entry_takes_the_median_block_of_each_round_and_the_checked_loss():
    rounds = [
        {"blocks": [3.0, 1.0, 2.0], "losses": [0.7], "variant": "a"},
        {"blocks": [5.0, 4.0, 6.0], "losses": [], "variant": "b"},
    ]
    entry = Entry.collect(rounds)
    assert entry.seconds == [2.0, 5.0]
    assert entry.losses == [0.7]
    assert entry.variants == ["a", "b"]


def test_one_missing_round_makes_the_entry_missing():
    rounds = [
        {"blocks": [1.0], "losses": [0.7], "variant": ""},
        {"missing": "exit code -9: killed"},
    ]
    assert Entry.collect(rounds).missing == "exit code -9: killed"


def test_absences_name_each_contender_once():
    gone = row(torch=Entry(missing="not installed"))
    assert absences([gone, gone]) == {"torch": "not installed"}
