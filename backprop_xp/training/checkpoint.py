"""Checkpoint: a run on disk after every epoch, and `fit(resume=path)` to go on from there.

A checkpoint is a saved network (`bp.load` opens it) that also holds what the run needs to continue
bit for bit: the optimizer's slots, the state of the generator that shuffles, the history, and what
schedule and callbacks remember.
"""

from __future__ import annotations

import os
from dataclasses import asdict, fields
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_xp.errors import CheckpointError, ConfigurationError
from backprop_xp.maths.optimizer import Optimizer
from backprop_xp.maths.saved import describe
from backprop_xp.training.callbacks import Callback
from backprop_xp.training.history import History

if TYPE_CHECKING:
    from backprop_xp.training.run import TrainingRun


class Checkpoint(Callback):
    """Write the run to a file after every so many epochs, and after the last.

    The file takes the place of the one before at once: however the process ends, one of the two is
    there, complete.

    Parameters
    ----------
    path : str or path-like
        Where to write, such as "run.safetensors".
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
            raise ConfigurationError(f"Checkpoint: path={path!r}, but expected a file's path")
        integer = isinstance(every_epochs, Integral) and not isinstance(every_epochs, bool)
        if not integer or every_epochs < 1:
            raise ConfigurationError(
                f"Checkpoint: every_epochs={every_epochs!r}, but expected a positive integer"
            )
        self.path, self.every_epochs, self.extra = path, int(every_epochs), extra

    def on_epoch_end(self, run: Any) -> None:
        due = run.epoch % self.every_epochs == 0
        if due or run.epoch == run.epochs or run.history.stopped is not None:
            save_run(run, self.path, self.extra)


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
    for i, callback in enumerate(_stateful(run)):
        state = callback.state()
        held = {key: value for key, value in state.items() if isinstance(value, np.ndarray)}
        arrays |= {f"callback {i} {key}": value for key, value in held.items()}
        remembered.append({key: value for key, value in state.items() if key not in held})
    document = {
        "architecture": describe(run.net.architecture),
        "extra": extra or {},
        "run": {
            "identity": _identity(run),
            "epoch": run.epoch,
            "steps": run.state.steps,
            "dropout_seed": plan.step.seed,
            "generator": _plain(plan.batches.rng.bit_generator.state),
            "history": asdict(run.history),
            "schedule": plan.schedule.state() if plan.schedule else {},
            "callbacks": remembered,
        },
    }
    write(path, arrays, document)


def restore_run(run: TrainingRun, path: Any) -> None:
    """Put a new run where a saved one was.

    Raises
    ------
    CheckpointError
        The file is no checkpoint, is damaged, or belongs to another run; the message says how they
        differ. Nothing has changed then.
    """
    arrays, saved = _read(run, path)
    net, plan = run.net, run.plan
    try:
        held = [arrays["theta"], *(arrays[f"slot {i}"] for i in range(len(run.state.slots)))]
        history = History(**saved["history"])
        epoch, steps, dropout_seed = (int(saved[n]) for n in ("epoch", "steps", "dropout_seed"))
        plan.batches.rng.bit_generator.state = saved["generator"]
        for own, value in zip((net.theta, *run.state.slots), held, strict=True):
            own[...] = net.backend.asarray(value)
        run.history, run.epoch, run.state.steps = history, epoch, steps
        plan.step.seed = dropout_seed
        if plan.schedule:
            plan.schedule.restore(saved["schedule"])
        for i, (callback, state) in enumerate(zip(_stateful(run), saved["callbacks"], strict=True)):
            name = f"callback {i} "
            own_arrays = {k.removeprefix(name): a for k, a in arrays.items() if k.startswith(name)}
            callback.restore({**state, **own_arrays})
    except (KeyError, TypeError, ValueError) as problem:
        raise CheckpointError(f"{path} holds no complete run ({problem!r})") from problem


def _read(run: TrainingRun, path: Any) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    from backprop_xp.storage import read

    if not isinstance(path, str | os.PathLike):
        raise ConfigurationError(f"resume={path!r}: expected the path of a checkpoint")
    arrays, document = read(path)
    saved = document.get("run")
    if not isinstance(saved, dict) or not isinstance(saved.get("identity"), dict):
        raise CheckpointError(
            f"{os.fspath(path)} is a saved network, but no checkpoint of a run: open it with "
            "bp.load and call fit without resume; bp.Checkpoint(path) writes checkpoints"
        )
    here = _plain(_identity(run) | {"architecture": describe(run.net.architecture)})
    there = saved["identity"] | {"architecture": document.get("architecture")}
    for name, own in here.items():
        if there.get(name) != own:
            raise CheckpointError(
                f"{os.fspath(path)} belongs to another run: its {name} is {there.get(name)!r}, "
                f"but here it is {own!r}"
            )
    return arrays, saved


def _identity(run: TrainingRun) -> dict[str, Any]:
    """What must be the same when a run goes on."""
    plan = run.plan
    return {
        "dtype": run.net.dtype,
        "number of parameters": int(run.net.theta.shape[-1]),
        "number of rows": plan.batches.rows,
        "batch_size": plan.batches.batch_size,
        "optimizer": _options(run.optimizer),
        "schedule": None if plan.schedule is None else type(plan.schedule).__name__,
        "callbacks": [type(callback).__name__ for callback in _stateful(run)],
        "seed": plan.seed,
    }


def _stateful(run: TrainingRun) -> list[Callback]:
    """The callbacks that remember something; others may differ when a run goes on."""
    return [c for c in run.plan.callbacks if type(c).state is not Callback.state]


def _options(optimizer: Optimizer) -> dict[str, Any]:
    options = {f.name: getattr(optimizer, f.name) for f in fields(optimizer) if f.init}
    return {"name": type(optimizer).__name__, **options}


def _plain(value: Any) -> Any:
    """Return what JSON can hold, as it comes back from there."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
