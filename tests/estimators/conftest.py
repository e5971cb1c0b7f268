"""scikit-learn is needed here; data that every test may use."""

from __future__ import annotations

import pytest

datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed")


def scaled(load):
    X, y = load(return_X_y=True)
    return (X - X.mean(axis=0)) / (X.std(axis=0) + 1e-9), y


DATA = {
    "digits": datasets.load_digits,
    "breast_cancer": datasets.load_breast_cancer,
    "diabetes": datasets.load_diabetes,
}


@pytest.fixture(scope="session")
def data():
    """Name → X with mean 0 and deviation 1, and y."""
    return {name: scaled(load) for name, load in DATA.items()}
