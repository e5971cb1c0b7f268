"""The model of a step on many ranks: closed forms, limits, and fits that find what was put in."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from benchmarks import scaling, scaling_page
from benchmarks.cells import GRID, Cell
from benchmarks.scaling_model import (
    Compute,
    Network,
    efficiency,
    fit_compute,
    fit_network,
    relative_fit,
    step_time,
)

FAST = Network("fast", 1e-6, 1e-10)


def test_an_allreduce_among_two_ranks_is_one_exchange():
    assert FAST.allreduce(1e6, 2) == pytest.approx(1e-6 + 1e-4)
    assert FAST.allreduce(1e6, 1) == 0.0


def test_a_large_allreduce_sends_everything_twice_however_many_ranks_there_are():
    seconds = [FAST.allreduce(1e9, 2**k) for k in range(2, 13)]
    assert seconds == sorted(seconds)
    assert seconds[-1] == pytest.approx(2 * 1e9 * FAST.beta, rel=1e-3)


def test_a_small_allreduce_takes_log_of_the_ranks():
    assert FAST.allreduce(4, 4096) == pytest.approx(12e-6, rel=1e-3)


def test_a_step_of_one_rank_is_compute_alone():
    assert step_time(Compute(1e-5, 1e-6), FAST, 10**6, 100, 1) == pytest.approx(1.1e-4)


def test_the_rank_with_most_rows_counts():
    compute = Compute(0.0, 1.0)
    assert step_time(compute, Network("", 0.0, 0.0), 1, 10, 4) == 3.0


def test_efficiency_is_1_without_communication_and_fixed_costs():
    assert efficiency(Compute(0.0, 1e-6), Network("", 0.0, 0.0), 9, 64, 16) == pytest.approx(1.0)


def test_efficiency_falls_with_the_ranks_and_the_latency():
    compute = Compute(1e-5, 1e-6)
    slow = Network("slow", 1e-4, 1e-9)
    found = [efficiency(compute, FAST, 1000, 4096, 2**k) for k in range(1, 13)]
    assert found == sorted(found, reverse=True)
    assert efficiency(compute, slow, 1000, 4096, 16) < efficiency(compute, FAST, 1000, 4096, 16)


def test_fits_find_what_was_put_in():
    rows = {b: 3e-5 + 2e-6 * b for b in (8, 64, 512)}
    found = fit_compute(rows)
    assert (found.fixed, found.per_row) == pytest.approx((3e-5, 2e-6))
    network = fit_network("n", {n: FAST.allreduce(4 * n, 2) for n in (10, 1000, 10**6)})
    assert (network.alpha, network.beta) == pytest.approx((FAST.alpha, FAST.beta))


def test_a_fit_has_no_negative_times():
    columns = np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 4.0]])
    values = np.array([0.5, 1.7, 4.1])  # the line through them meets 0 on the right
    found = relative_fit(columns, values)
    assert found[0] == 0.0
    assert found[1] == pytest.approx(1.0, rel=0.5)


def test_the_local_batch_of_two_ranks_is_held_out():
    for cell in GRID[1:]:
        assert cell.batch // 2 not in scaling.local_batches(cell)
        assert cell.batch in scaling.local_batches(cell)


def test_tables_of_made_up_figures():
    key = "8-8-1@64 adam"
    steps = {key: {"1": [4e-4, 4e-4], "2": [2.5e-4, 2.5e-4], "2, in buckets": [4e-4]}}
    row = [
        entry.strip() for entry in scaling_page.efficiency_table(steps).splitlines()[-1].split("|")
    ]
    assert row[1:-1] == [key, "400", "250", "400", "0.80", "0.50"]
    assert scaling_page.efficiency_target(steps).verdict == "not measured"
    steps[f"{scaling_page.TARGET_CELL} sgd"] = {"1": [0.1], "2": [0.055]}
    assert scaling_page.efficiency_target(steps).verdict == "met"
    held_out = scaling_page.held_out_table({key: (2e-4, 2.2e-4)})
    assert held_out.splitlines()[-1].endswith("| 200 | 220 | +10% |")


def test_strong_scaling_of_a_made_up_network():
    table = scaling_page.strong_table({"8-8-1@64 adam": Compute(0.0, 1e-6)})
    assert len(table.splitlines()) == 2 + 4
    assert "(2.0×)" in table.splitlines()[2]


def test_the_measured_network_is_that_of_the_target():
    assert scaling.MEASURED.key == scaling_page.TARGET_CELL
    assert math.isfinite(Cell((8, 8, 1), 64).parameters)
