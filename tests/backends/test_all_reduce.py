"""The sum over ranks, as far as it needs no second rank: see tests/training for the others."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.backends.all_reduce import all_reduce


class Comm:
    """A communicator of so many ranks."""

    rank = 0

    def __init__(self, size):
        self.size = size

    def bcast(self, value):
        return value


def test_one_rank_needs_no_library(backend):
    array = backend.asarray(np.arange(3.0))
    all_reduce(backend, Comm(1))(array)
    assert backend.to_numpy(array).tolist() == [0.0, 1.0, 2.0]


def test_where_nccl_is_missing_the_error_says_what_to_install(cupy_backend, monkeypatch):
    nccl = pytest.importorskip("backprop_xp.backends.nccl")

    class Missing:
        available = False

    import cupy

    monkeypatch.setattr(cupy.cuda, "nccl", Missing, raising=False)
    monkeypatch.setitem(sys.modules, "cupy.cuda.nccl", Missing)
    with pytest.raises(bp.BackendError, match=r"no NCCL.*backprop-xp\[nccl13\].*nccl12"):
        nccl.NcclSum(Comm(2))
    with pytest.raises(bp.BackendError, match="no NCCL"):
        all_reduce(cupy_backend, Comm(2))
