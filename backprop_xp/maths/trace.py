"""Trace: everything that one forward pass leaves behind for the way back."""

from __future__ import annotations

from collections.abc import Sequence

from backprop_xp.backends.base import Array, Backend


class Trace:
    """Z[l], A[l] and dZ[l] of one batch.

    Attributes
    ----------
    A : list of array
        A[0] is X; A[l], l = 1 … L, has the shape (…, m, n_l).
    Z : list of array
        Z[l], l = 1 … L, before the activation. Z[0] is None.
    dZ : list of array
        ∂J/∂Z[l], l = 1 … L, once `Network.backward` has been there. dZ[0] is None.
    j : array
        The loss of every output of every example, once `Network.cost` has been there.
    rows : int
        m, the number of examples.

    With `in_place`, one truth value per hidden layer, A[l] is written over Z[l] where it is true.
    """

    def __init__(
        self,
        backend: Backend,
        sizes: tuple[int, ...],
        rows: int,
        dtype: str,
        stack: tuple[int, ...],
        in_place: Sequence[bool] = (),
    ) -> None:
        shapes = [(*stack, rows, n) for n in sizes]
        self.rows = rows
        self.A: list[Array] = [None, *(backend.empty(shape, dtype) for shape in shapes[1:])]
        self.Z: list[Array] = [None, *(backend.empty(shape, dtype) for shape in shapes[1:])]
        for l, over in enumerate(in_place, start=1):
            if over:
                self.Z[l] = self.A[l]
        self.dZ: list[Array] = [None, *(backend.empty(shape, dtype) for shape in shapes[1:])]
        self.j = backend.empty(shapes[-1], dtype)
        transpose = backend.xp.matrix_transpose
        self.dZ_T: list[Array] = [None, *(transpose(dZ) for dZ in self.dZ[1:])]
        # Sums over examples are products with 1ᵀ, and means with (1/m)1ᵀ: they run as fast.
        self.ones = backend.full((1, rows), 1.0, dtype)
        self.mean = backend.full((1, rows), 1.0 / rows, dtype)
        self.sum_outputs = backend.full((sizes[-1], 1), 1.0, dtype)
        self.scale = backend.full((), 1.0 / rows, dtype)
