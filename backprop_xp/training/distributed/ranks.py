"""Ranks: the processes of an MPI job, and how a failure of one reaches the others."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import backprop_xp.errors as errors
from backprop_xp.errors import BackpropError, ConfigurationError, DivergenceError, shown

_INSTALL = 'pip install "backprop-xp[mpi]"'


def load_mpi() -> Any:
    """Return `mpi4py.MPI`, whose import starts MPI.

    Raises
    ------
    ConfigurationError
        mpi4py, or the MPI library beneath it, is missing.
    """
    if importlib.util.find_spec("mpi4py") is None:
        raise ConfigurationError(
            f"training on several processes needs mpi4py, which is not installed: {_INSTALL}"
        )
    try:
        from mpi4py import MPI
    except (ImportError, OSError, RuntimeError) as problem:
        reason = str(problem).strip().partition("\n")[0]
        raise ConfigurationError(
            f"mpi4py is installed, but finds no MPI library ({reason}): {_INSTALL} brings one, "
            "or use the MPI of your system"
        ) from problem
    return MPI


class Ranks:
    """The processes that train one network together.

    Attributes
    ----------
    comm : mpi4py.MPI.Intracomm
        A duplicate of the user's, so that messages of theirs are never taken for ours.
    rank, size : int
        The number of this process, from 0, and of all.

    Raises
    ------
    ConfigurationError
        `comm` is no communicator, or MPI is missing.
    """

    def __init__(self, comm: Any) -> None:
        MPI = load_mpi()
        if not isinstance(comm, MPI.Intracomm) or comm == MPI.COMM_NULL:
            raise ConfigurationError(
                f"comm={shown(comm)}: expected a communicator of mpi4py, such as MPI.COMM_WORLD"
            )
        self.comm = comm.Dup()
        self.rank, self.size = int(comm.rank), int(comm.size)
        self._agreed: BaseException | None = None

    def close(self) -> None:
        """Give the duplicate back; all ranks call it together."""
        self.comm.Free()

    def gather(self, value: Any) -> list[Any]:
        """The values of all ranks, in their order, on every rank.

        A rank that failed in a block of `together` answers with its error, which is raised here.
        """
        return self._exchange(value, None)

    def from_first(self, make: Callable[[], Any]) -> Any:
        """What `make()` returns on rank 0, on every rank; an error there is raised on every rank.

        Parameters
        ----------
        make : callable
            Called on rank 0 alone.
        """
        made = None
        with self.together():
            if self.rank == 0:
                made = make()
        return self.comm.bcast(made)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Run a block to whose end all ranks come: if it fails on one, it fails on all.

        A rank that fails raises its error, the others one of the same kind that names it.
        """
        problem: Exception | None = None
        try:
            yield
        except Exception as raised:
            if raised is self._agreed:
                raise
            problem = raised
        self._exchange(None, problem)

    def _exchange(self, value: Any, problem: Exception | None) -> list[Any]:
        told = None if problem is None else (_kind(problem), _words(problem))
        answers = self.comm.allgather((value, told))
        for rank, (_, failed) in enumerate(answers):
            if failed:
                kind, words = failed
                self._agreed = problem or getattr(errors, kind)(f"rank {rank}: {words}")
                raise self._agreed
        return [value for value, _ in answers]

    @contextmanager
    def fatal(self) -> Iterator[None]:
        """Run a block in which the ranks wait for each other: an error on one ends the job.

        The others could not be told, as they wait for numbers. What all ranks raise alike, a
        DivergenceError or an error of `together`, is raised as usual; so is all if there is but
        one rank.
        """
        try:
            yield
        except BaseException as problem:
            alike = isinstance(problem, DivergenceError) or problem is self._agreed
            if alike or self.size == 1:
                raise
            traceback.print_exc()
            print(
                f"backprop_xp: rank {self.rank} of {self.size} failed within an epoch "
                f"({type(problem).__name__}), and the others wait for it: the job ends. A "
                "checkpoint of an earlier epoch is complete: fit(resume=) goes on from it",
                file=sys.stderr,
                flush=True,
            )
            self.comm.Abort(1)

    def require_alike(
        self,
        mine: dict[str, Any],
        kind: type[BackpropError] = ConfigurationError,
        advice: str = "",
    ) -> None:
        """Raise an error of that kind on every rank unless all ranks have the same values.

        Parameters
        ----------
        mine : dict
            What to compare, by the names that a message shall use.
        kind : type
        advice : str
            A sentence at the end of the message.
        """
        everyone = self.gather(mine)
        for name in mine:
            values = [str(theirs.get(name)) for theirs in everyone]
            if len(set(values)) > 1:
                told = f"the ranks do not agree on the {name}: {_by_rank(values)}. {advice}"
                self._agreed = kind(told.rstrip(". "))
                raise self._agreed


def _kind(problem: Exception) -> str:
    """The name of the nearest class of errors.py."""
    ours = (c.__name__ for c in type(problem).__mro__ if c.__module__ == errors.__name__)
    return next(ours, BackpropError.__name__)


def _words(problem: Exception) -> str:
    known = isinstance(problem, BackpropError)
    return str(problem) if known else f"{type(problem).__name__}: {problem}"


def _by_rank(values: list[str]) -> str:
    """Such as "'a' on rank 0; 'b' on ranks 1, 2"."""
    parts = []
    for value in dict.fromkeys(values):
        ranks = [str(rank) for rank, other in enumerate(values) if other == value]
        some = ranks if len(ranks) <= 8 else [*ranks[:8], f"… {len(ranks)} in all"]
        parts.append(f"{value} on rank{'s' if len(ranks) > 1 else ''} {', '.join(some)}")
    return "; ".join(parts)
