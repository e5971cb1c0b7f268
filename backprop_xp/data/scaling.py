"""Are the features scaled? Looked at before anybody is advised to scale them."""

from __future__ import annotations

import numpy as np

from backprop_xp.backends.base import Array
from backprop_xp.maths.network import Network

# Features of mean 0 and deviation 1 have a root mean square of 1, in a few rows perhaps of 2.
_UNSCALED = 4.0


def scaling_advice(net: Network, X: Array) -> str:
    """A sentence if a column of these examples has large values, else an empty string."""
    rows = net.backend.to_numpy(X).reshape(-1, X.shape[-1]).astype(np.float64)
    largest = float(np.abs(rows).max()) or 1.0  # divided by it, so that no square overflows
    sizes = largest * np.sqrt(np.mean(np.square(rows / largest), axis=0))
    column = int(np.argmax(sizes))
    if sizes[column] < _UNSCALED:
        return ""
    return (
        f"The features are not scaled: X[:, {column}] has a root mean square of "
        f"{sizes[column]:.3g}. Bring them to mean 0 and deviation 1 first."
    )
