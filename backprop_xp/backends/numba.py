"""NumPy's arrays at the speed of compiled code: recorded steps become loops, as machine code.

Of Numba only its compiler is needed, llvmlite. What Numba adds, the translation of Python, would
cost every process half a second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import llvmlite
import numpy as np

from backprop_xp.backends.base import Array, Numbers
from backprop_xp.backends.numba_cache import directory
from backprop_xp.backends.numba_record import NotCompilable
from backprop_xp.backends.numba_steps import CompiledLoop, CompiledStep
from backprop_xp.backends.numpy import NumPyBackend


class NumbaBackend(NumPyBackend):
    """NumPy's arrays and kernels; training steps are machine code."""

    name = "numba"

    def __init__(self) -> None:
        super().__init__()
        version, where = llvmlite.__version__, directory()
        self.description = (
            f"Numba's llvmlite {version} with NumPy {np.__version__}, compiled steps in {where}"
        )

    def compile(self, step: Callable[..., Array]) -> Callable[..., Array]:
        return CompiledStep(step, super().compile(step))

    def loop(
        self,
        step: Callable[..., tuple[Array, ...]],
        numbers_of: Callable[..., Sequence[Numbers]],
        tables: tuple[Array, ...],
        size: int,
    ) -> CompiledLoop | None:
        try:
            return CompiledLoop(step, numbers_of, tables, size)
        except NotCompilable:  # taken one by one, the steps say why
            return None
