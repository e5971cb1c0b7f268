"""Expected: what a network takes as X and Y, asked on the host, for data that are read ahead."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backprop_xp.backends import get_backend
from backprop_xp.backends.frames import Names
from backprop_xp.data.checks import ValueCheck, check_targets
from backprop_xp.errors import BackpropError
from backprop_xp.maths.activations import SOFTMAX
from backprop_xp.maths.arguments import as_inputs, as_targets, require_inputs, require_targets
from backprop_xp.maths.network import Network

# So many elements are looked at at once.
_CHECKED_ELEMENTS = 2**18
_ADVICE = "Drop or replace such rows first"


class Expected:
    """What the checks ask of a network, in NumPy: nothing of its device.

    A thread that reads ahead can check there without waiting for the device.
    """

    def __init__(self, net: Network) -> None:
        self.backend = get_backend("numpy")
        self.sizes, self.dtype, self.output, self.loss = net.sizes, net.dtype, net.output, net.loss
        self._classes = np.arange(self.sizes[-1]) if net.output == SOFTMAX else None

    def require(self, X: np.ndarray, Y: np.ndarray, name: str) -> None:
        """Raise ShapeError or DataError unless X and Y have shapes and dtypes that fit."""
        labels = self._classes is not None
        try:
            require_inputs(X.shape, self.sizes[0], ())
            require_targets(Y.shape, len(X), self.sizes[-1], (), labels)
            self._targets(Y[:1], 1)
        except BackpropError as problem:
            raise type(problem)(f"{name}: {problem}") from None

    def check(self, X: np.ndarray, Y: np.ndarray, names: Sequence[str], first: int = 0) -> None:
        """Raise DataError if a value cannot be trained on.

        Parameters
        ----------
        X, Y : numpy.ndarray
            Rows that `require` would take.
        names : sequence of two str
            What messages call X and Y, such as files.
        first : int
            The number that the first of these rows has there.
        """
        step = max(1, _CHECKED_ELEMENTS // max(self.sizes[0], self.sizes[-1]))
        for start in range(0, len(X), step):
            x, y = X[start : start + step], Y[start : start + step]
            if X.dtype.kind == "f":  # other numbers are finite
                self._check_inputs(self._inputs(x), names[0], first + start)
            self._check_targets(self._targets(y, len(y)), y, names[1], first + start)

    def taken(self, X: np.ndarray, Y: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return a batch as the network takes it, in new memory, or raise as the others."""
        try:
            inputs, targets = self._inputs(X), self._targets(Y, len(X))
        except BackpropError as problem:
            raise type(problem)(f"{name}: {problem}") from None
        self._check_inputs(inputs, f"{name}: X", 0)
        self._check_targets(targets, Y, f"{name}: Y", 0)
        return _separate(inputs, X), _separate(targets, Y)

    def _check_inputs(self, inputs: np.ndarray, name: str, first: int) -> None:
        finite = np.isfinite(inputs)
        if not finite.all():
            check = ValueCheck(self, inputs, Names(name), first, -1, _ADVICE)
            check.refuse(~finite, f"is not finite in {self.dtype}")

    def _check_targets(self, targets: np.ndarray, given: np.ndarray, name: str, first: int) -> None:
        check_targets(ValueCheck(self, targets, Names(name), first, -1, _ADVICE), given, first)

    def _inputs(self, X: np.ndarray) -> np.ndarray:
        inputs: np.ndarray = as_inputs(self.backend, X, self.sizes[0], self.dtype, ())
        return inputs

    def _targets(self, Y: np.ndarray, rows: int) -> np.ndarray:
        n_L, classes = self.sizes[-1], self._classes
        targets: np.ndarray = as_targets(self.backend, Y, rows, n_L, self.dtype, (), classes)
        return targets


def _separate(array: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Return the array, or a copy where it has the memory of what was given."""
    return np.array(array, order="C") if np.may_share_memory(array, given) else array
