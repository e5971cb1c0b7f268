"""The data of a fit: from what the user hands in to batches, and to what is held out."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from backprop_xp.backends.base import Array, require_open
from backprop_xp.backends.frames import column_names
from backprop_xp.data.checks import ColumnNames, checked_rows
from backprop_xp.data.hold_out import validation_split
from backprop_xp.data.row_weights import checked_weights, class_weights, on_one_scale
from backprop_xp.data.rows import Rows
from backprop_xp.errors import ConfigurationError
from backprop_xp.maths.network import Network
from backprop_xp.training.evaluation import Evaluation
from backprop_xp.training.job import Job


@dataclass
class Given:
    """What `fit` was given of data; see there."""

    X: Any
    Y: Any
    sample_weight: Any
    class_weight: Any
    batch_size: int | None
    validation_data: Any
    validation_fraction: float | None


@dataclass
class Prepared:
    """What a run trains on and looks at; `streamed` if some of it is read while it trains.

    `columns` are the names of X's columns, where it has any.
    """

    batches: Any
    evaluation: Evaluation | None
    streamed: bool
    columns: tuple[Any, ...] | None


def prepare(job: Job, net: Network, given: Given, rngs: list[Any]) -> Prepared:
    """Check the data and divide them as was asked; `rngs` draw orders, one for all or for each."""
    if given.validation_data is not None and given.validation_fraction is not None:
        raise ConfigurationError("validation_data and validation_fraction: give one of them")
    pair = given.validation_data if isinstance(given.validation_data, tuple | list) else ()
    named = zip(("validation X", "validation Y"), pair, strict=False)
    for name, data in (("X", given.X), ("Y", given.Y), *named):
        require_open(data, name)
    one = net if net.members is None else net.member(0)  # the data are shared by all members
    if given.Y is None or isinstance(given.X, str | os.PathLike):
        return _from_source(job, one, given, rngs)
    X, Y = checked_rows(one, given.X, given.Y)
    weights = _weights(job, one, Y, given)
    columns = ColumnNames(net.columns or column_names(given.X), column_names(given.Y))
    evaluation, streamed = _validation(job, one, given.validation_data, columns)
    if given.validation_fraction is not None:
        _require_one_order("validation_fraction", rngs)
        chosen = validation_split(one, Y, given.validation_fraction, rngs[0], job.all_of)
        kept, held_out = (job.own(rows, X.rows) for rows in chosen)
        evaluation = job.evaluation(net, X.subset(held_out), Y.subset(held_out))
        X, Y = X.subset(kept), Y.subset(kept)
        weights = None if weights is None else weights[kept]
    column = None if weights is None else _column(job, net, weights, given)
    batches = job.batches(net, X, Y, given.batch_size, rngs, column)
    return Prepared(batches, evaluation, streamed, columns.X)


def _from_source(job: Job, net: Network, given: Given, rngs: list[Any]) -> Prepared:
    from backprop_xp.training.streaming import streams  # data in memory do without

    job.require_single("a source")
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
    return Prepared(batches, evaluation, True, columns.X)


def _require_one_order(what: str, rngs: list[Any]) -> None:
    if len(rngs) > 1:
        raise ConfigurationError(
            f"{what} does not go with each member's own seed, which would choose other rows: give "
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
    job.require_single("validation_data that are a source")
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
