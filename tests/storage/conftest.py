"""Memory that is watched."""

from __future__ import annotations

import tracemalloc
from contextlib import contextmanager

import pytest


@pytest.fixture
def at_most():
    """`with at_most(bytes):` fails if Python and NumPy take more, whatever else happens within."""

    @contextmanager
    def watch(limit):
        tracemalloc.start()
        try:
            yield
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert peak < limit, f"{peak:,} bytes were taken"

    return watch
