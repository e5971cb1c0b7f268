"""Blocks for NumPy: a large elementwise kernel runs piece by piece in the cache, on every core."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache, partial
from typing import Any

import numpy as np

# Makes an array of so many elements.
Maker = Callable[[int], np.ndarray]

# Elements of one block: a handful of float32 blocks fit into a core's level-2 cache together.
BLOCK = 32_768
# With several threads, calls must be longer, or the threads wait for the interpreter's lock.
SHARED_BLOCK = 131_072
# From so many elements on, a second thread is worth its start.
SHARED_SIZE = 2**21


def run_blocks(
    function: Callable[..., None], temporaries: Sequence[Maker], *arguments: Any
) -> None:
    """Call `function(*block, *memory)` for every block, on several threads if there are many.

    Arguments as long as the first are cut along the first axis; those of length 1, 0-d arrays and
    numbers go to every block whole. `memory` are arrays like the block, which `temporaries` make.
    """
    length, size = len(arguments[0]), arguments[0].size
    threads = min(thread_count(), length) if size >= SHARED_SIZE else 1
    if threads == 1:
        _run_part(function, temporaries, BLOCK, arguments)
        return
    edges = [length * i // threads for i in range(threads + 1)]
    parts = [_cut(arguments, slice(*edges[i : i + 2])) for i in range(threads)]
    run = partial(_run_part, function, temporaries, SHARED_BLOCK)
    # In a copy of this context, which holds NumPy's errstate.
    others = [_pool().submit(copy_context().run, partial(run, part)) for part in parts[1:]]
    try:
        run(parts[0])
    finally:
        for other in others:
            other.result()


@cache
def thread_count() -> int:
    """Return how many threads to use: the cores of this process, or fewer by OMP_NUM_THREADS."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    wish = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(cores or 1, int(wish))) if wish.isdecimal() else cores or 1


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(thread_count(), "backprop_xp")


if hasattr(os, "register_at_fork"):  # a forked process has none of its parent's threads
    os.register_at_fork(after_in_child=_pool.cache_clear)


def _run_part(
    function: Callable[..., None],
    temporaries: Sequence[Maker],
    elements: int,
    arguments: tuple[Any, ...],
) -> None:
    """Run block after block, all in the same temporaries, which stay in the cache."""
    memory: list[np.ndarray] = []
    for block in _blocks(arguments, elements):
        shape, size = block[0].shape, block[0].size
        if not memory:
            memory = [make(size) for make in temporaries]
        function(*block, *(m[:size].reshape(shape) for m in memory))


def _blocks(arguments: tuple[Any, ...], elements: int) -> Iterator[tuple[Any, ...]]:
    """Yield blocks of at most so many elements, if need be by cutting rows, too."""
    length = len(arguments[0])
    row = arguments[0].size // length
    if row > elements:
        for i in range(length):
            yield from _blocks(tuple(_row(argument, i) for argument in arguments), elements)
        return
    rows = elements // row
    for start in range(0, length, rows):
        yield _cut(arguments, slice(start, start + rows))


def _cut(arguments: tuple[Any, ...], part: slice) -> tuple[Any, ...]:
    length = len(arguments[0])
    return tuple(
        a[part] if isinstance(a, np.ndarray) and a.ndim > 0 and len(a) == length else a
        for a in arguments
    )


def _row(argument: Any, i: int) -> Any:
    if not isinstance(argument, np.ndarray) or argument.ndim == 0:
        return argument
    return argument[i if len(argument) > 1 else 0]
