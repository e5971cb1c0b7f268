"""Dataset: what every data set here is."""

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
        Class labels; of a regression float64 values.
    feature_names : tuple of str
        The columns of X.
    class_names : tuple of str
        What the labels 0, 1 … mean; of a regression empty.
    """

    name: str
    X: np.ndarray
    Y: np.ndarray
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
