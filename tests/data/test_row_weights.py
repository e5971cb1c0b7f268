"""Weights at the door: one number ≥ 0 per row, given by row or by class."""

from __future__ import annotations

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.data.checks import checked_rows
from backprop_xp.data.row_weights import checked_weights, class_weights, on_one_scale


def network(backend, output="sigmoid", outputs=1, **options):
    return bp.Network([2, outputs], output=output, backend=backend, **options)


def by_class(backend, labels, class_weight, output="sigmoid", outputs=1):
    net = network(backend, output, outputs)
    _, Y = checked_rows(net, np.zeros((len(labels), 2)), labels)
    return class_weights(net, Y, class_weight)


# -- by row ------------------------------------------------------------------------------------


def test_none_is_none(backend):
    assert checked_weights(network(backend), 3, None) is None


@pytest.mark.parametrize(
    "given",
    [
        [0, 1, 2.5],
        np.array([0, 1, 2.5]),
        np.array([[0], [1], [2.5]], ">f4"),
        np.array([9, 0, 9, 1, 9, 2.5])[1::2],
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weights_become_numbers_of_double_precision(backend, given, dtype):
    weights = checked_weights(network(backend, dtype=dtype), 3, given)
    assert weights.dtype == np.float64
    assert weights.tolist() == [0, 1, 2.5]


def test_weights_may_be_the_backends_own(backend):
    weights = checked_weights(network(backend), 2, backend.asarray([True, False]))
    assert weights.tolist() == [1, 0]


def test_weights_may_be_a_series(backend):
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    for series in (pandas.Series([0, 3], index=[5, 6]), polars.Series([0, 3])):
        for given in (series, series.to_frame()):
            weights = checked_weights(network(backend), 2, given)
            assert weights.tolist() == [0, 3]
    with pytest.raises(bp.DataError, match=r"^sample_weight\[1, 'w'\] is missing"):
        checked_weights(network(backend), 2, polars.Series("w", [1, None]))
    with pytest.raises(bp.DataError, match=r"^sample_weight\[0\] \(in the row labelled 5\) = -1"):
        checked_weights(network(backend), 2, pandas.Series([-1, 3], index=[5, 6]))


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ([1, 2], bp.ShapeError, r"the shape \(2,\); expected \(3,\): one weight per row of X"),
        (1.0, bp.ShapeError, r"the shape \(\); expected \(3,\)"),
        ([[1, 2, 3]], bp.ShapeError, r"the shape \(1, 3\)"),
        (np.ones((3, 2)), bp.ShapeError, r"the shape \(3, 2\)"),
        ([1, -2, -3], bp.DataError, r"\[1\] = -2 is negative \(2 such weights in all\)"),
        ([1, 2, -np.inf], bp.DataError, r"\[2\] = -inf is not finite: weights are"),
        ([1, np.nan, -1], bp.DataError, r"\[1\] = nan is not finite .*\(2 such"),
        (["a", "b", "c"], bp.DataError, ": not real numbers but text"),
        ({0: 1.0, 1: 5.0}, bp.DataError, ": not real numbers but Python objects"),
    ],
)
def test_weights_that_make_no_sense(backend, given, error, message):
    with pytest.raises(error, match="^sample_weight.*" + message):
        checked_weights(network(backend), 3, given)


def test_one_scale_for_all_processes():
    """Each has a part of the weights; the largest of all decides."""
    everyone = np.array([0.0, 3e-310, 12.0, 6.0])
    whole = on_one_scale(everyone)
    parts = [on_one_scale(part, all_of=lambda _: everyone) for part in (everyone[:2], everyone[2:])]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert (whole / whole[2]).tolist() == [0.0, 2.5e-311, 1.0, 0.5]
    with pytest.raises(bp.DataError, match=r"^w is 0 for every row to train on"):
        on_one_scale(everyone[:1], "w")


def test_sparse_weights_are_refused(backend):
    weights = pytest.importorskip("scipy.sparse").csr_matrix(np.ones((3, 1)))
    with pytest.raises(bp.DataError, match=r"sample_weight\.toarray\(\)\.ravel\(\)"):
        checked_weights(network(backend), 3, weights)


def test_weights_of_another_backend_are_refused():
    pytest.importorskip("array_api_strict")
    theirs = bp.get_backend("strict").asarray([1.0, 2.0, 3.0])
    with pytest.raises(bp.BackendError, match="sample_weight is an array of array_api_strict"):
        checked_weights(network("numpy"), 3, theirs)


# -- by class ----------------------------------------------------------------------------------


