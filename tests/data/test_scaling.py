"""Whether features are scaled is seen from a few rows, whatever their size."""

from __future__ import annotations

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.data.scaling import scaling_advice


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.0, ""), (1e-300, ""), (3.9, ""), (4.1, "4.1"), (-570.0, "570"), (1e200, "1e+200")],
)
@pytest.mark.parametrize("stack", [(), (3,)])
def test_a_large_column_is_named_with_its_size(backend, value, said, stack):
    net = bp.Network([3, 1], dtype="float64", backend=backend)
    X = np.zeros((*stack, 6, 3))
    X[..., 1] = value
    found = scaling_advice(net, backend.asarray(X))
    assert found == (
        f"The features are not scaled: X[:, 1] has a root mean square of {said}. "
        "Bring them to mean 0 and deviation 1 first."
        if said
        else ""
    )


def test_standardised_features_are_scaled_in_any_few_of_their_rows(rng):
    data = bp.datasets.breast_cancer()
    X = (data.X - data.X.mean(axis=0)) / data.X.std(axis=0)
    net = bp.Network([30, 1], backend="numpy")
    for rows in (32, 256):
        for _ in range(20):
            assert scaling_advice(net, rng.permutation(X)[:rows]) == ""
