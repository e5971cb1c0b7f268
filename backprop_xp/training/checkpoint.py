"""Checkpoint: a run on disk after every epoch, and `fit(resume=path)` to go on from there.

A checkpoint is a saved network (`bp.load` opens it) that also holds what the run needs to continue
bit for bit: the optimizer's slots, the state of the generator that shuffles, the history, and what
schedule and callbacks remember.
"""

from __future__ import annotations

import os
import zlib
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_xp.backends.base import Array
from backprop_xp.errors import ConfigurationError, shown
from backprop_xp.maths.network import Network
from backprop_xp.maths.optimizer import MOMENTS, Optimizer
from backprop_xp.maths.saved import column_document, describe
from backprop_xp.number_checks import require_count
from backprop_xp.training.callbacks import Callback

if TYPE_CHECKING:
    from backprop_xp.training.run import TrainingRun


class Checkpoint(Callback):
    """Write the run to a file before the first epoch, after every so many, and after the last.

    The file takes the place of the one before at once: however the process ends, one of the two is
    there, complete. After a run `bp.load` finds in it the weights that the network then has, those
    that `EarlyStopping` put back, say; `fit(resume=)` goes on from the end of the last epoch.

    Parameters
    ----------
    path : str or path-like
        Where to write, such as "run.safetensors": beneath the directory of now, wherever the
        process goes later.
    every_epochs : int
    extra : dict, optional
        What shall travel with the network: text, numbers, None, and lists and dicts of them.

    Examples
    --------
    >>> import os, tempfile
    >>> import backprop_xp as bp
    >>> X, Y = [[0.0], [1.0], [2.0]], [0, 1, 1]
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     path = os.path.join(directory, "run.safetensors")
    ...     net = bp.Network([1, 1], backend="numpy")
    ...     _ = bp.fit(net, X, Y, epochs=2, callbacks=[bp.Checkpoint(path)])
    ...     history = bp.fit(net, X, Y, epochs=5, resume=path)
    >>> len(history.loss)
    5
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        every_epochs: int = 1,
        extra: dict[str, Any] | None = None,
    ) -> None:
        if not isinstance(path, str | os.PathLike):
            raise ConfigurationError(f"Checkpoint: path={shown(path)}, but expected a file's path")
        require_count("every_epochs", every_epochs, owner="Checkpoint")
        self.path = os.path.abspath(os.fspath(path))
        self.every_epochs, self.extra = int(every_epochs), extra
        self._written: str | None = None

    def on_train_begin(self, run: Any) -> None:
        # So that there is a checkpoint at every moment, and a place that cannot be written is
        # noticed before anything was trained.
        self._save(run)

    def on_epoch_end(self, run: Any) -> None:
        due = run.epoch % self.every_epochs == 0
        if due or run.epoch == run.epochs or run.history.stopped is not None:
            self._save(run)

    def conclude(self, run: Any) -> None:
        """Let the file hold the weights that the network has after the run, if it has not yet."""
        if self._written is None or digest(run.net, run.net.theta) == self._written:
            return
        from backprop_xp.storage import read, write

        arrays, document = read(self.path)
        arrays = {LAST: arrays["theta"], **arrays, "theta": run.net.backend.to_numpy(run.net.theta)}
        write(self.path, arrays, document)

    def _save(self, run: Any) -> None:
        save_run(run, self.path, self.extra)
        self._written = digest(run.net, run.net.theta)


# The weights at the end of the last epoch, where they are others than those of the network.
LAST = "last theta"


def digest(net: Network, *arrays: Array) -> str:
    """A number that tells arrays apart, as text."""
    number = 0
    for array in arrays:
        number = zlib.crc32(np.ascontiguousarray(net.backend.to_numpy(array)).data, number)
    return f"{number:08x}"


def save_run(run: TrainingRun, path: str | os.PathLike[str], extra: dict[str, Any] | None) -> None:
    """Write a run between two epochs.

    Raises
    ------
    CheckpointError
        The file cannot be written; an old one is untouched.
    """
    from backprop_xp.storage import write

    to_numpy, plan = run.net.backend.to_numpy, run.plan
    arrays = {"theta": to_numpy(run.net.theta)}
    arrays |= {f"slot {i}": to_numpy(slot) for i, slot in enumerate(run.state.slots)}
    remembered = []
    for i, callback in enumerate(stateful(run)):
        state = callback.state()
        held = {key: value for key, value in state.items() if isinstance(value, np.ndarray)}
        arrays |= {f"callback {i} {key}": value for key, value in held.items()}
        remembered.append({key: value for key, value in state.items() if key not in held})
    document = {
        "architecture": describe(run.net.architecture),
        "extra": extra or {},
        **column_document(run.net.columns),
        "run": {
            "identity": identity(run),
            "epoch": run.epoch,
            "steps": run.state.steps,
            "moments": MOMENTS,
            "dropout_seed": run.step.seed,
            "generator": _generators(plan.batches.rngs),
            "history": plain(asdict(run.history)),
            "schedule": plan.schedule.state() if plan.schedule else {},
            "callbacks": remembered,
        },
    }
    write(path, arrays, document)


def identity(run: TrainingRun) -> dict[str, Any]:
    """What must be the same when a run goes on."""
    plan = run.plan
    return {
        "dtype": run.net.dtype,
        "number of parameters": int(run.net.theta.shape[-1]),
        "number of rows": plan.batches.rows,
        "batch_size": plan.batches.batch_size,
        "optimizer": _options(run.optimizer),
        "schedule": None if plan.schedule is None else type(plan.schedule).__name__,
        "callbacks": [type(callback).__name__ for callback in stateful(run)],
        "seed": plan.seed,
        "members": run.net.members,
    }


def stateful(run: TrainingRun) -> list[Callback]:
    """The callbacks that remember something; others may differ when a run goes on."""
    return [c for c in run.plan.callbacks if type(c).state is not Callback.state]


def _options(optimizer: Optimizer) -> dict[str, Any]:
    options = {f.name: getattr(optimizer, f.name) for f in fields(optimizer) if f.init}
    return {"name": type(optimizer).__name__, **options}


def plain(value: Any) -> Any:
    """Return what JSON can hold, as it comes back from there."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _generators(rngs: list[Any]) -> Any:
    """The state of the generator that shuffles, or a list of them, one for each member."""
    states = [plain(_state(rng)) for rng in rngs]
    return states[0] if len(states) == 1 else states


def _state(rng: Any) -> Any:
    if isinstance(rng, np.random.RandomState):  # with which the estimators shuffle
        return rng.get_state(legacy=False)
    return rng.bit_generator.state
