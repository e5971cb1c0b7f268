"""Trace: everything that one forward pass leaves behind for the way back."""

from __future__ import annotations

from collections.abc import Sequence

from backprop_xp.backends.base import Array, Backend
from backprop_xp.errors import ConfigurationError, shown
from backprop_xp.maths.dropout import Dropped
from backprop_xp.maths.kernels import assign, share, share_penalty
from backprop_xp.maths.layers import by_layer
from backprop_xp.maths.members import PerMember, spread


class Trace:
    """Z[l], A[l] and dZ[l] of one batch.

    Attributes
    ----------
    A : list of array
        A[0] is X; A[l], l = 1 … L, has the shape (…, m, n_l).
    H : list of array
        What layer l hands on: A[l] itself, or A[l] ∗ D[l] with dropout.
    D : list of array
        The factors of dropout; None where a layer has none.
    Z : list of array
        Z[l], l = 1 … L, before the activation. Z[0] is None.
    dZ : list of array
        ∂J/∂Z[l], l = 1 … L, once `Network.backward` has been there. dZ[0] is None.
    j : array
        The loss of every output of every example, once `Network.cost` has been there.
    rows : int
        m, the number of examples.
    l2, l1 : array, shape (…, 1, 1)
        What the penalties weigh in J.

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
        dropout: Sequence[float] = (),
        own_patterns: bool = False,
    ) -> None:
        self.rows = rows
        self._backend, self._dtype = backend, dtype
        self._shapes = [(*stack, rows, n) for n in sizes]
        self.A: list[Array] = self._arrays()
        self.drops = self._drops(dropout, own_patterns)
        self.D: list[Array] = [drop.D if drop else None for drop in self.drops]
        # Without dropout the very list of A, so that nothing is to be kept in step.
        self.H: list[Array] = self.A
        if any(self.drops):
            self.H = [drop.H if drop else a for drop, a in zip(self.drops, self.A, strict=True)]
        self.Z: list[Array] = [None]
        for l, shape in enumerate(self._shapes[1:], start=1):
            over = l <= len(in_place) and in_place[l - 1]
            self.Z.append(self.A[l] if over else backend.empty(shape, dtype))
        self.dZ: list[Array] = []
        self._shares: Array = None
        self._whole: Sequence[Array] = ()
        self.l2: Array = None
        self.l1: Array = None
        self.dZ_T: list[Array] = []
        self.j = backend.empty(self._shapes[-1], dtype)
        # Sums over examples are products with 1ᵀ, and means with (1/m)1ᵀ: they run as fast.
        self.ones = backend.full((1, rows), 1.0, dtype)
        self._equal = (
            backend.full((1, rows), 1.0 / rows, dtype),
            backend.full((), 1.0 / rows, dtype),
        )
        self.mean, self.scale = self._equal
        self.sum_outputs = backend.full((sizes[-1], 1), 1.0, dtype)

    def make_gradients(self) -> None:
        """Make the arrays dZ[l], if there are none yet: a prediction does without."""
        if not self.dZ:
            transpose = self._backend.xp.matrix_transpose
            self.dZ = self._arrays()
            self.dZ_T = by_layer(transpose(dZ) for dZ in self.dZ[1:])

    def read(self, X: Array) -> None:
        """Take the inputs of the next pass."""
        self.A[0] = self.H[0] = X

    def choose_dropout(self, pattern: int | Sequence[int]) -> None:
        """Take the pattern of that number, or one for each member, in every layer that drops."""
        for drop in self.drops:
            if drop:
                drop.keys.write(drop.keys_of(pattern))

    def share_penalties(self, whole: Sequence[Array], values: Sequence[PerMember]) -> None:
        """Divide l2 and l1, which are arrays (…, 1, 1) and numbers, by m or Σw."""
        self._whole, stack = whole, tuple(whole[0].shape[:-2])
        self.l2, self.l1 = (spread(self._backend, p, stack, self._dtype, self.rows) for p in values)

    def weigh(self, weights: Array | None) -> None:
        """Let J be the mean with these weights (…, 1, m); None weighs all examples alike.

        `mean` becomes the row wᵢ/Σw, and `scale` the same memory as a column.
        """
        if weights is None:
            self.mean, self.scale = self._equal
            return
        backend = self._backend
        if self._shares is None:
            self._shares = backend.empty(weights.shape, self._dtype)
            self._share = backend.general(share)
            self._share_penalty = backend.general(share_penalty)
        self._share(self._shares, weights)
        for out, whole in zip((self.l2, self.l1), self._whole, strict=False):
            self._share_penalty(out, weights, whole)
        self.mean, self.scale = self._shares, backend.xp.matrix_transpose(self._shares)

    def take_shares(self, shares: Array) -> None:
        """Let J be Σ sᵢ jᵢ with these shares (…, m, 1): the part of a larger batch that is here."""
        if self._shares is None:
            self._shares = self._backend.empty(shares.shape, self._dtype)
            self._assign = self._backend.elementwise(assign)
        self._assign(self._shares, shares)
        self.scale, self.mean = self._shares, self._backend.xp.matrix_transpose(self._shares)

    def take_places(self, places: Array) -> None:
        """Say which row of a larger batch each one is, (…, m, 1) of uint32, for dropout."""
        for drop in self.drops:
            if drop:
                drop.take_places(places)

    def _drops(self, rates: Sequence[float], own: bool) -> list[Dropped | None]:
        drops: list[Dropped | None] = [None] * len(self.A)
        for l, rate in enumerate(rates, start=1):
            if rate > 0:
                drops[l] = Dropped(self._backend, l, self._shapes[l], rate, self._dtype, own)
        return drops

    def _arrays(self) -> list[Array]:
        return by_layer(self._backend.empty(shape, self._dtype) for shape in self._shapes[1:])


def require_trace(trace: object, caller: str) -> None:
    """Raise ConfigurationError unless this is a trace."""
    if not isinstance(trace, Trace):
        raise ConfigurationError(
            f"{caller} takes what forward returned, but got {shown(trace)}: "
            f"trace = net.forward(X); net.{caller}(trace, Y)"
        )
