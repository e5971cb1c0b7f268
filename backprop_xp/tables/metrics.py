"""Metrics: what is measured of a model's answers, as formulas on arrays.

They agree with those of scikit-learn, which is not needed.
"""

from __future__ import annotations

import numpy as np


def class_scores(actual: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Measure probabilities against the classes.

    Parameters
    ----------
    actual : numpy.ndarray of int, shape (m,)
        The number of each row's class.
    probabilities : numpy.ndarray, shape (m, classes)

    Returns
    -------
    dict
        "accuracy", "balanced_accuracy", "f1_macro", "roc_auc" and "log_loss"; NaN where the rows
        do not define one.
    """
    confusion = confusion_matrix(actual, probabilities.argmax(axis=1), probabilities.shape[1])
    counts = confusion.sum(axis=1)
    tested = counts > 0
    return {
        "accuracy": float(np.trace(confusion) / len(actual)),
        "balanced_accuracy": float(np.mean(np.diag(confusion)[tested] / counts[tested])),
        "f1_macro": float(np.nanmean(f1_scores(confusion))),
        "roc_auc": roc_auc(actual, probabilities),
        "log_loss": log_loss(actual, probabilities),
    }


def value_scores(actual: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Measure values, both (m,): "r2", "mean_absolute_error" and "root_mean_squared_error"."""
    residuals = actual - predicted
    squares = float(np.sum(residuals**2))
    total = float(np.sum((actual - actual.mean()) ** 2))
    return {
        "r2": 1.0 - squares / total if total > 0 else float("nan"),
        "mean_absolute_error": float(np.abs(residuals).mean()),
        "root_mean_squared_error": float(np.sqrt(squares / len(actual))),
    }


def confusion_matrix(actual: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """How often class i (rows) was called class j (columns)."""
    counts = np.bincount(actual * classes + predicted, minlength=classes**2)
    return np.asarray(counts.reshape(classes, classes))


def f1_scores(confusion: np.ndarray) -> np.ndarray:
    """F1 of each class, 2 TP / (2 TP + FP + FN); NaN for a class that neither is nor is said."""
    both = confusion.sum(axis=0) + confusion.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray(2.0 * np.diag(confusion) / both)


def roc_auc(actual: np.ndarray, probabilities: np.ndarray) -> float:
    """The mean over the classes of the area under the curve of this class against all others.

    The area is the probability that a row of the class gets more of its probability than a row of
    another (Hanley and McNeil, 1982); for two classes it is the same for both.
    """
    classes = probabilities.shape[1]
    areas = [_area(actual == k, probabilities[:, k]) for k in range(1 if classes == 2 else classes)]
    return float(np.mean([area for area in areas if not np.isnan(area)] or [np.nan]))


def log_loss(actual: np.ndarray, probabilities: np.ndarray) -> float:
    """The mean of −log p of the row's own class; a p of 0 counts as the smallest step from 1."""
    own = probabilities[np.arange(len(actual)), actual]
    least = np.finfo(probabilities.dtype).eps
    return 0.0 - float(np.log(np.maximum(own, least), dtype=np.float64).mean())  # 0, not −0


def _area(positive: np.ndarray, scores: np.ndarray) -> float:
    """The area by the sum of the positive rows' ranks; equal scores share theirs."""
    count = int(positive.sum())
    others = len(positive) - count
    if not count or not others:
        return float("nan")
    _, place, ties = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(ties) - (ties - 1) / 2.0
    total = ranks[place.reshape(-1)][positive].sum()
    return float((total - count * (count + 1) / 2.0) / (count * others))
