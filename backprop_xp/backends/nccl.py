"""NCCL's all-reduce for arrays on GPUs, one GPU per rank. It was not run on several GPUs yet."""

from __future__ import annotations

from typing import Any

import cupy
from cupy.cuda import nccl

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
        if not nccl.available:
            raise BackendError(
                "CuPy finds no NCCL, which sums gradients between GPUs: "
                "pip install nvidia-nccl-cu13 (or nvidia-nccl-cu12, to match CuPy)"
            )
        unique = comm.bcast(nccl.get_unique_id() if comm.rank == 0 else None)
        self._communicator = nccl.NcclCommunicator(comm.size, unique, comm.rank)

    def __call__(self, array: Array) -> None:
        kind = nccl.NCCL_FLOAT64 if array.dtype == cupy.float64 else nccl.NCCL_FLOAT32
        place, stream = array.data.ptr, cupy.cuda.get_current_stream().ptr
        self._communicator.allReduce(place, place, array.size, kind, nccl.NCCL_SUM, stream)
