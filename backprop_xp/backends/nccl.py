"""NCCL's all-reduce for arrays on GPUs, one GPU per rank. It was not run on several GPUs yet."""

from __future__ import annotations

import warnings
from typing import Any

import cupy

from backprop_xp.backends.base import Array
from backprop_xp.errors import BackendError


class NcclSum:
    """Sums arrays over ranks, in place, on the current stream: the host waits for nothing.

    Parameters
    ----------
    comm : mpi4py.MPI.Intracomm
        Carries NCCL's unique id from rank 0 to the others.

    Raises
    ------
    BackendError
        CuPy finds no NCCL.
    """

    def __init__(self, comm: Any) -> None:
        self._nccl = _nccl()
        unique = comm.bcast(self._nccl.get_unique_id() if comm.rank == 0 else None)
        self._communicator = self._nccl.NcclCommunicator(comm.size, unique, comm.rank)

    def __call__(self, array: Array) -> None:
        nccl = self._nccl
        kind = nccl.NCCL_FLOAT64 if array.dtype == cupy.float64 else nccl.NCCL_FLOAT32
        place, stream = array.data.ptr, cupy.cuda.get_current_stream().ptr
        self._communicator.allReduce(place, place, array.size, kind, nccl.NCCL_SUM, stream)


def _nccl() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is missing; the error below says it
        from cupy.cuda import nccl
    if not nccl.available:
        raise BackendError(
            "CuPy finds no NCCL, which sums gradients between GPUs: "
            "pip install 'backprop-xp[nccl13]' (or backprop-xp[nccl12], to match CuPy)"
        )
    return nccl
