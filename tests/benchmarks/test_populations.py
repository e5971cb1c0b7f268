"""The population benchmark: its contenders do the same, and its tables say what was measured."""

import numpy as np
import pytest

from benchmarks import populations, reference
from benchmarks.population import searches, steps


def losses(contender):
    job, (W, b) = steps.jobs(1)[0], contender.weights()
    return [
        reference.loss(job.X, job.Y, [w[k] for w in W], [c[k] for c in b])
        for k in range(contender.networks)
    ]


def test_our_population_learns_what_the_handwritten_one_learns():
    ours, theirs = steps.ours(), steps.handwritten()
    before = losses(ours)
    for contender in (ours, theirs):
        contender.run(20)
    np.testing.assert_allclose(losses(ours), losses(theirs), rtol=1e-4)
    assert np.mean(losses(ours)) < np.mean(before)


def test_searches_try_the_same_settings():
    found = searches.ours(1)
    assert set(found) == {(rate, l2) for rate in searches.RATES for l2 in searches.PENALTIES}
    assert all(0.3 < score <= 1.0 for score in found.values())


def test_tables_show_medians_and_who_is_missing():
    found = {
        "backprop_xp": [
            {"networks": 4, "losses": [0.5, 0.25], "blocks": [8e-6]},
            {"networks": 4, "losses": [0.5, 0.25], "blocks": [16e-6]},
        ],
        "other": [{"networks": 1, "losses": [0.6], "blocks": [6e-6]}],
        "third": [{"missing": "gone"}],
    }
    table = populations.step_table(found)
    assert "| backprop_xp | 3.00 | 2.00 … 4.00 | 1.00 |" in table
    assert "| other | 6.00 | 6.00 … 6.00 | 0.50 |" in table
    assert "| third | – | gone | – |" in table
    assert "NOT" in populations.agreement(found)
    assert "NOT" not in populations.agreement({"backprop_xp": found["backprop_xp"]})


@pytest.mark.parametrize("seconds", [2.0, 20.0])
def test_a_search_is_compared_with_ours(seconds):
    found = {
        "backprop_xp": [{"seconds": 2.0, "best": 0.98, "mean": 0.97}],
        "other": [{"seconds": seconds, "best": 0.96, "mean": 0.95}],
    }
    line = populations.search_table(found).splitlines()[-1]
    assert line.split(" | ")[3:] == [f"{seconds / 2:.1f}", "0.9600", "0.9500 |"]
