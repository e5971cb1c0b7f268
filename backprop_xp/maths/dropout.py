"""Dropout (Srivastava et al., 2014), inverted: D holds 0 or 1/(1−p), and A ∗ D goes on.

Which units are dropped is a hash of the number of the pattern, the layer and the place in the
batch. So the same pattern is the same on every backend and in every process, nothing has to be
drawn or moved, and there is no state to keep: a step's pattern follows from its number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backprop_xp.backends.base import Array, Backend, Namespace
from backprop_xp.backends.host_data import host_array
from backprop_xp.errors import ConfigurationError, shown
from backprop_xp.maths.step_numbers import StepNumbers
from backprop_xp.number_checks import is_count

_WORD = 0xFFFFFFFF
_LONG = 0xFFFFFFFFFFFFFFFF
_GOLDEN = 0x9E3779B97F4A7C15


class Dropped:
    """What one hidden layer keeps for dropout, for one batch size.

    Attributes
    ----------
    D : array, shape (…, m, n_l)
        ∂H/∂A: 0 where a unit is dropped, else 1/(1−p), so that the expectation of H is A.
    H : array, shape (…, m, n_l)
        H[l] = A[l] ∗ D[l], what the next layer receives.
    keys : StepNumbers
        The pattern of the passes that follow.

    With `own_patterns` each network of a stack has a pattern of its own; else all share one, and
    differ by θ alone.
    """

    def __init__(
        self,
        backend: Backend,
        layer: int,
        shape: tuple[int, ...],
        rate: float,
        dtype: str,
        own_patterns: bool = False,
    ) -> None:
        self._backend, self._layer = backend, layer
        shared = (*(1 for _ in shape[:-2]), *shape[-2:])
        self.D = backend.empty(shape if own_patterns else shared, dtype)
        self.H = backend.empty(shape, dtype)
        xp, count = backend.xp, shape[-2] * shape[-1]
        places = xp.arange(count, dtype=xp.uint32, device=backend.device)
        self._place = xp.reshape(places, shared)
        each = (*shape[:-2], 1, 1) if own_patterns else ()
        self.keys = StepNumbers(backend, (3, *each), "uint32")
        self._keep = min(round((1.0 - rate) * 2**32), _WORD)
        scale = backend.full((), 1.0 / (1.0 - rate), dtype)
        keys = (self.keys.array[i, ...] for i in range(3))
        self._pattern = (self._place, *keys, scale)
        self._draw = backend.elementwise(draw)
        self._drop = backend.elementwise(drop)
        self._units: tuple[Array, ...] = ()

    def keys_of(self, pattern: int | Sequence[int]) -> Any:
        """What `keys` hold for the pattern of that number, or for one of each member."""
        if isinstance(pattern, int):
            return self._words(pattern)
        return host_array([self._words(own) for own in pattern], "uint32").T

    def take_places(self, rows: Array) -> None:
        """Hash as if example i were row `rows[i]` of the batch: (…, m, 1) of uint32."""
        if not self._units:
            xp, width = self._backend.xp, self.D.shape[-1]
            units = xp.arange(width, dtype=xp.uint32, device=self._backend.device)
            units = xp.reshape(units, (*(1 for _ in self.D.shape[:-1]), width))
            self._units = units, self._backend.full((), width, "uint32")
            self._number = self._backend.elementwise(number_places)
        self._number(self._place, rows, *self._units)

    def _words(self, pattern: int) -> tuple[int, int, int]:
        key = _mixed(_mixed(pattern) + self._layer * _GOLDEN)
        return key & _WORD, key >> 32, self._keep

    def apply(self, A: Array) -> None:
        """Fill D and H (F2 with dropout)."""
        self._draw(self.D, *self._pattern)
        self._drop(self.H, A, self.D)


def checked_pattern(given: Any, members: int | None) -> int | list[int] | None:
    """Return the number of a pattern, or a list of one for each member.

    Raises
    ------
    ConfigurationError
        They are no integers ≥ 0, or not one for each member.
    """
    if given is None or is_count(given, least=0):
        return given if given is None else int(given)
    one_each = isinstance(given, list | tuple) and len(given) == members
    if not one_each or not all(is_count(own, least=0) for own in given):
        raise ConfigurationError(
            f"dropout={shown(given)}: expected a pattern's number ≥ 0, or for a population a "
            "list of one for each member"
        )
    return [int(own) for own in given]


def draw(
    xp: Namespace, D: Array, place: Array, key1: Array, key2: Array, keep: Array, scale: Array
) -> None:
    """`(D, place, key1, key2, keep, scale)`: hash every place; `keep`/2³² of the hashes stay.

    The multipliers and shifts are those of Wellons' lowbias32, the second key goes in between.
    """
    x = place ^ key1
    x = (x ^ (x >> 16)) * 0x7FEB352D
    x = (x ^ key2 ^ (x >> 15)) * 0x846CA68B
    x = x ^ (x >> 16)
    D[...] = xp.where(x < keep, scale, 0.0)


def drop(xp: Namespace, H: Array, A: Array, D: Array) -> None:
    """`(H, A, D)`: H[l] = A[l] ∗ D[l]."""
    H[...] = A * D


def number_places(xp: Namespace, place: Array, row: Array, unit: Array, width: Array) -> None:
    """`(place, row, unit, width)`: the places of the units of some rows of a batch."""
    place[...] = row * width + unit


def _mixed(x: int) -> int:
    """Spread the bits of a number over 64 (Steele et al., 2014, SplitMix64)."""
    x = (x + _GOLDEN) & _LONG
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _LONG
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _LONG
    return x ^ (x >> 31)
