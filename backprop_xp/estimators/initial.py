"""The first weights, drawn as scikit-learn draws them; and the order of the rows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from backprop_xp.data.batches import Batches, Epoch
from backprop_xp.estimators.parameters import is_logistic


def first_theta(
    random_state: np.random.RandomState, sizes: Sequence[int], activation: Any, dtype: str
) -> np.ndarray:
    """Draw θ: W and b of every layer from U(−r, r), r = √(6/(n_in + n_out)), √(2/…) if logistic."""
    layers = len(sizes) - 1
    given = activation if isinstance(activation, list | tuple) else [activation] * (layers - 1)
    # The output layer goes by the activation of the last hidden one.
    names = [*given, given[-1] if len(given) else activation]
    parts = []
    for (n_in, n_out), name in zip(pairwise(sizes), names, strict=True):
        bound = np.sqrt((2.0 if is_logistic(name) else 6.0) / (n_in + n_out))
        W = random_state.uniform(-bound, bound, (n_in, n_out))
        parts += [W.T.ravel(), random_state.uniform(-bound, bound, n_out)]
    return np.concatenate(parts).astype(dtype)


class ShuffledBatches(Batches):
    """Batches in scikit-learn's order: every epoch shuffles the order of the one before."""

    def __init__(self, *arguments: Any, shuffle: bool) -> None:
        super().__init__(*arguments)
        self._order = np.arange(self.rows) if shuffle else None

    def epoch(self) -> Epoch:
        if self._order is not None:
            shuffled = np.arange(self.rows)
            self.rng.shuffle(shuffled)
            self._order = self._order[shuffled]
        return Epoch(self._tables, self.batch_size, self._order if len(self) > 1 else None)
