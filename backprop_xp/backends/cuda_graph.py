"""CUDA graphs: work on the device that is captured once and then launched all at once."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any

import cupy

from backprop_xp.backends.base import Array

_log = logging.getLogger("backprop_xp")


class NotCapturedError(Exception):
    """The work cannot be a graph; `__cause__` says why. It has not run."""


class Graph:
    """Work that runs eagerly once, which compiles its kernels, and then as one graph.

    All memory that the work takes, from its first run on, comes from a pool that nothing else uses
    while the graph lives: what a launch writes to belongs to nobody else.

    Parameters
    ----------
    work : callable
        Without arguments; does the same on the same arrays in every call.
    stream : cupy.cuda.Stream
        Where the work runs the first time, and is captured. Graphs are launched on the current one.
    """

    def __init__(self, work: Callable[[], Array], stream: cupy.cuda.Stream) -> None:
        self._work, self._stream = work, stream
        self._pool = cupy.cuda.MemoryPool()
        self._ready = False
        self._graph: Any = None
        self._result: Array = None

    def run(self) -> Array:
        """Do the work and return its result, which the next call writes over.

        Raises
        ------
        NotCapturedError
            The work can only run eagerly. It was not done.
        """
        if self._graph is None:
            if not self._ready:
                return self._run_eagerly()
            self._capture()
        self._graph.launch()
        return self._result

    @contextlib.contextmanager
    def memory(self) -> Iterator[None]:
        """Within it, arrays are made in this graph's memory, in the order of its stream."""
        current = cupy.cuda.get_current_stream()
        self._stream.wait_event(current.record())
        with self._stream, cupy.cuda.using_allocator(self._pool.malloc):
            yield
        current.wait_event(self._stream.record())

    def _run_eagerly(self) -> Array:
        with self.memory():
            result = self._work()
        self._ready = True
        return result

    def _capture(self) -> None:
        with self._stream, cupy.cuda.using_allocator(self._pool.malloc):
            self._stream.begin_capture()
            try:
                result = self._work()
            except BaseException as problem:
                with contextlib.suppress(Exception):  # it says only that the capture has failed
                    self._stream.end_capture()
                if isinstance(problem, Exception):
                    raise NotCapturedError from problem
                raise
            try:
                self._graph = self._stream.end_capture()
            except Exception as problem:
                raise NotCapturedError from problem
            self._result = result


class GraphedStep:
    """`step` as a graph for every kind of its inputs.

    The first call of a kind, which is their shapes and dtypes, runs eagerly, the second captures.
    Where a step cannot be captured it goes on eagerly, and a log message says so once.
    """

    def __init__(self, step: Callable[..., Array]) -> None:
        self._step = step
        self._stream = cupy.cuda.Stream(non_blocking=True)
        self._captured: dict[Any, _OfOneKind] = {}
        self._eager = False

    def __call__(self, *inputs: Array) -> Array:
        if self._eager:
            return self._step(*inputs)
        kind = tuple([(array.shape, array.dtype) for array in inputs])
        if kind not in self._captured:
            self._captured[kind] = _OfOneKind(self._step, inputs, self._stream)
        try:
            return self._captured[kind].run(inputs)
        except NotCapturedError as problem:
            self._eager = True
            say_eager(problem)
            return self._step(*inputs)


class _OfOneKind:
    """The graph of one kind of inputs, with the arrays that it reads them from."""

    def __init__(
        self, step: Callable[..., Array], inputs: tuple[Array, ...], stream: cupy.cuda.Stream
    ) -> None:
        self.inputs = tuple([cupy.empty(array.shape, array.dtype) for array in inputs])
        self.graph = Graph(lambda: step(*self.inputs), stream)

    def run(self, inputs: tuple[Array, ...]) -> Array:
        """Copy a batch to where the graph reads it, and return the step's result."""
        for kept, given in zip(self.inputs, inputs, strict=True):
            _copy(given, kept)
        result = self.graph.run()
        copied = cupy.empty(result.shape, result.dtype)
        _copy(result, copied)
        return copied


def _copy(given: Array, out: Array) -> None:
    """Copy to an array in one piece; a plain copy of memory costs the host a third of `[...] =`."""
    if given.flags.c_contiguous:
        out.data.copy_from_device_async(given.data, out.nbytes)
    else:
        out[...] = given


def say_eager(problem: NotCapturedError) -> None:
    """Say why steps run without a graph, by what went wrong first."""
    _log.warning("training steps run without a CUDA graph: %s", problem.__cause__)
