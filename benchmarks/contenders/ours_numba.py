"""The same by the backend numba: steps as machine code, called one by one."""

from __future__ import annotations

from benchmarks.contenders.ours import Ours


class OursNumba(Ours):
    """One compiled training step of backprop_xp."""

    backend = "numba"


CONTENDER = OursNumba
