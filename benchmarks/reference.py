"""The loss of given weights in float64: the one place where every contender's loss is computed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def loss(X: np.ndarray, Y: np.ndarray, W: Sequence[np.ndarray], b: Sequence[np.ndarray]) -> float:
    """Return the mean cross-entropy: binary for one output, categorical for several."""
    A = X.astype(np.float64)
    for k, (w, bias) in enumerate(zip(W, b, strict=True)):
        Z = A @ w.astype(np.float64).T + bias
        A = np.maximum(Z, 0.0) if k < len(W) - 1 else Z
    if Y.shape[1] == 1:
        per_entry = np.maximum(A, 0.0) - A * Y + np.log1p(np.exp(-np.abs(A)))
    else:
        top = A.max(axis=1, keepdims=True)
        log_total = top + np.log(np.exp(A - top).sum(axis=1, keepdims=True))
        per_entry = Y * (log_total - A)
    return float(per_entry.sum(axis=1).mean())
