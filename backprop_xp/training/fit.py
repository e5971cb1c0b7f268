"""fit: from data to a trained network."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any

from backprop_xp.backends.base import Array
from backprop_xp.errors import ConfigurationError
from backprop_xp.maths.network import Network
from backprop_xp.maths.optimizer import Optimizer
from backprop_xp.maths.optimizers import Adam
from backprop_xp.training.callbacks import Callback
from backprop_xp.training.checkpoint import Checkpoint, restore_run
from backprop_xp.training.evaluation import Evaluation
from backprop_xp.training.history import History
from backprop_xp.training.population import batches, plain_seed, require_population, shuffling
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
) -> History:
    """Train a network on minibatches.

    Parameters
    ----------
    net : Network
        Its θ changes in place. A second call goes on from there. The members of a population learn
        in one pass, each as it would alone; X and Y are shared by all.
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
    seed : int, numpy.random.Generator or sequence of int
        Shuffles the rows anew for every epoch, on the host: the same batches on every backend. A
        sequence gives each member of a population an order, and dropout, of its own.

    Returns
    -------
    History
        Losses, metrics, learning rates and seconds, a number per epoch; a `PopulationHistory` of
        arrays (members,) for a population. Ctrl-C ends the run after
        a step, and the history holds the epochs that were complete.

    Raises
    ------
    ShapeError, DataError, BackendError, ConfigurationError, CheckpointError
        Before any weight has changed; the message says what is wrong, for data with row and column.
    DivergenceError
        A loss is not finite; the network keeps its last sound weights. In a population one such
        member ends the run, and the message names it.

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
    require_options(epochs, batch_size, schedule)
    require_network(net)
    if net.stack:
        require_population(net, schedule)
    called = checked_callbacks(callbacks, progress)
    optimizer = Adam() if optimizer is None else optimizer
    step = train_step(net, optimizer, clip_norm=clip_norm)
    one = net if net.members is None else net.member(0)  # the data are shared by all
    X_rows, Y_rows = checked_rows(one, X, Y)
    weights = _weights(one, Y_rows, sample_weight, class_weight)
    validation = _validation_data(one, validation_data, validation_fraction)
    rngs = shuffling(net, seed)
    if validation_fraction is not None:
        if len(rngs) > 1:
            raise ConfigurationError(
                "validation_fraction: each member's own seed would hold out other rows; give one "
                "seed for all, or validation_data"
            )
        kept, held_out = validation_split(one, Y_rows, validation_fraction, rngs[0])
        validation = X_rows.subset(held_out), Y_rows.subset(held_out)
        X_rows, Y_rows = X_rows.subset(kept), Y_rows.subset(kept)
        weights = (
            None
            if weights is None
            else net.backend.xp.take(weights, net.backend.asarray(kept), axis=0)
        )
    if net.architecture.dropout:
        drawn = [int(rng.integers(2**62)) for rng in rngs]
        step.seed = drawn[0] if len(drawn) == 1 else drawn
    run = TrainingRun(
        Plan(
            net=net,
            optimizer=optimizer,
            step=step,
            batches=batches(net.backend, X_rows, Y_rows, batch_size, rngs, weights),
            epochs=int(epochs),
            schedule=copy.deepcopy(schedule),  # its memory is that of this run
            evaluation=None if validation is None else Evaluation(*validation),
            callbacks=called,
            seed=plain_seed(seed),
        )
    )
    if resume is not None:
        restore_run(run, resume)
    run.train()
    return run.history


def require_options(epochs: Any, batch_size: Any, schedule: Any) -> None:
    """Raise ConfigurationError unless a run can be planned with these."""
    require_count("epochs", epochs)
    if batch_size is not None:
        require_count("batch_size", batch_size)
    if schedule is not None and not isinstance(schedule, Schedule):
        raise ConfigurationError(
            f"schedule={schedule!r}: expected a Schedule such as backprop_xp.CosineDecay()"
        )


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


def _weights(net: Network, Y: Rows, sample_weight: Any, class_weight: Any) -> Array | None:
    weights = checked_weights(net, Y.rows, sample_weight)
    if class_weight is None:
        return weights
    by_class = checked_weights(net, Y.rows, class_weights(net, Y, class_weight))
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
