"""Which values an option that is a number may have, and the error that says so."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import get_args

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.errors import shown
from backprop_xp.number_checks import Wanted, is_count, is_number, require_count, require_number

NEITHER = [None, "1", True, False, np.True_, 1j, [1], np.ones(1), math.nan]
# What is wanted → values that are it, and values that are not.
RANGES = {
    "a number > 0": ([5e-324, 1, math.inf], [0, -1, -math.inf]),
    "a finite number > 0": ([5e-324, np.float32(1), 10**300], [0, -0.0, math.inf, 10**400]),
    "a finite number ≥ 0": ([0, -0.0, np.int64(3)], [-5e-324, math.inf, 10**400]),
    "a finite number in [0, 1)": ([0, Fraction(1, 2), math.nextafter(1, 0)], [1, -5e-324]),
    "a number in (0, 1)": ([5e-324, np.float64(0.5)], [0, 1, -1, 2]),
    "a number in [0, 1]": ([0, 0.5, 1], [-5e-324, math.nextafter(1, 2), math.inf]),
}


def test_no_range_is_left_out():
    assert list(RANGES) == list(get_args(Wanted))


@pytest.mark.parametrize("wanted", RANGES)
def test_a_number_of_the_range_is_taken(wanted):
    for value in RANGES[wanted][0]:
        assert is_number(value, wanted)
        require_number("rate", value, wanted)


@pytest.mark.parametrize("wanted", RANGES)
def test_all_else_is_refused_with_the_range(wanted):
    for value in RANGES[wanted][1] + NEITHER:
        assert not is_number(value, wanted)
        with pytest.raises(bp.ConfigurationError) as error:
            require_number("rate", value, wanted)
        assert str(error.value) == f"rate={shown(value)}: expected {wanted}"


@pytest.mark.parametrize("value", [1, 7, np.int8(1), np.uint64(2**63), 10**400])
def test_a_count_is_a_positive_integer(value):
    assert is_count(value)
    require_count("rows", value)


@pytest.mark.parametrize("value", [0, -1, 1.0, np.float64(2), Fraction(2), *NEITHER])
def test_all_else_is_no_count(value):
    assert not is_count(value)
    with pytest.raises(bp.ConfigurationError) as error:
        require_count("rows", value)
    assert str(error.value) == f"rows={shown(value)}: expected a positive integer"


def test_a_count_may_begin_elsewhere():
    require_count("seed", 0, least=0)
    with pytest.raises(bp.ConfigurationError, match="seed=-1: expected an integer ≥ 0"):
        require_count("seed", -1, least=0)


def test_a_long_value_is_cut_in_the_message():
    with pytest.raises(bp.ConfigurationError, match=r"^rows='aaa.{,140}: expected") as error:
        require_count("rows", "a" * 10_000)
    assert len(str(error.value)) < 200
    with pytest.raises(bp.ConfigurationError, match=r"^rate=<ndarray of the shape \(3,\)>: "):
        require_number("rate", np.ones(3), "a number > 0")


def test_an_object_names_its_option():
    with pytest.raises(bp.ConfigurationError) as error:
        bp.Checkpoint("run", every_epochs=0)
    assert str(error.value) == "Checkpoint: every_epochs=0, but expected a positive integer"
    with pytest.raises(bp.ConfigurationError) as error:
        bp.StepDecay(every=0)
    assert str(error.value) == "StepDecay: every=0, but expected a finite number > 0"


@pytest.mark.parametrize("option", ["l2", "l1"])
def test_an_integer_too_large_for_a_float_is_refused(option):
    with pytest.raises(bp.ConfigurationError, match="expected a finite number ≥ 0"):
        bp.Network([1, 1], **{option: 10**400})
