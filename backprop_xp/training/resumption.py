"""Resumption: a new run is put where a saved one was.

What a file holds is not trusted: all that can fail comes before anything changes.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_xp.backends.base import Array
from backprop_xp.errors import CheckpointError, ConfigurationError, shown
from backprop_xp.maths.saved import column_document, describe
from backprop_xp.training.checkpoint import LAST, identity, plain, stateful
from backprop_xp.training.populations.history import PopulationHistory
from backprop_xp.training.restored_history import is_figure, restored_history

if TYPE_CHECKING:
    from backprop_xp.training.run import TrainingRun


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
        dropout_seed = _one_each(saved["dropout_seed"], run.step.seed)
        history = restored_history(saved["history"], epoch, net.members)
        generators = saved["generator"] if len(rngs) > 1 else [saved["generator"]]
        for rng, state in zip(rngs, generators, strict=True):
            copy.deepcopy(rng.bit_generator).state = state
        states = _states(run, saved["callbacks"], arrays)
        if plan.schedule:
            _require_alike("schedule", plan.schedule.state(), saved["schedule"])
            plan.schedule.restore(saved["schedule"])
        for callback, state in zip(stateful(run), states, strict=True):
            callback.restore(state)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as problem:
        raise CheckpointError(
            f"{os.fspath(path)} holds no complete run ({problem!r:.200})"
        ) from problem
    for rng, state in zip(rngs, generators, strict=True):
        rng.bit_generator.state = state
    net.theta[...] = net.backend.asarray(arrays.get(LAST, arrays["theta"]))
    moments = run.optimizer.moments_of_today(map(arrays.get, slots), saved.get("moments"))
    for slot, values in zip(slots.values(), moments, strict=True):
        slot[...] = net.backend.asarray(values)
    run.history, run.epoch, run.state.steps = history, epoch, steps
    run.step.seed = dropout_seed
    if run.members is not None and isinstance(history, PopulationHistory):
        run.members.restore(history.reasons)


def _read(
    run: TrainingRun, path: Any, read: Callable[[Any], Any]
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    if not isinstance(path, str | os.PathLike):
        raise ConfigurationError(f"resume={shown(path)}: expected the path of a checkpoint")
    arrays, document = read(path)
    saved = document.get("run")
    if not isinstance(saved, dict) or not isinstance(saved.get("identity"), dict):
        raise CheckpointError(
            f"{os.fspath(path)} is a saved network, but no checkpoint of a run: open it with "
            "bp.load and call fit without resume; bp.Checkpoint(path) writes checkpoints"
        )
    here = plain(identity(run) | {"architecture": describe(run.net.architecture)})
    there = saved["identity"] | {"architecture": document.get("architecture")}
    if "columns" in document:  # if this run has none, it goes by their places
        here |= column_document(run.plan.columns)
        there["columns"] = document["columns"]
    for name, value in here.items():
        if there.get(name) != value:
            raise CheckpointError(
                f"{os.fspath(path)} belongs to another run: its {name} is {there.get(name)!r}, "
                f"but here it is {value!r}"
            )
    return arrays, saved


def _require_fitting(
    arrays: dict[str, np.ndarray], here: dict[str, Array], to_numpy: Callable[[Array], np.ndarray]
) -> None:
    """Refuse saved arrays that are not like those here; what a callback calls θ is like θ, too."""
    thetas = {name: here["theta"] for name in arrays if name.endswith("theta")}
    for name, like in (thetas | here).items():
        array, wanted = arrays[name], to_numpy(like)
        if (array.shape, array.dtype) != (wanted.shape, wanted.dtype):
            raise ValueError(
                f"{name} of {array.dtype} and shape {array.shape}, but here it is {wanted.dtype} "
                f"of shape {wanted.shape}"
            )


def _natural(number: Any) -> int:
    if type(number) is not int or not 0 <= number < 2**63:
        raise ValueError(f"{number!r:.50} is not an integer ≥ 0")
    return number


def _one_each(saved: Any, here: Any) -> Any:
    """A number that was saved, or a list of them that is as long as the one here."""
    if isinstance(here, int):
        return _natural(saved)
    if not isinstance(saved, list) or len(saved) != len(here):
        raise ValueError(f"{saved!r:.50} is not a list of {len(here)}")
    return [_natural(number) for number in saved]


def _states(run: TrainingRun, saved: Any, arrays: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """What each callback shall remember, its arrays among it."""
    states = []
    for i, (callback, state) in enumerate(zip(stateful(run), saved, strict=True)):
        here = {k: v for k, v in callback.state().items() if not isinstance(v, np.ndarray)}
        _require_alike(type(callback).__name__, here, state, run.net.members)
        name = f"callback {i} "
        held = {k.removeprefix(name): a for k, a in arrays.items() if k.startswith(name)}
        states.append({**state, **held})
    return states


def _require_alike(
    owner: str, here: dict[str, Any], saved: Any, members: int | None = None
) -> None:
    """Refuse a state that lacks something, or has something else where a number belongs."""
    if not isinstance(saved, dict):
        raise ValueError(f"the state of {owner} is no mapping")
    kinds = int, float, type(None)
    for name, value in here.items():
        if type(value) in (int, float) and not is_figure(saved[name], members, kinds):
            raise ValueError(f"{name} of {owner} is {saved[name]!r:.50}, no number")
