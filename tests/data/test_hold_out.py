"""stratified_split: the same fraction of every class, at random."""

from __future__ import annotations

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.data.checks import checked_rows
from backprop_xp.data.hold_out import stratified_split, validation_split

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


# -- validation_split --------------------------------------------------------------------------


def split(backend, labels, fraction, output="softmax", outputs=3, seed=0):
    net = bp.Network([1, outputs], output=output, backend=backend)
    _, Y = checked_rows(net, np.zeros((len(labels), 1)), labels)
    return validation_split(net, Y, fraction, seed)


@pytest.mark.parametrize("fraction", [0.01, 0.1, 1 / 3, 0.5, 0.99])
@pytest.mark.parametrize(
    ("labels", "output", "outputs", "strata"),
    [
        (LABELS, "softmax", 3, 3),
        (np.eye(3)[LABELS], "softmax", 3, 3),
        (np.full((90, 3), 1 / 3), "softmax", 3, 1),
        (LABELS == 1, "sigmoid", 1, 2),
        (LABELS / 2, "sigmoid", 1, 1),
        (LABELS, "identity", 1, 1),
        (np.arange(90), "softmax", 90, 1),
    ],
)
def test_the_parts_are_disjoint_and_complete(backend, labels, output, outputs, strata, fraction):
    training, validation = split(backend, labels, fraction, output, outputs)
    assert sorted([*training, *validation]) == list(range(90))
    assert (np.diff(training) > 0).all()
    assert (np.diff(validation) > 0).all()
    # Each class, where they count, keeps a row for training.
    assert len(validation) == min(max(round(90 * fraction), 1), 90 - strata)


@pytest.mark.parametrize("labels", [LABELS, np.eye(3)[LABELS]])
@pytest.mark.parametrize("fraction", [0.1, 0.3, 0.9])
def test_classes_are_split_in_proportion(backend, labels, fraction):
    _, validation = split(backend, labels, fraction)
    assert np.bincount(LABELS[validation]).tolist() == [50 * fraction, 30 * fraction, 10 * fraction]


def test_two_classes_of_one_output_are_split_in_proportion(backend):
    _, validation = split(backend, LABELS == 2, 0.1, "sigmoid", 1)
    assert (LABELS[validation] == 2).sum() == 1


@pytest.mark.parametrize("fraction", [0.05, 0.5, 0.95])
def test_every_class_keeps_a_row_for_training(backend, fraction):
    labels = np.repeat([0, 1, 2], [2, 100, 3])
    for seed in range(10):
        training, validation = split(backend, labels, fraction, seed=seed)
        assert set(labels[training]) == {0, 1, 2}
        assert len(validation) > 0


def test_a_class_of_one_row_leaves_it_to_chance(backend):
    labels = np.repeat([0, 1, 2], [1, 50, 49])
    alone = [0 in split(backend, labels, 0.5, seed=seed)[1] for seed in range(20)]
    assert 0 < sum(alone) < 20


def test_without_classes_any_rows_are_chosen(backend):
    chosen = {tuple(split(backend, LABELS, 0.1, "identity", 1, seed)[1]) for seed in range(5)}
    assert len(chosen) == 5


def test_the_seed_decides_for_validation(backend):
    same = [split(backend, LABELS, 0.2, seed=1)[1].tolist() for _ in range(2)]
    assert same[0] == same[1] != split(backend, LABELS, 0.2, seed=2)[1].tolist()


def test_labels_in_a_file_are_split_as_in_memory(backend, tmp_path, monkeypatch):
    monkeypatch.setattr("backprop_xp.data.rows._CHUNK_ELEMENTS", 20)
    labels = np.memmap(tmp_path / "labels", "u1", "w+", shape=90)
    labels[:] = LABELS
    assert split(backend, labels, 0.3)[1].tolist() == split(backend, LABELS, 0.3)[1].tolist()


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, 10, float("nan"), "0.2", None])
def test_a_validation_fraction_outside_0_to_1_is_refused(backend, fraction):
    with pytest.raises(bp.ConfigurationError, match=r"validation_fraction=.*: expected a number"):
        split(backend, LABELS, fraction)


def test_one_row_cannot_be_in_both_parts(backend):
    with pytest.raises(bp.ShapeError, match="X has one row, which cannot be in both parts"):
        split(backend, [0], 0.5)
