"""A training step as one CUDA graph: captured once per batch shape, then replayed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import cupy

from backprop_xp.backends.base import Array

_log = logging.getLogger("backprop_xp")


class GraphedStep:
    """`step` with its kernels launched all at once.

    The first call of a batch shape runs eagerly, which compiles the kernels and takes the memory;
    the second captures the same launches without running them, and launches the graph. Where a step
    cannot be captured it goes on eagerly, and a log message says so once.
    """

    def __init__(self, step: Callable[..., Array]) -> None:
        self._step = step
        self._stream = cupy.cuda.Stream(non_blocking=True)
        # Memory that the graphs use is never handed out to anybody else.
        self._pool = cupy.cuda.MemoryPool()
        self._captured: dict[Any, _Captured] = {}
        self._eager = False

    def __call__(self, *inputs: Array) -> Array:
        shapes = tuple([array.shape for array in inputs])
        if self._eager:
            return self._step(*inputs)
        if shapes not in self._captured:
            self._captured[shapes] = _Captured(inputs)
            return self._on_stream(self._captured[shapes], inputs).copy()
        captured = self._captured[shapes]
        if captured.graph is None:
            try:
                self._capture(captured)
            except Exception as problem:
                self._eager = True
                _log.warning("this step runs without a CUDA graph: %s", problem)
                return self._step(*inputs)
        captured.take(inputs)
        captured.graph.launch()
        return captured.result.copy()

    def _on_stream(self, captured: _Captured, inputs: tuple[Array, ...]) -> Array:
        """Run the step eagerly, with the stream and the memory that the capture will have."""
        captured.take(inputs)
        current = cupy.cuda.get_current_stream()
        self._stream.wait_event(current.record())
        with self._stream, cupy.cuda.using_allocator(self._pool.malloc):
            result = self._step(*captured.inputs)
        current.wait_event(self._stream.record())
        return result

    def _capture(self, captured: _Captured) -> None:
        with self._stream, cupy.cuda.using_allocator(self._pool.malloc):
            self._stream.begin_capture()
            try:
                captured.result = self._step(*captured.inputs)
            finally:
                captured.graph = self._stream.end_capture()


class _Captured:
    """The graph of one batch shape, with the arrays that it reads its inputs from."""

    def __init__(self, inputs: tuple[Array, ...]) -> None:
        self.inputs = tuple(cupy.empty(array.shape, array.dtype) for array in inputs)
        self.graph: Any = None
        self.result: Array = None

    def take(self, inputs: tuple[Array, ...]) -> None:
        """Copy a batch to where the graph reads it."""
        for own, given in zip(self.inputs, inputs, strict=True):
            own[...] = given
