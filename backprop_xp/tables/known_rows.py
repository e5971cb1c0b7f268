"""KnownRows: whether rows are among those that a model was trained on, from a few kilobytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

# So many hashes are kept: of more rows the smallest, which are a random sample (Broder, 1997).
_KEPT = 2048
# Tables of few different rows, such as a single boolean column, have every row in common with any
# other table of their kind: nothing can be known then.
_DIFFERENT = 0.9
_BITS = 53  # such integers are exact in any JSON
_ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class KnownRows:
    """Hashes of rows.

    Attributes
    ----------
    hashes : tuple of int
        Ascending; of fewer than 2048 rows all, else the smallest ones.
    """

    hashes: tuple[int, ...]

    @classmethod
    def of(cls, X: np.ndarray) -> KnownRows | None:
        """Remember preprocessed rows, (m, features); None if too many of them are alike."""
        different = np.unique(_hashes(X))
        if len(different) < _DIFFERENT * len(X):
            return None
        return cls(tuple(different[:_KEPT].tolist()))

    @classmethod
    def restored(cls, hashes: Any) -> KnownRows:
        """Return what had these `hashes`; raise ValueError if they cannot be."""
        sound = isinstance(hashes, list) and 0 < len(hashes) <= _KEPT
        if not sound or not all(type(h) is int and 0 <= h < 2**_BITS for h in hashes):
            raise ValueError("its training rows are no hashes")
        return cls(tuple(hashes))

    @property
    def complete(self) -> bool:
        """Whether all hashes were kept."""
        return len(self.hashes) < _KEPT

    def share(self, X: np.ndarray) -> float:
        """The fraction of these rows, (m, features), that are known.

        It is exact if all hashes were kept, else measured on the rows whose hashes would have been,
        and 0 if there is none.
        """
        hashes = _hashes(X)
        if not self.complete:
            hashes = hashes[hashes <= self.hashes[-1]]
        return float(np.isin(hashes, self.hashes).mean()) if len(hashes) else 0.0


def _hashes(X: np.ndarray) -> np.ndarray:
    """A number of 53 bits for each row, the same for the same float32 values on any machine."""
    factors = np.random.PCG64(0).random_raw(X.shape[1]) | np.uint64(1)
    hashes = np.empty(len(X), dtype=np.uint64)
    for start in range(0, len(X), _ROWS_AT_ONCE):
        rows = np.ascontiguousarray(X[start : start + _ROWS_AT_ONCE], dtype="<f4") + np.float32(0)
        words = rows.view("<u4").astype(np.uint64)  # + 0, because −0 is the same number
        mixed = _mix(words * factors).sum(axis=1, dtype=np.uint64)
        hashes[start : start + len(rows)] = _mix(mixed)
    return (hashes >> np.uint64(64 - _BITS)).astype(np.int64)


def _mix(numbers: np.ndarray) -> np.ndarray:
    """Mix every bit with all others (the end of SplitMix64; Steele et al., 2014)."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: np.ndarray = numbers ^ (numbers >> np.uint64(31))
    return mixed
