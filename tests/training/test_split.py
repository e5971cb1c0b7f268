"""stratified_split: the same fraction of every class, at random."""

from __future__ import annotations

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.training.split import stratified_split

LABELS = np.repeat([0, 1, 2], [50, 30, 10])


@pytest.mark.parametrize("held_out", [0.1, 0.2, 0.5, 0.9])
def test_every_class_gives_its_fraction(held_out):
    training, test = stratified_split(LABELS, held_out, seed=1)
    assert sorted([*training, *test]) == list(range(90))
    assert np.bincount(LABELS[test]).tolist() == [50 * held_out, 30 * held_out, 10 * held_out]


def test_labels_may_be_text():
    _, test = stratified_split(np.array(["b", "m"] * 10), 0.5)
    assert len(test) == 10


def test_the_seed_decides():
    same = [stratified_split(LABELS, 0.2, seed=1)[1].tolist() for _ in range(2)]
    other = stratified_split(LABELS, 0.2, seed=2)[1].tolist()
    assert same[0] == same[1] != other


@pytest.mark.parametrize("held_out", [0.0, 1.0, -0.1, 2, float("nan")])
def test_a_fraction_outside_0_to_1_is_refused(held_out):
    with pytest.raises(bp.ConfigurationError, match=r"expected a fraction in \(0, 1\)"):
        stratified_split(LABELS, held_out)


@pytest.mark.parametrize("held_out", [0.01, 0.99])
def test_a_class_too_small_for_both_parts_is_named(held_out):
    labels = np.array([0] * 100 + [7] * 3)
    with pytest.raises(bp.DataError, match="class 7 has 3 rows, too few"):
        stratified_split(labels, held_out)
