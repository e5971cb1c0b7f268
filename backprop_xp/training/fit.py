"""fit: the loop over epochs and batches."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from backprop_xp.backends.base import host_generator
from backprop_xp.errors import ConfigurationError, DivergenceError
from backprop_xp.maths.network import Network
from backprop_xp.maths.optimizer import Optimizer
from backprop_xp.maths.optimizers import Adam
from backprop_xp.training.batches import Batches
from backprop_xp.training.history import History
from backprop_xp.training.sources import Rows
from backprop_xp.training.step import TrainStep, train_step
from backprop_xp.training.validation import (
    checked_rows,
    require_count,
    require_network,
    require_single,
)

# Rows of the validation set that run through the network at once, to bound its memory.
_EVALUATION_ROWS = 4096


def fit(
    net: Network,
    X: Any,
    Y: Any,
    *,
    epochs: int = 20,
    batch_size: int | None = 32,
    optimizer: Optimizer | None = None,
    validation_data: tuple[Any, Any] | None = None,
    seed: Any = 0,
    progress: bool | None = None,
) -> History:
    """Train a network on minibatches.

    Parameters
    ----------
    net : Network
        Its θ changes in place. A second call goes on from there.
    X : array_like, shape (m, n_0)
        NumPy arrays and other host data are moved to the network's backend once.
    Y : array_like, shape (m,), (m, 1) or (m, n_L)
        Targets; for softmax also integer labels, shape (m,).
    epochs : int
        Passes over the data.
    batch_size : int, optional
        Rows per step; the last batch of an epoch may be shorter. None takes all rows at once.
    optimizer : Optimizer, optional
        By default Adam(1e-3). It keeps its moments for this network from call to call.
    validation_data : (X, Y), optional
        Evaluated after every epoch.
    seed : int or numpy.random.Generator
        Shuffles the rows anew for every epoch, on the host: the same batches on every backend.
    progress : bool, optional
        Show a progress bar on stderr; by default if that is a terminal.

    Returns
    -------
    History
        `loss`, `validation_loss` and `seconds`, a number per epoch.

    Raises
    ------
    ShapeError, DataError, BackendError, ConfigurationError
        Before any weight has changed; the message says what is wrong, for data with row and column.
    DivergenceError
        The loss of an epoch is not finite.

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
    step = train_step(net, Adam() if optimizer is None else optimizer)
    X, Y = checked_rows(net, X, Y)
    validation = _validation(net, validation_data)
    batches = Batches(net.backend, X, Y, batch_size, host_generator(seed))
    history = History()
    # A run that leaves the finite numbers ends in DivergenceError; NumPy need not warn of it first.
    with _bar(epochs, progress) as bar, np.errstate(over="ignore", invalid="ignore"):
        for epoch in range(1, epochs + 1):
            start = time.perf_counter()
            history.loss.append(_train_epoch(step, batches, epoch))
            if validation is not None:
                history.validation_loss.append(evaluate(net, *validation))
            history.seconds.append(time.perf_counter() - start)
            bar.set_postfix(_latest(history), refresh=False)
            bar.update()
    return history


def evaluate(net: Network, X: Rows, Y: Rows) -> float:
    """J on data that `checked_rows` has returned, in parts that bound the memory."""
    total, rows = 0.0, X.rows
    for start in range(0, rows, _EVALUATION_ROWS):
        stop = min(start + _EVALUATION_ROWS, rows)
        trace = net.forward(X.part(start, stop))
        total += float(net.cost(trace, Y.part(start, stop))) * (trace.rows / rows)
    return total


def _train_epoch(step: TrainStep, batches: Batches, epoch: int) -> float:
    """Train on every batch once; the losses are read from the device at the end, all at once."""
    backend = step.net.backend
    losses = backend.empty((len(batches),), step.net.dtype)
    for i, (X, Y) in enumerate(batches.epoch().batches()):
        losses[i] = step(X, Y)
    host = backend.to_numpy(losses).astype(np.float64)
    if not np.isfinite(host).all():
        batch = int(np.argmin(np.isfinite(host)))
        raise DivergenceError(
            f"the loss became {host[batch]} in epoch {epoch}, batch {batch + 1} of {len(host)}: "
            "try a smaller learning rate, or scale the features to mean 0 and deviation 1"
        )
    return float(np.average(host, weights=batches.sizes()))


def _validation(net: Network, data: Any) -> tuple[Rows, Rows] | None:
    if data is None:
        return None
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise ConfigurationError("validation_data: expected a pair (X, Y)")
    X, Y = data
    return checked_rows(net, X, Y, label="validation ")


def _bar(epochs: int, progress: bool | None) -> Any:
    from tqdm import tqdm  # here, because it would double the import time of the package

    disable = None if progress is None else not progress
    return tqdm(total=epochs, unit="epoch", disable=disable, dynamic_ncols=True)


def _latest(history: History) -> dict[str, str]:
    latest = {"loss": f"{history.loss[-1]:.4f}"}
    if history.validation_loss:
        latest["validation"] = f"{history.validation_loss[-1]:.4f}"
    return latest
