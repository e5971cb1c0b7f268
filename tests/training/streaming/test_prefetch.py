"""one_ahead: the next piece of work is done while the last result is in use, and no longer."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from backprop_xp.training.streaming.prefetch import one_ahead


def ours():
    return [t for t in threading.enumerate() if t.name.startswith("backprop_xp-reads-ahead")]


def test_results_come_in_order():
    assert list(one_ahead(lambda x: -x, range(5))) == [0, -1, -2, -3, -4]
    assert list(one_ahead(lambda x: x, [])) == []
    assert ours() == []


def test_it_works_one_ahead_and_not_further():
    begun = []
    results = one_ahead(begun.append, range(9))
    next(results)
    deadline = time.monotonic() + 10
    while len(begun) < 2 and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.02)
    assert begun == [0, 1]
    results.close()
    assert ours() == []


def test_work_overlaps_with_use():
    """The second piece is done though nobody asks for it: only a thread can have done that."""
    second = threading.Event()
    for item in one_ahead(lambda x: second.set() if x else None, [0, 1]):
        assert second.wait(10), item


def test_an_error_comes_where_its_result_would():
    def work(x):
        if x == 2:
            raise OSError("no disk")
        return x

    results = one_ahead(work, range(5))
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(OSError, match="no disk"):
        next(results)
    assert ours() == []


def test_the_thread_ends_with_a_loop_that_is_left():
    def leave():
        for _ in one_ahead(lambda x: x, range(9)):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        leave()
    assert ours() == []


def test_casts_warn_no_more_than_in_the_loop():
    halves = one_ahead(lambda x: np.array([x]).astype("f4"), [1e300])
    assert np.isinf(next(halves))
    halves.close()
