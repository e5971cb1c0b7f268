"""fit: from data to a trained network."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import Any

from backprop_xp.backends.base import Array, host_generator
from backprop_xp.errors import ConfigurationError
from backprop_xp.maths.network import Network
from backprop_xp.maths.optimizer import Optimizer
from backprop_xp.maths.optimizers import Adam
from backprop_xp.training.callbacks import Callback
from backprop_xp.training.checkpoint import Checkpoint, restore_run
from backprop_xp.training.history import History
from backprop_xp.training.job import Job
from backprop_xp.training.progress import ProgressBar, wanted
from backprop_xp.training.run import Plan
from backprop_xp.training.schedules import Schedule
from backprop_xp.training.sources import Rows
from backprop_xp.training.split import validation_split
from backprop_xp.training.validation import (
    checked_rows,
    require_count,
    require_network,
    require_single,
)
from backprop_xp.training.weights import checked_weights, class_weights


def fit(
    net: Network,
    X: Any,
    Y: Any,
    *,
    epochs: int = 20,
    batch_size: int | None = 32,
    optimizer: Optimizer | None = None,
    schedule: Schedule | None = None,
    validation_data: tuple[Any, Any] | None = None,
    validation_fraction: float | None = None,
    sample_weight: Any = None,
    class_weight: Any = None,
    clip_norm: float | None = None,
    callbacks: Sequence[Callback] | None = None,
    resume: Any = None,
    progress: bool | None = None,
    seed: Any = 0,
    comm: Any = None,
    sharded: bool = False,
) -> History:
    """Train a network on minibatches.

    Parameters
    ----------
    net : Network
        Its θ changes in place. A second call goes on from there.
    X : array_like, shape (m, n_0)
        A NumPy array or an array of the network's backend, a pandas or polars frame, a SciPy sparse
        matrix, or a `numpy.memmap`, which is read batch by batch; the others but the sparse one are
        moved to the network's backend once.
    Y : array_like, shape (m,), (m, 1) or (m, n_L)
        Targets; for softmax also integer labels, shape (m,).
    epochs : int
        Passes over the data.
    batch_size : int, optional
        Rows per step; the last batch of an epoch may be shorter. None takes all rows at once.
    optimizer : Optimizer, optional
        By default Adam(1e-3). It keeps its moments for this network from call to call.
    schedule : Schedule, optional
        Multiplies the optimizer's learning rate, such as `CosineDecay(warmup=2)`.
    validation_data : (X, Y), optional
        Evaluated after every epoch.
    validation_fraction : float, optional
        Hold out this part of the rows for validation instead, in (0, 1): drawn with the seed, and
        from every class alike where Y are classes.
    sample_weight : array_like, shape (m,), optional
        J of a batch averages with the weights wᵢ/Σw.
    class_weight : "balanced" or dict, optional
        The weight of a row by its class: a number per label (others weigh 1), or m/(K·m_k), with
        which each of the K classes weighs as much as any other. Multiplied with `sample_weight`.
    clip_norm : float, optional
        A gradient that is longer is shortened to this length, over all of θ.
    callbacks : sequence of Callback, optional
        Such as `EarlyStopping()` and `Checkpoint(path)`; checkpoints are called last.
    resume : path, optional
        Go on from this checkpoint, with the same data and options, up to `epochs` in all. On one
        backend the result is that of an uninterrupted run, bit for bit.
    progress : bool, optional
        Show a progress bar on stderr; by default if that is a terminal.
    seed : int or numpy.random.Generator
        Shuffles the rows anew for every epoch, on the host: the same batches on every backend.
    comm : mpi4py.MPI.Intracomm, optional
        Train on all ranks of it together, which all call `fit` alike. `batch_size` is that of the
        whole job, each rank takes its part, and the result is that of one process but for rounding.
        Rank 0 alone shows the bar and writes checkpoints.
    sharded : bool
        With `comm`: what each rank hands in (X, Y, weights, validation data) is its own part of the
        data, which are the parts in the order of the ranks. By default every rank hands in all.

    Returns
    -------
    History
        Losses, metrics, learning rates and seconds, a number per epoch. Ctrl-C ends the run after
        a step, and the history holds the epochs that were complete.

    Raises
    ------
    ShapeError, DataError, BackendError, ConfigurationError, CheckpointError
        Before any weight has changed; the message says what is wrong, for data with row and column.
    DivergenceError
        A loss is not finite; the network keeps its last sound weights.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> data = bp.datasets.breast_cancer()
    >>> X = (data.X - data.X.mean(axis=0)) / data.X.std(axis=0)
    >>> net = bp.Network([30, 16, 1], hidden="tanh", output="sigmoid", seed=0, backend="numpy")
    >>> history = bp.fit(net, X, data.Y, epochs=10, optimizer=bp.Adam(1e-2))
    >>> history.loss[-1] < 0.1 < history.loss[0]
    True
    """
    job = _job(comm, sharded)
    with job.checks():
        require_count("epochs", epochs)
        if batch_size is not None:
            require_count("batch_size", batch_size)
        require_network(net)
        require_single(net, "fit")
        if schedule is not None and not isinstance(schedule, Schedule):
            raise ConfigurationError(
                f"schedule={schedule!r}: expected a Schedule such as backprop_xp.CosineDecay()"
            )
        called = checked_callbacks(callbacks, progress)
        optimizer = Adam() if optimizer is None else optimizer
        job.agree(
            net,
            epochs=epochs,
            batch_size=batch_size,
            clip_norm=clip_norm,
            schedule=schedule,
            validation_fraction=validation_fraction,
            class_weight=class_weight,
            validation_data=validation_data is not None,
            sample_weight=sample_weight is not None,
            resume=resume is not None,
        )
        step = job.step(net, optimizer, clip_norm)
        X_rows, Y_rows = checked_rows(net, X, Y)
        weights = _weights(net, Y_rows, sample_weight, class_weight, job)
        validation = _validation_data(net, validation_data, validation_fraction)
        rng = host_generator(seed)
        if validation_fraction is not None:
            chosen = validation_split(net, Y_rows, validation_fraction, rng, job.all_of)
            kept, held_out = (job.own(rows, X_rows.rows) for rows in chosen)
            validation = X_rows.subset(held_out), Y_rows.subset(held_out)
            X_rows, Y_rows = X_rows.subset(kept), Y_rows.subset(kept)
            weights = (
                None
                if weights is None
                else net.backend.xp.take(weights, net.backend.asarray(kept), axis=0)
            )
        if net.architecture.dropout:
            step.seed = int(rng.integers(2**62))
        run = job.run(
            Plan(
                net=net,
                optimizer=optimizer,
                step=step,
                batches=job.batches(net, X_rows, Y_rows, batch_size, rng, weights),
                epochs=int(epochs),
                schedule=copy.deepcopy(schedule),  # its memory is that of this run
                evaluation=None if validation is None else job.evaluation(net, *validation),
                callbacks=called,
                seed=int(seed) if isinstance(seed, Integral) else None,
            )
        )
        if resume is not None:
            restore_run(run, resume, job.read)
        job.agree_on(run)
    run.train()
    job.close()
    return run.history


def _job(comm: Any, sharded: bool) -> Job:
    if comm is None:
        if sharded is not False:
            raise ConfigurationError(f"sharded={sharded!r} says how the ranks of comm= have data")
        return Job()
    from backprop_xp.training.distributed import SharedJob  # a single process does without

    return SharedJob(comm, sharded)


def checked_callbacks(callbacks: Any, progress: bool | None) -> list[Callback]:
    """Return the callbacks in the order in which they are called, with a progress bar if wanted."""
    if progress not in (None, True, False):
        raise ConfigurationError(f"progress={progress!r}: expected True, False or None")
    one = isinstance(callbacks, Callback) or not isinstance(callbacks, Iterable)
    given = [] if callbacks is None else [callbacks] if one else list(callbacks)
    for callback in given:
        if not isinstance(callback, Callback):
            raise ConfigurationError(
                f"callbacks: {callback!r} is no Callback; subclass backprop_xp.Callback"
            )
    given += [ProgressBar()] if wanted(progress) else []
    # What a checkpoint keeps is what the others remember after the epoch.
    return sorted(given, key=lambda callback: isinstance(callback, Checkpoint))


def _weights(
    net: Network, Y: Rows, sample_weight: Any, class_weight: Any, job: Job
) -> Array | None:
    weights = checked_weights(net, Y.rows, sample_weight)
    if class_weight is None:
        return weights
    of_rows = class_weights(net, Y, class_weight, job.all_of)
    by_class = checked_weights(net, Y.rows, of_rows)
    return by_class if weights is None else weights * by_class


def _validation_data(net: Network, data: Any, fraction: Any) -> tuple[Rows, Rows] | None:
    if data is None:
        return None
    if fraction is not None:
        raise ConfigurationError("validation_data and validation_fraction: give one of them")
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise ConfigurationError("validation_data: expected a pair (X, Y)")
    X, Y = data
    return checked_rows(net, X, Y, label="validation ")
