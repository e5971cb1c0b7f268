"""Real data that comes with the package; SOURCES.md beside it has their origins and licences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Dataset:
    """A table of features and a target.

    Attributes
    ----------
    name : str
    X : numpy.ndarray, shape (m, n), float64
        Raw features, examples as rows.
    Y : numpy.ndarray, shape (m,), int64
        Class labels.
    feature_names : tuple of str
        The columns of X.
    class_names : tuple of str
        What the labels 0, 1 … mean.
    """

    name: str
    X: np.ndarray
    Y: np.ndarray
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]


def breast_cancer() -> Dataset:
    """Breast Cancer Wisconsin (Diagnostic): 569 × 30, malignant or benign (CC BY 4.0).

    Returns
    -------
    Dataset
        Y is 1 for benign (357 rows), 0 for malignant (212).

    Examples
    --------
    >>> import backprop_xp as bp
    >>> data = bp.datasets.breast_cancer()
    >>> data.X.shape, data.class_names
    ((569, 30), ('malignant', 'benign'))
    """
    from importlib.resources import files  # here, because it takes long to import

    with files(__package__).joinpath("breast_cancer.csv").open(encoding="utf-8") as lines:
        columns = next(lines).strip().split(",")
        table = np.loadtxt(lines, delimiter=",")
    return Dataset(
        name="Breast Cancer Wisconsin (Diagnostic)",
        X=table[:, :-1],
        Y=table[:, -1].astype(np.int64),
        feature_names=tuple(columns[:-1]),
        class_names=("malignant", "benign"),
    )
