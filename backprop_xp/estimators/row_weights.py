"""What rows weigh: on the user's own scale, as long as scikit-learn's penalty makes sense on it."""

from __future__ import annotations

import numpy as np

# Between these the mean weight is taken as it is.
_SMALLEST_MEAN, _LARGEST_MEAN = 1e-6, 1e6


def within_reach(weights: np.ndarray) -> np.ndarray:
    """Return weights whose mean is a number of ordinary size, in double precision.

    The loss is a weighted mean, for which only ratios count, but scikit-learn divides `alpha` by
    the sum of the weights. Weights that are tiny as a whole would leave nothing but the penalty,
    and huge ones nothing of it, or no finite sum: these are divided by their mean.
    """
    weights = np.asarray(weights, np.float64)
    largest = np.max(np.abs(weights))
    if not largest > 0:
        return weights
    relative = weights / largest
    mean = np.mean(relative)
    with np.errstate(over="ignore"):
        ordinary = _SMALLEST_MEAN <= largest * mean <= _LARGEST_MEAN
    return weights if ordinary or mean <= 0 else relative / mean
