"""Batches on their way to the GPU: pinned memory, a stream for copies, and events.

While a step runs on the current stream, the next batch is copied on another one.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import Any

import cupy
import numpy as np

from backprop_xp.backends.base import Array, Backend, Mover

# One batch is trained on, one is on its way, one is being written.
_SLOTS = 3


class PinnedMover(Mover):
    """Three places for every shape and dtype, each on the host and on the device."""

    def __init__(self, backend: Backend) -> None:
        super().__init__(backend)
        self._stream = cupy.cuda.Stream(non_blocking=True)
        self._rings: dict[Any, Iterator[_Slot]] = {}
        self._latest: dict[Any, _Slot] = {}

    def move(self, host: np.ndarray) -> Array:
        slot = self._next(host)
        slot.host[...] = host
        self._stream.wait_event(slot.used)
        slot.device.set(slot.host, stream=self._stream)
        slot.moved = self._stream.record()
        cupy.cuda.get_current_stream().wait_event(slot.moved)
        return slot.device

    def _next(self, host: np.ndarray) -> _Slot:
        """The next place for an array of this kind, where the host may write."""
        kind = host.shape, host.dtype
        if kind not in self._rings:
            self._rings[kind] = cycle([_Slot(*kind) for _ in range(_SLOTS)])
        elif kind in self._latest:
            # All that uses the batch before has been asked of the device by now.
            self._latest[kind].used = cupy.cuda.get_current_stream().record()
        slot = self._latest[kind] = next(self._rings[kind])
        if slot.moved is not None:
            slot.moved.synchronize()  # of three batches ago: the host may write there again
        return slot


class _Slot:
    """A batch on the host and on the device, with the events after its copy and its use."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.device = cupy.empty(shape, dtype)
        memory, size = cupy.cuda.alloc_pinned_memory(self.device.nbytes), self.device.size
        self.host: np.ndarray = np.frombuffer(memory, dtype, size).reshape(shape)
        self.moved: Any = None
        # What had this memory before may be in use until now.
        self.used = cupy.cuda.get_current_stream().record()
