"""StepNumbers: what the host computes anew for every step, where kernels read it.

Learning rates, powers of Adam's β, and the keys of dropout's patterns: a compiled step reads them
from arrays that stay where they are.
"""

from __future__ import annotations

from typing import Any

from backprop_xp.backends.base import Array, Backend


class StepNumbers:
    """A small array on the device, into which the host writes before each step.

    Attributes
    ----------
    array : array
        Kernels receive it, or views of it.
    """

    def __init__(self, backend: Backend, shape: tuple[int, ...], dtype: str) -> None:
        self._backend = backend
        self.array: Array = backend.empty(shape, dtype)
        self._written: Any = None

    def write(self, values: Any) -> None:
        """Write a tuple of numbers, or a NumPy array that is new whenever its values are.

        What is there already is not written again.
        """
        if values is self._written or (type(values) is tuple and values == self._written):
            return
        self._backend.write_scalars(self.array, values)
        self._written = values

    def were_written(self, values: Any) -> None:
        """Take note that the device has these values now."""
        self._written = values
