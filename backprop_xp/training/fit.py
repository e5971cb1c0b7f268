"""fit: from data to a trained network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backprop_xp.maths.network import Network
from backprop_xp.maths.optimizer import Optimizer
from backprop_xp.training.callbacks import Callback
from backprop_xp.training.history import History
from backprop_xp.training.options import Given, checked_options
from backprop_xp.training.prepare import prepare_data
from backprop_xp.training.run import TrainingRun
from backprop_xp.training.schedules import Schedule
from backprop_xp.training.set_up import set_up_run


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
    comm: Any = None,
    sharded: bool = False,
) -> History:
    """Train a network on minibatches.

    Parameters
    ----------
    net : Network
        Its θ changes in place. A second call goes on from there. A `forward`, `cost` or `backward`
        of a subclass of yours is called in every step. The members of a population learn
        in one pass, each as it would alone; X and Y are shared by all.
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
        J of a batch averages with the weights wᵢ/Σw; they may be of any size.
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
        sequence gives each member of a population another order and other dropout. How sources
        are shuffled is said in `backprop_xp.sources`; iterables are not shuffled.
    comm : mpi4py.MPI.Intracomm, optional
        Train on all ranks of it together, which all call `fit` alike. `batch_size` is that of the
        whole job, each rank takes its part, and the result is that of one process but for rounding.
        Rank 0 alone shows the bar and writes checkpoints.
    sharded : bool
        With `comm`: what each rank hands in (X, Y, weights, validation data) is another part of the
        data, which are the parts in the order of the ranks. By default every rank hands in all.

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
        The values of a source are looked at while it is read: if they, or a file, are bad, the
        network has its weights from the end of the last complete epoch, or from before `fit`.
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
    options = checked_options(Given(**locals()))  # every argument, by its name
    plan = prepare_data(options)
    run = set_up_run(plan)
    return _train(run)


def _train(run: TrainingRun) -> History:
    """Train, and return what happened."""
    run.net.columns = run.plan.columns
    run.train()
    run.conclude()
    run.plan.job.close()
    return run.history
