"""fit: from data to a trained network."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from numbers import Integral
from os import PathLike
from typing import Any

from backprop_xp.backends.base import Array, host_generator
from backprop_xp.errors import ConfigurationError
from backprop_xp.maths.network import Network
from backprop_xp.maths.optimizer import Optimizer
from backprop_xp.maths.optimizers import Adam
from backprop_xp.training.batches import Batches
from backprop_xp.training.callbacks import Callback
from backprop_xp.training.checkpoint import Checkpoint, restore_run
from backprop_xp.training.evaluation import Evaluation
from backprop_xp.training.history import History
from backprop_xp.training.progress import ProgressBar, wanted
from backprop_xp.training.run import Plan, TrainingRun
from backprop_xp.training.schedules import Schedule
from backprop_xp.training.sources import Rows
from backprop_xp.training.split import validation_split
from backprop_xp.training.step import train_step
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
    Y: Any = None,
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
) -> History:
    """Train a network on minibatches.

    Parameters
    ----------
    net : Network
        Its θ changes in place. A second call goes on from there.
    X : array_like, shape (m, n_0)
        A NumPy array or an array of the network's backend, a pandas or polars frame, a SciPy sparse
        matrix, or a `numpy.memmap`, which is read batch by batch; the others but the sparse one are
        moved to the network's backend once. Without Y, data that do not fit into memory: what the
        functions of `backprop_xp.sources` return, a directory of `.npy` shards, a Zarr group, a
        pair (X, Y) of memory maps, paths of `.npy` files or Zarr arrays, or an iterable of (X, Y)
        batches that can be gone through anew in every epoch.
    Y : array_like, shape (m,), (m, 1) or (m, n_L), optional
        Targets; for softmax also integer labels, shape (m,).
    epochs : int
        Passes over the data.
    batch_size : int, optional
        Rows per step; the last batch of an epoch may be shorter. None takes all rows at once. The
        batches of an iterable are taken as they come.
    optimizer : Optimizer, optional
        By default Adam(1e-3). It keeps its moments for this network from call to call.
    schedule : Schedule, optional
        Multiplies the optimizer's learning rate, such as `CosineDecay(warmup=2)`.
    validation_data : (X, Y) or source, optional
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
        Shuffles the rows anew for every epoch, on the host: the same batches on every backend. How
        sources are shuffled is said in `backprop_xp.sources`; iterables have their own order.

    Returns
    -------
    History
        Losses, metrics, learning rates and seconds, a number per epoch. Ctrl-C ends the run after
        a step, and the history holds the epochs that were complete.

    Raises
    ------
    ShapeError, DataError, BackendError, ConfigurationError, CheckpointError
        Before any weight has changed; the message says what is wrong, for data with row and column.
        The values of a source are looked at while it is read: if they, or a file, are bad, the
        network has its weights from the end of the last complete epoch, or from before `fit`.
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
    step = train_step(net, optimizer, clip_norm=clip_norm)
    rng = host_generator(seed)
    if Y is None or isinstance(X, str | PathLike):
        batches, evaluation = _streamed(
            net,
            X if Y is None else (X, Y),
            batch_size,
            validation_data,
            rng,
            sample_weight=sample_weight,
            class_weight=class_weight,
            validation_fraction=validation_fraction,
        )
    else:
        weighed = X, Y, sample_weight, class_weight
        batches, evaluation = _in_memory(
            net, weighed, batch_size, validation_data, validation_fraction, rng
        )
    if net.architecture.dropout:
        step.seed = int(rng.integers(2**62))
    run = _run(
        Plan(
            net=net,
            optimizer=optimizer,
            step=step,
            batches=batches,
            epochs=int(epochs),
            schedule=copy.deepcopy(schedule),  # its memory is that of this run
            evaluation=evaluation,
            callbacks=called,
            seed=int(seed) if isinstance(seed, Integral) else None,
        )
    )
    if resume is not None:
        restore_run(run, resume)
    run.train()
    return run.history


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


def _in_memory(
    net: Network, data: Any, batch_size: Any, validation_data: Any, fraction: Any, rng: Any
) -> tuple[Batches, Evaluation | None]:
    """Return the batches of X and Y, and what is looked at after every epoch."""
    X, Y, sample_weight, class_weight = data
    X_rows, Y_rows = checked_rows(net, X, Y)
    weights = _weights(net, Y_rows, sample_weight, class_weight)
    evaluation = _evaluation(net, validation_data)
    if fraction is not None:
        if evaluation:
            raise ConfigurationError("validation_data and validation_fraction: give one of them")
        kept, held_out = validation_split(net, Y_rows, fraction, rng)
        evaluation = Evaluation(X_rows.subset(held_out), Y_rows.subset(held_out))
        X_rows, Y_rows = X_rows.subset(kept), Y_rows.subset(kept)
        if weights is not None:
            weights = net.backend.xp.take(weights, net.backend.asarray(kept), axis=0)
    return Batches(net.backend, X_rows, Y_rows, batch_size, rng, weights), evaluation


def _streamed(
    net: Network, data: Any, batch_size: Any, validation_data: Any, rng: Any, **needs_all_rows: Any
) -> tuple[Any, Evaluation | None]:
    """The same of a source."""
    from backprop_xp.training import streams

    streams.refuse(needs_all_rows)
    return streams.stream(net, data, batch_size, rng), _evaluation(net, validation_data)


def _evaluation(net: Network, data: Any) -> Evaluation | None:
    if data is None:
        return None
    from backprop_xp.training import streams

    if streams.is_in_memory(data):
        X, Y = data
        return Evaluation(*checked_rows(net, X, Y, label="validation "))
    return streams.StreamedEvaluation(net, data)


def _run(plan: Plan) -> TrainingRun:
    if type(plan.batches) is Batches and type(plan.evaluation) in (Evaluation, type(None)):
        return TrainingRun(plan)
    from backprop_xp.training import streams

    return streams.StreamedRun(plan)


def _weights(net: Network, Y: Rows, sample_weight: Any, class_weight: Any) -> Array | None:
    weights = checked_weights(net, Y.rows, sample_weight)
    if class_weight is None:
        return weights
    by_class = checked_weights(net, Y.rows, class_weights(net, Y, class_weight))
    return by_class if weights is None else weights * by_class
