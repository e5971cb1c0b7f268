"""The estimators benchmark: what it counts, what it voids, and one real run of each kind."""

import importlib.util
import math

import pytest

from benchmarks import estimators, perceptrons
from benchmarks.targets import estimator_targets


def pair(ours, theirs, losses=(0.5, 0.5)):
    return {
        "backprop_xp": [{"blocks": [s], "loss": losses[0]} for s in ours],
        "scikit-learn": [{"blocks": [s], "loss": losses[1]} for s in theirs],
    }


def test_the_ratio_is_that_of_the_medians():
    assert estimators.ratio(pair([1.0, 2.0, 9.0], [4.0, 4.0, 1.0]), "float64") == 0.5


def test_a_case_whose_losses_differ_is_void():
    differ = pair([1.0], [2.0], (0.5, 0.5001))
    assert math.isnan(estimators.ratio(differ, "float64"))
    assert estimators.ratio(differ, "float32") == 0.5
    assert "void" in estimators.time_table({("digits, 100", "float64"): differ})


def test_a_contender_that_is_missing_is_named():
    found = pair([1.0], [2.0])
    found["scikit-learn"] = [{"missing": "no such module"}]
    assert "no such module" in estimators.time_table({("digits, 100", "float64"): found})


def test_every_case_has_a_target_of_its_own():
    cases = [*perceptrons.FITS, *perceptrons.PREDICTIONS]
    targets = estimator_targets({f"{case}, float64": 0.95 for case in cases})
    assert [len(target.figures) for target in targets] == [1] * len(cases) + [len(cases)]
    assert targets[-1].verdict == "met"
    assert targets[0].verdict == "missed"


@pytest.mark.parametrize("case", ["digits, 100", "predict_proba, 1 row"])
def test_contenders_train_to_the_same_loss(case):
    pytest.importorskip("sklearn")
    by_numba = ("ours-numba",) if importlib.util.find_spec("numba") else ()
    spec = {"case": case, "dtype": "float64", "repeats": 2, "quick": True}
    theirs = perceptrons.measure(spec | {"contender": "scikit-learn"})
    for name in ("backprop_xp", *by_numba):
        ours = perceptrons.measure(spec | {"contender": name})
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-9)
        assert len(ours["blocks"]) == 2
