"""`--mpi`: the same command on every rank that mpiexec has started."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any

from backprop_xp.errors import BackpropError
from backprop_xp.training.distributed.ranks import Ranks, load_mpi


def on_every_rank(command: Callable[[Ranks], int]) -> int:
    """Run a command on all ranks; rank 0 alone prints, errors that all ranks know among it.

    Raises
    ------
    ConfigurationError
        mpi4py or its MPI library is missing.
    BackpropError
        On rank 0, what the command raises; the exit code of the others is 2 then.
    """
    ranks = Ranks(load_mpi().COMM_WORLD)
    if ranks.rank == 0:
        return command(ranks)
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        try:
            return command(ranks)
        except BackpropError:
            return 2


def communicator(ranks: Ranks | None) -> Any:
    """What `fit` takes as `comm`."""
    return None if ranks is None else ranks.comm
