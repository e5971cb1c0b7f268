"""Working one ahead: while one piece of data is in use, a thread gets the next."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")
Result = TypeVar("Result")


def one_ahead(work: Callable[[Item], Result], items: Iterable[Item]) -> Generator[Result]:
    """Yield `work(item)` for every item, in order; the next is worked on while one is in use.

    Whoever asks for the next result is done with the last one: its memory may be written over by
    the one after. What `work` raises is raised here. The thread ends with the iterator, however
    that ends; work under way is waited for.

    Examples
    --------
    >>> list(one_ahead(lambda x: x * x, range(4)))
    [0, 1, 4, 9]
    """
    waiting = iter(items)
    with ThreadPoolExecutor(1, thread_name_prefix="backprop_xp-reads-ahead") as thread:

        def submit() -> Future[Result] | None:
            for item in waiting:
                return thread.submit(_quietly, work, item)
            return None

        pending = submit()
        while pending is not None:
            result = pending.result()
            pending = submit()
            yield result


def _quietly(work: Callable[[Item], Result], item: Item) -> Result:
    # As in the thread that trains; what does not fit into a dtype is named by the checks of values.
    with np.errstate(over="ignore", invalid="ignore"):
        return work(item)