def test_balanced_classes_weigh_the_same(backend):
    """Against scikit-learn: compute_class_weight('balanced', …) = m / (K · count)."""
    two = by_class(backend, [0, 0, 0, 1], "balanced")
    assert two.tolist() == [4 / 6, 4 / 6, 4 / 6, 2.0]
    three = by_class(backend, [2, 0, 2, 2, 1, 2], "balanced", "softmax", 3)
    assert three.tolist() == [0.5, 2.0, 0.5, 0.5, 2.0, 0.5]


def test_classes_without_rows_do_not_count(backend):
    assert by_class(backend, [2, 0, 2], "balanced", "softmax", 5).tolist() == [0.75, 1.5, 0.75]
    assert by_class(backend, [1, 1], "balanced").tolist() == [1.0, 1.0]


@pytest.mark.parametrize("seed", range(3))
def test_balanced_is_scikit_learns(backend, seed):
    sklearn = pytest.importorskip("sklearn.utils.class_weight")
    labels = np.random.default_rng(seed).integers(0, 4, 30)
    wanted = sklearn.compute_sample_weight("balanced", labels)
    np.testing.assert_allclose(by_class(backend, labels, "balanced", "softmax", 4), wanted)


def test_a_mapping_names_classes_and_the_rest_weigh_one(backend):
    assert by_class(backend, [0, 1, 1], {1: 5}).tolist() == [1, 5, 5]
    weights = {np.int64(2): 0.5, 0.0: 3}
    assert by_class(backend, [0, 1, 2], weights, "softmax", 3).tolist() == [3, 1, 0.5]
    assert by_class(backend, [0, 1], {True: 2, False: np.float32(4)}).tolist() == [4, 2]
    assert by_class(backend, [0, 1], {}).tolist() == [1, 1]


def test_one_hot_rows_have_classes(backend):
    weights = by_class(backend, np.eye(3)[[2, 0]], {2: 7}, "softmax", 3)
    assert weights.tolist() == [7, 1]


def test_labels_in_pieces_have_the_same_weights(backend, monkeypatch, tmp_path):
    monkeypatch.setattr("backprop_xp.data.rows._CHUNK_ELEMENTS", 9)
    labels = np.memmap(tmp_path / "labels", "u1", "w+", shape=50)
    labels[:] = np.arange(50) % 3
    weights = by_class(backend, labels, {0: 2, 1: 3, 2: 4}, "softmax", 3)
    assert weights.tolist() == [2 + i % 3 for i in range(50)]


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ("balance", r"class_weight='balance': expected 'balanced', or a mapping such as {0: 1"),
        ([1, 2], r"class_weight=\[1, 2\]: expected"),
        (True, "class_weight=True: expected"),
        ({2: 1}, r"class_weight\[2\]: no such class\. The classes are 0 … 1"),
        ({-1: 1}, r"class_weight\[-1\]: no such class\. The"),
        ({"1": 1}, r"class_weight\['1'\]: no such class\. Did you mean the number 1\?"),
        ({"yes": 1}, r"class_weight\['yes'\]: no such class\. The classes"),
        ({float("nan"): 1}, r"class_weight\[nan\]: no such class"),
        ({None: 1}, r"class_weight\[None\]: no such class"),
        ({1: -1}, r"class_weight\[1\] = -1: expected a finite number ≥ 0"),
        ({1: float("inf")}, r"class_weight\[1\] = inf"),
        ({1: float("nan")}, r"class_weight\[1\] = nan"),
        ({1: "2"}, r"class_weight\[1\] = '2'"),
    ],
)
def test_class_weights_that_make_no_sense(backend, class_weight, message):
    with pytest.raises(bp.ConfigurationError, match=message):
        by_class(backend, [0, 1], class_weight)


def test_no_class_that_weighs(backend):
    with pytest.raises(bp.DataError, match="is 0 for every class that Y has"):
        by_class(backend, [0, 0], {0: 0})


@pytest.mark.parametrize(("output", "outputs"), [("identity", 1), ("sigmoid", 2), ("tanh", 1)])
def test_outputs_without_classes(backend, output, outputs):
    with pytest.raises(bp.ConfigurationError, match=rf"has {outputs} {output} outputs: use sample"):
        by_class(backend, np.zeros((4, outputs)), "balanced", output, outputs)


def test_rows_without_a_class(backend):
    with pytest.raises(bp.DataError, match=r"but Y\[1\] is not 0 or 1"):
        by_class(backend, [0, 0.5, 1], "balanced")
    with pytest.raises(bp.DataError, match=r"but Y\[2\] is not a one-hot row"):
        by_class(backend, [[1, 0], [0, 1], [0.5, 0.5]], "balanced", "softmax", 2)
