"""The sum of an array over the ranks of an MPI job, in the way that suits the backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backprop_xp.backends.base import Array, Backend

AllReduce = Callable[[Array], None]


def all_reduce(backend: Backend, comm: Any) -> AllReduce:
    """Return a function that replaces an array by its sum over all ranks, in place.

    Parameters
    ----------
    backend : Backend
        NumPy's arrays are handed to MPI as they are; CuPy's are summed by NCCL, for which MPI only
        makes the introductions; those of another backend go through the host.
    comm : mpi4py.MPI.Intracomm
    """
    if comm.size == 1:
        return lambda array: None
    if backend.name == "cupy":
        from backprop_xp.backends.nccl import NcclSum

        return NcclSum(comm)
    from mpi4py import MPI

    if backend.library == "numpy":
        return lambda array: comm.Allreduce(MPI.IN_PLACE, array)

    def through_the_host(array: Array) -> None:
        host = backend.to_numpy(array).copy()
        comm.Allreduce(MPI.IN_PLACE, host)
        array[...] = backend.asarray(host)

    return through_the_host
