"""Verdicts on the targets."""

import math

import pytest

from benchmarks.rows import Entry, Row
from benchmarks.targets import Target, step_targets


def test_target_is_met_when_every_row_keeps_the_limit():
    target = Target("t", {"a": 0.9, "b": 0.95}, 0.95)
    assert target.verdict == "met"
    assert target.detail == "highest 0.95 (b)"


def test_target_names_the_rows_that_break_it():
    target = Target("t", {"a": 1.2, "b": 0.5}, 1.0)
    assert target.verdict == "missed"
    assert target.detail == "1.20 (a)"


def test_lower_limit():
    assert Target("t", {"a": 3.5}, 3.0, at_least=True).verdict == "met"
    assert Target("t", {"a": 2.5}, 3.0, at_least=True).verdict == "missed"


def test_unmeasured_rows_do_not_count_as_met():
    assert Target("t", {"a": math.nan}, 1.0).verdict == "not measured"
    assert Target("t", {"a": 0.5, "b": math.nan}, 1.0).verdict == "met in the 1 of 2 rows measured"


def entries(ours, loss=0.5, **others):
    named = {name.replace("_", "-"): Entry([took], [0.5]) for name, took in others.items()}
    return {"backprop_xp": Entry([ours], [loss]), **named}


def test_best_peer_is_the_fastest_and_a_missing_one_is_left_out():
    found = entries(0.9, torch=2.0, jax=1.0) | {"torch-compile": Entry(missing="gone")}
    targets = step_targets([Row("2-4-1", "sgd", found)], "cpu")
    best = next(t for t in targets if "best of" in t.text)
    assert best.known == {"2-4-1 sgd": 0.9}


def test_void_row_is_not_measured():
    found = entries(0.5, loss=0.9, numpy=1.0)
    targets = step_targets([Row("2-4-1", "sgd", found)], "cpu")
    assert all(t.verdict == "not measured" for t in targets)


def test_gpu_targets_turn_the_floor_ratio_into_a_share_of_its_speed():
    rows = [Row("4096-4096-1", o, entries(1.0, floor_torch=0.9)) for o in ("sgd", "adam")]
    share = step_targets(rows, "gpu")[-1]
    assert share.verdict == "met"
    assert share.figures["4096-4096-1 sgd"] == pytest.approx(0.9)
