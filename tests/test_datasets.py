"""The embedded data: what they claim to be, with their source and licence beside them."""

from __future__ import annotations

from importlib.resources import files

import numpy as np

import backprop_xp as bp


def test_breast_cancer_is_the_wisconsin_table():
    data = bp.datasets.breast_cancer()
    assert data.name == "Breast Cancer Wisconsin (Diagnostic)"
    assert (data.X.shape, data.X.dtype) == ((569, 30), np.float64)
    assert (data.Y.shape, data.Y.dtype) == ((569,), np.int64)
    assert np.bincount(data.Y).tolist() == [212, 357]
    assert data.class_names == ("malignant", "benign")
    assert len(set(data.feature_names)) == 30
    assert np.isfinite(data.X).all()
    assert (data.X >= 0).all()


def test_columns_have_their_names():
    """Means of the radius and the area, as the data set's description gives them."""
    data = bp.datasets.breast_cancer()
    column = dict(zip(data.feature_names, data.X.T, strict=True))
    assert f"{column['mean_radius'].mean():.3f}" == "14.127"
    assert f"{column['mean_area'].mean():.1f}" == "654.9"
    assert column["mean_radius"][data.Y == 0].mean() > column["mean_radius"][data.Y == 1].mean()


def test_every_call_gives_arrays_of_its_own():
    first = bp.datasets.breast_cancer()
    first.X[:] = 0.0
    assert bp.datasets.breast_cancer().X.any()


def test_source_and_licence_are_beside_the_data():
    text = files("backprop_xp.datasets").joinpath("SOURCES.md").read_text(encoding="utf-8")
    for word in ("breast_cancer.csv", "CC BY 4.0", "https://", "Wolberg"):
        assert word in text
