"""prepare_data: from what the user hands in to batches, to what is held out, and to a plan."""

from __future__ import annotations

from typing import Any

import numpy as np

from backprop_xp.backends.base import Array
from backprop_xp.backends.frames import column_names
from backprop_xp.backends.host_data import require_open
from backprop_xp.data.checks import ColumnNames, checked_rows
from backprop_xp.data.hold_out import validation_split
from backprop_xp.data.row_weights import checked_weights, class_weights, on_one_scale
from backprop_xp.data.rows import Rows
from backprop_xp.errors import ConfigurationError
from backprop_xp.maths.network import Network
from backprop_xp.sources.base import is_path
from backprop_xp.training.evaluation import Evaluation
from backprop_xp.training.job import Job
from backprop_xp.training.options import Given, Options
from backprop_xp.training.populations.members import plain_seed
from backprop_xp.training.run import RunPlan


def prepare_data(options: Options) -> RunPlan:
    """Check the data, divide them as was asked, and return the plan of a run on them.

    Raises
    ------
    ShapeError, DataError, BackendError, ConfigurationError
        The data do not fit the network, or an option does not fit the data.
    """
    with options.job.checks():
        given = options.given
        _require_usable(given)
        if given.Y is None or is_path(given.X):
            return _from_source(options)
        return _from_memory(options)


def _require_usable(given: Given) -> None:
    if given.validation_data is not None and given.validation_fraction is not None:
        raise ConfigurationError("validation_data and validation_fraction: give one of them")
    pair = given.validation_data if isinstance(given.validation_data, tuple | list) else ()
    named = zip(("validation X", "validation Y"), pair, strict=False)
    for name, data in (("X", given.X), ("Y", given.Y), *named):
        require_open(data, name)


def _from_memory(options: Options) -> RunPlan:
    given, job, rngs = options.given, options.job, options.rngs
    net, one = given.net, _one_network(given.net)
    X, Y = checked_rows(one, given.X, given.Y)
    weights = _weights(job, one, Y, given)
    columns = ColumnNames(net.columns or column_names(given.X), column_names(given.Y))
    evaluation, streamed = _validation(job, one, given.validation_data, columns)
    if given.validation_fraction is not None:
        _require_one_order("validation_fraction", rngs)
        chosen = validation_split(one, Y, given.validation_fraction, rngs[0], job.all_of)
        kept, held_out = (job.rows_here(rows, X.rows) for rows in chosen)
        evaluation = job.evaluation(net, X.subset(held_out), Y.subset(held_out))
        X, Y = X.subset(kept), Y.subset(kept)
        weights = None if weights is None else weights[kept]
    column = None if weights is None else _column(job, net, weights, given)
    batches = job.batches(net, X, Y, given.batch_size, rngs, column)
    return _run_plan(options, batches, evaluation, streamed, columns)


def _from_source(options: Options) -> RunPlan:
    from backprop_xp.training.streaming import streams  # data in memory do without

    given, job, rngs = options.given, options.job, options.rngs
    net = _one_network(given.net)
    job.require_one_process("a source")
    _require_one_order("a source", rngs)
    streams.refuse(
        sample_weight=given.sample_weight,
        class_weight=given.class_weight,
        validation_fraction=given.validation_fraction,
    )
    source = given.X if given.Y is None else (given.X, given.Y)
    batches = streams.stream(net, source, given.batch_size, rngs[0])
    columns = ColumnNames(net.columns or batches.columns)
    evaluation = _validation(job, net, given.validation_data, columns)[0]
    return _run_plan(options, batches, evaluation, True, columns)


def _run_plan(
    options: Options,
    batches: Any,
    evaluation: Evaluation | None,
    streamed: bool,
    columns: ColumnNames,
) -> RunPlan:
    given = options.given
    return RunPlan(
        job=options.job,
        net=given.net,
        optimizer=options.optimizer,
        batches=batches,
        epochs=int(given.epochs),
        callbacks=options.callbacks,
        clip_norm=given.clip_norm,
        schedule=given.schedule,
        evaluation=evaluation,
        seed=plain_seed(given.seed),
        resume=given.resume,
        streamed=streamed,
        columns=columns.X,
    )


def _one_network(net: Network) -> Network:
    """The network, or one member of a population, whose members share the data."""
    return net if net.members is None else net.member(0)


def _require_one_order(what: str, rngs: list[Any]) -> None:
    if len(rngs) > 1:
        raise ConfigurationError(
            f"{what} does not go with a seed for each member, which would choose other rows: give "
            "one seed for all"
        )


def _validation(
    job: Job, net: Network, data: Any, columns: ColumnNames
) -> tuple[Evaluation | None, bool]:
    """Return what is looked at after every epoch, and whether it is read then."""
    if data is None:
        return None, False
    from backprop_xp.training.streaming import streams

    if streams.is_in_memory(data):
        X, Y = data
        tables = checked_rows(net, X, Y, "validation ", columns)
        return job.evaluation(net, *tables), False
    job.require_one_process("validation_data that are a source")
    return streams.StreamedEvaluation(net, data, columns.X), True


def _weights(job: Job, net: Network, Y: Rows, given: Given) -> np.ndarray | None:
    """Return what every row weighs, by itself and by its class."""
    weights = checked_weights(net, Y.rows, given.sample_weight)
    if given.class_weight is None:
        return weights
    by_class = class_weights(net, Y, given.class_weight, job.all_of)
    if weights is None:
        return by_class
    # Brought to one scale first, as the product of two very large numbers is none.
    scaled: np.ndarray = on_one_scale(weights, all_of=job.all_of)
    scaled *= on_one_scale(by_class, all_of=job.all_of)
    return scaled


def _column(job: Job, net: Network, weights: np.ndarray, given: Given) -> Array:
    """Return weights as a column (m, 1) on the device."""
    names = "sample_weight", "class_weight"
    what = " times ".join(name for name in names if getattr(given, name) is not None)
    return net.backend.asarray(on_one_scale(weights, what, job.all_of)[:, None])
