"""Options: the arguments of `fit`, checked, before any data are looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backprop_xp.backends.frames import column_names
from backprop_xp.data.checks import require_network
from backprop_xp.errors import ConfigurationError, listed, shown
from backprop_xp.maths.network import Network
from backprop_xp.maths.optimizer import Optimizer
from backprop_xp.maths.optimizers import Adam
from backprop_xp.number_checks import require_count
from backprop_xp.training.callbacks import Callback
from backprop_xp.training.checkpoint import Checkpoint
from backprop_xp.training.job import Job
from backprop_xp.training.populations.members import require_population, shuffling
from backprop_xp.training.progress import ProgressBar, wanted
from backprop_xp.training.schedules import Schedule
from backprop_xp.training.step import require_step_options


@dataclass(frozen=True)
class Given:
    """The arguments of `fit`, as they came; see there."""

    net: Network
    X: Any
    Y: Any
    epochs: int
    batch_size: int | None
    optimizer: Optimizer | None
    schedule: Schedule | None
    validation_data: Any
    validation_fraction: float | None
    sample_weight: Any
    class_weight: Any
    clip_norm: float | None
    callbacks: Any
    resume: Any
    progress: bool | None
    seed: Any
    comm: Any
    sharded: bool


@dataclass(frozen=True)
class Options:
    """What was given, its options checked, and what they stand for.

    `rngs` draw the orders of rows, one for all networks or one for each.
    """

    given: Given
    job: Job
    optimizer: Optimizer
    callbacks: list[Callback]
    rngs: list[Any]


def checked_options(given: Given) -> Options:
    """Check all but the data, and that all ranks of a job were given the same.

    Raises
    ------
    ConfigurationError, ShapeError
        An option makes no sense, or a rank has another.
    """
    job = _job(given.comm, given.sharded)
    with job.checks():
        require_options(given.epochs, given.batch_size, given.schedule)
        require_network(given.net)
        if given.net.stack:
            require_population(given.net, given.schedule)
        callbacks = checked_callbacks(given.callbacks, given.progress)
        optimizer = Adam() if given.optimizer is None else given.optimizer
        job.agree(
            given.net,
            epochs=given.epochs,
            batch_size=given.batch_size,
            clip_norm=given.clip_norm,
            schedule=given.schedule,
            validation_fraction=given.validation_fraction,
            class_weight=given.class_weight,
            validation_data=given.validation_data is not None,
            sample_weight=given.sample_weight is not None,
            columns=str(column_names(given.X)),
            resume=given.resume is not None,
        )
        require_step_options(given.net, optimizer, given.clip_norm)
        rngs = shuffling(given.net, given.seed)
    return Options(given, job, optimizer, callbacks, rngs)


def _job(comm: Any, sharded: bool) -> Job:
    if comm is None:
        if sharded is not False:
            raise ConfigurationError(
                f"sharded={shown(sharded)} says how the ranks of comm= have data"
            )
        return Job()
    from backprop_xp.training.distributed.job import SharedJob  # a single process does without

    return SharedJob(comm, sharded)


def require_options(epochs: Any, batch_size: Any, schedule: Any) -> None:
    """Raise ConfigurationError unless a run can be planned with these."""
    require_count("epochs", epochs)
    if batch_size is not None:
        require_count("batch_size", batch_size)
    if schedule is not None and not isinstance(schedule, Schedule):
        raise ConfigurationError(
            f"schedule={shown(schedule)}: expected a Schedule such as backprop_xp.CosineDecay()"
        )


def checked_callbacks(callbacks: Any, progress: bool | None) -> list[Callback]:
    """Return the callbacks in the order in which they are called, with a progress bar if wanted."""
    if not (progress is None or isinstance(progress, bool)):
        raise ConfigurationError(f"progress={shown(progress)}: expected True, False or None")
    given = [] if callbacks is None else listed(callbacks, Callback)
    for callback in given:
        if not isinstance(callback, Callback):
            raise ConfigurationError(
                f"callbacks: {shown(callback)} is no Callback; subclass backprop_xp.Callback"
            )
    given += [ProgressBar()] if wanted(progress) else []
    # What a checkpoint keeps is what the others remember after the epoch.
    return sorted(given, key=lambda callback: isinstance(callback, Checkpoint))
