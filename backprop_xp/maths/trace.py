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
        self.rows = rows
        self._backend, self._dtype = backend, dtype
        self._shapes = [(*stack, rows, n) for n in sizes]
        self.A: list[Array] = self._arrays()
        self.Z: list[Array] = [None]
        for l, shape in enumerate(self._shapes[1:], start=1):
            over = l <= len(in_place) and in_place[l - 1]
            self.Z.append(self.A[l] if over else backend.empty(shape, dtype))
        self.dZ: list[Array] = []
        self.dZ_T: list[Array] = []
        self.j = backend.empty(self._shapes[-1], dtype)
        # Sums over examples are products with 1ᵀ, and means with (1/m)1ᵀ: they run as fast.
        self.ones = backend.full((1, rows), 1.0, dtype)
        self.mean = backend.full((1, rows), 1.0 / rows, dtype)
        self.sum_outputs = backend.full((sizes[-1], 1), 1.0, dtype)
        self.scale = backend.full((), 1.0 / rows, dtype)

    def make_gradients(self) -> None:
        """Make the arrays dZ[l], if there are none yet: a prediction does without."""
        if not self.dZ:
            transpose = self._backend.xp.matrix_transpose
            self.dZ = self._arrays()
            self.dZ_T = [None, *(transpose(dZ) for dZ in self.dZ[1:])]

    def _arrays(self) -> list[Array]:
        return [None, *(self._backend.empty(shape, self._dtype) for shape in self._shapes[1:])]
