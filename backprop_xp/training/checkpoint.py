"""Checkpoint: a run on disk after every epoch, and `fit(resume=path)` to go on from there.

A checkpoint is a saved network (`bp.load` opens it) that also holds what the run needs to continue
bit for bit: the optimizer's slots, the state of the generator that shuffles, the history, and what
schedule and callbacks remember.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from dataclasses import asdict, fields
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_xp.backends.base import Array
from backprop_xp.errors import CheckpointError, ConfigurationError
from backprop_xp.maths.optimizer import Optimizer
from backprop_xp.maths.saved import describe
from backprop_xp.training.callbacks import Callback
from backprop_xp.training.population_history import PopulationHistory
from backprop_xp.training.restored_history import restored_history

if TYPE_CHECKING:
    from backprop_xp.training.run import TrainingRun


class Checkpoint(Callback):
    """Write the run to a file before the first epoch, after every so many, and after the last.

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

    def on_train_begin(self, run: Any) -> None:
        # So that there is a checkpoint at every moment, and a place that cannot be written is
        # noticed before anything was trained.
        save_run(run, self.path, self.extra)

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
            "identity": identity(run),
            "epoch": run.epoch,
            "steps": run.state.steps,
            "dropout_seed": plan.step.seed,
            "generator": _generators(plan.batches.rngs),
            "history": _plain(asdict(run.history)),
            "schedule": plan.schedule.state() if plan.schedule else {},
            "callbacks": remembered,
        },
    }
    write(path, arrays, document)


def restore_run(run: TrainingRun, path: Any, read: Callable[[Any], Any]) -> None:
    """Put a new run where a saved one was.

    Parameters
    ----------
    run : TrainingRun
    path : path-like
    read : callable
        `storage.read`, or what reads the file once for several processes.

    Raises
    ------
    CheckpointError
        The file is no checkpoint, is damaged, or belongs to another run; the message says how they
        differ. Nothing has changed then.
    """
    arrays, saved = _read(run, path, read)
    net, plan, rngs = run.net, run.plan, run.plan.batches.rngs
    slots = {f"slot {i}": slot for i, slot in enumerate(run.state.slots)}
    try:
        # All that can fail comes first.
        _require_fitting(arrays, {"theta": net.theta} | slots, net.backend.to_numpy)
        epoch, steps = _natural(saved["epoch"]), _natural(saved["steps"])
        dropout_seed = _one_each(saved["dropout_seed"], plan.step.seed)
        history = restored_history(saved["history"], epoch, net.members)
        generators = saved["generator"] if len(rngs) > 1 else [saved["generator"]]
        for rng, state in zip(rngs, generators, strict=True):
            copy.deepcopy(rng.bit_generator).state = state
        states = _states(run, saved["callbacks"], arrays)
        if plan.schedule:
            _require_alike("schedule", plan.schedule.state(), saved["schedule"])
            plan.schedule.restore(saved["schedule"])
        for callback, state in zip(_stateful(run), states, strict=True):
            callback.restore(state)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as problem:
        raise CheckpointError(
            f"{os.fspath(path)} holds no complete run ({problem!r:.200})"
        ) from problem
    for rng, state in zip(rngs, generators, strict=True):
        rng.bit_generator.state = state
    for name, own in ({"theta": net.theta} | slots).items():
        own[...] = net.backend.asarray(arrays[name])
    run.history, run.epoch, run.state.steps = history, epoch, steps
    plan.step.seed = dropout_seed
    if run.members is not None and isinstance(history, PopulationHistory):
        run.members.restore(history.reasons)


def _read(
    run: TrainingRun, path: Any, read: Callable[[Any], Any]
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    if not isinstance(path, str | os.PathLike):
        raise ConfigurationError(f"resume={path!r}: expected the path of a checkpoint")
    arrays, document = read(path)
    saved = document.get("run")
    if not isinstance(saved, dict) or not isinstance(saved.get("identity"), dict):
        raise CheckpointError(
            f"{os.fspath(path)} is a saved network, but no checkpoint of a run: open it with "
            "bp.load and call fit without resume; bp.Checkpoint(path) writes checkpoints"
        )
    here = _plain(identity(run) | {"architecture": describe(run.net.architecture)})
    there = saved["identity"] | {"architecture": document.get("architecture")}
    for name, own in here.items():
        if there.get(name) != own:
            raise CheckpointError(
                f"{os.fspath(path)} belongs to another run: its {name} is {there.get(name)!r}, "
                f"but here it is {own!r}"
            )
    return arrays, saved


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
        "callbacks": [type(callback).__name__ for callback in _stateful(run)],
        "seed": plan.seed,
        "members": run.net.members,
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


def _require_fitting(
    arrays: dict[str, np.ndarray], own: dict[str, Array], to_numpy: Callable[[Array], np.ndarray]
) -> None:
    """Refuse arrays that are not like our own; what a callback calls θ is like θ, too."""
    thetas = {name: own["theta"] for name in arrays if name.endswith("theta")}
    for name, like in (thetas | own).items():
        array, wanted = arrays[name], to_numpy(like)
        if (array.shape, array.dtype) != (wanted.shape, wanted.dtype):
            raise ValueError(
                f"{name} of {array.dtype} and shape {array.shape}, but here it is {wanted.dtype} "
                f"of shape {wanted.shape}"
            )


def _generators(rngs: list[Any]) -> Any:
    """The state of the generator that shuffles, or a list of them, one for each member."""
    states = [_plain(rng.bit_generator.state) for rng in rngs]
    return states[0] if len(states) == 1 else states


def _natural(number: Any) -> int:
    if type(number) is not int or not 0 <= number < 2**63:
        raise ValueError(f"{number!r:.50} is not an integer ≥ 0")
    return number


def _one_each(saved: Any, own: Any) -> Any:
    """A number that was saved, or a list of them that is as long as our own."""
    if isinstance(own, int):
        return _natural(saved)
    if not isinstance(saved, list) or len(saved) != len(own):
        raise ValueError(f"{saved!r:.50} is not a list of {len(own)}")
    return [_natural(number) for number in saved]


def _states(run: TrainingRun, saved: Any, arrays: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """What each callback shall remember, its arrays among it."""
    states = []
    for i, (callback, state) in enumerate(zip(_stateful(run), saved, strict=True)):
        own = {k: v for k, v in callback.state().items() if not isinstance(v, np.ndarray)}
        _require_alike(type(callback).__name__, own, state, run.net.members)
        name = f"callback {i} "
        held = {k.removeprefix(name): a for k, a in arrays.items() if k.startswith(name)}
        states.append({**state, **held})
    return states


def _are_numbers(saved: Any, members: int | None) -> bool:
    """Whether this is a number or None, or for a population a list of one for each member."""
    if members is not None and isinstance(saved, list) and len(saved) == members:
        return all(_are_numbers(one, None) for one in saved)
    return type(saved) in (int, float, type(None))


def _require_alike(owner: str, own: dict[str, Any], saved: Any, members: int | None = None) -> None:
    """Refuse a state that lacks something, or has something else where a number belongs."""
    if not isinstance(saved, dict):
        raise ValueError(f"the state of {owner} is no mapping")
    for name, value in own.items():
        if type(value) in (int, float) and not _are_numbers(saved[name], members):
            raise ValueError(f"{name} of {owner} is {saved[name]!r:.50}, no number")
