"""`train DATA`: from the user's file to a tested and saved network."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import backprop_xp as bp
from backprop_xp.cli.options import no_target, output_place, reading
from backprop_xp.cli.ranks import communicator
from backprop_xp.cli.train_document import document
from backprop_xp.cli.train_words import conclude, describe, say
from backprop_xp.errors import unknown
from backprop_xp.insight.history_plot import plot_history
from backprop_xp.pictures import checked_path, require_matplotlib
from backprop_xp.tables import defaults
from backprop_xp.tables.baselines import linear_answers
from backprop_xp.tables.known_rows import KnownRows
from backprop_xp.tables.model import TableModel
from backprop_xp.tables.opening import STDIN
from backprop_xp.tables.prepared import Prepared, prepare
from backprop_xp.tables.reading import Table, read_table
from backprop_xp.tables.report import report
from backprop_xp.training.distributed.ranks import Ranks
from backprop_xp.training.progress import ProgressBar, wanted

OPTIMIZERS = {
    "adam": bp.Adam,
    "adamw": bp.AdamW,
    "momentum": bp.Momentum,
    "nesterov": bp.Nesterov,
    "rmsprop": bp.RMSprop,
    "sgd": bp.SGD,
}
_NPZ_TARGETS = ("y", "Y")


class Places(NamedTuple):
    """Where the results will be written: absolute paths, or None."""

    out: Path | None
    checkpoint: Path | None
    plot: Path | None


def train_table(options: argparse.Namespace, ranks: Ranks | None) -> int:
    """Train on a table, on all ranks if there are any; print what was done and how well it does."""
    with nullcontext() if ranks is None else ranks.together():
        places = _places(options)
        table, data, model = _read(options)
        first = ranks is None or ranks.rank == 0
        if options.resume and first:
            model.require_same(options.resume)
    net = model.net
    speaks = not (options.quiet or options.json)
    if speaks:
        describe(say, options, table, data, net)
    start = time.perf_counter()
    history = _fit(options, places, data, model, communicator(ranks))
    seconds = time.perf_counter() - start
    if not history.loss:  # interrupted in the first epoch
        raise KeyboardInterrupt
    result = report(
        model,
        data.held_out.frame,
        data.held_out.X,
        linear=_linear(options, data) if first else None,
        weighted=options.class_weight is not None,
    )
    if places.out and first:
        model.save(places.out)
    if places.plot and first:
        plot_history(history, places.plot, held_out=_watched_name(data))
    if options.json:
        print(document(options, data, net, history, seconds, result))
        return 0
    if speaks:
        conclude(say, options, net.architecture.l2 > 0, history, seconds, result)
    if data.warning and first:
        # On stderr where nothing but the last line is wanted on stdout.
        print(f"WARNING: {data.warning}\n", file=sys.stderr if options.quiet else sys.stdout)
    print(result.last_line())
    return 0


def _read(options: argparse.Namespace) -> tuple[Table, Prepared, TableModel]:
    """Do all that can be done, and refused, before training."""
    backend = bp.get_backend(options.backend)
    table = read_table(
        options.data,
        text=options.categorical or (),
        # Labels are kept as they stand.
        exact=_NPZ_TARGETS if options.target is None else [options.target],
        reading=reading(options, options.missing),
    )
    target = _target(options, table)
    data = prepare(
        table.frame,
        target,
        task=options.task,
        drop=options.drop or (),
        keep=options.keep or (),
        categorical=options.categorical or (),
        decimal=table.reading.likely_decimal,
        absent=table.unlabelled.get(target, ()),
        together=options.scale == "table",
        held_out=defaults.HELD_OUT if options.held_out is None else options.held_out,
        validation=defaults.VALIDATION if options.patience is not None else 0.0,
        seed=options.seed,
    )
    if options.class_weight and not data.task.classes:
        raise bp.ConfigurationError(
            f"--class-weight: the target {data.task.target!r} has no classes, it is a regression"
        )
    net = _network(options, data, backend)
    data = replace(data, notices=table.notices + data.notices)
    known = KnownRows.of(data.training.X)
    return table, data, TableModel(net, data.preprocessing, data.task, table.reading, known)


def _places(options: argparse.Namespace) -> Places:
    """Refuse before training what could not be written after it."""
    if options.mpi and options.data == STDIN:
        raise bp.ConfigurationError("--mpi: every rank reads DATA, so it has to be a file, not -")
    inputs = (options.data,)
    places = Places(
        output_place("--out", options.out, inputs),
        output_place("--checkpoint", options.checkpoint, inputs),
        output_place("--plot", options.plot, inputs),
    )
    if options.plot:
        checked_path(options.plot)
        require_matplotlib()
    named: dict[str, str] = {}
    for name, place in places._asdict().items():
        other = named.setdefault(os.path.realpath(place), name) if place else name
        if other != name:
            raise bp.ConfigurationError(
                f"--{other} and --{name} are the same file, {getattr(options, name)}"
            )
    return places


def _target(options: argparse.Namespace, table: Table) -> str:
    if options.target is not None:
        return str(options.target)
    for name in _NPZ_TARGETS:
        if table.kind == ".npz" and name in table.frame.columns:
            return name
    raise no_target(table)


def _network(options: argparse.Namespace, data: Prepared, backend: bp.Backend) -> bp.Network:
    return bp.Network(
        [data.preprocessing.features, *_widths(options.hidden), data.task.outputs],
        hidden=options.activation or defaults.ACTIVATION,
        output=data.task.output,
        l2=defaults.default_l2(len(data.training)) if options.l2 is None else options.l2,
        dropout=options.dropout or 0.0,
        seed=options.seed,
        backend=backend,
    )


def _widths(hidden: str | None) -> Sequence[int]:
    if hidden is None:
        return defaults.HIDDEN
    if hidden.strip() in ("", "0", "none"):
        return []
    try:
        return [int(width) for width in hidden.split(",")]
    except ValueError as problem:
        raise bp.ConfigurationError(
            f"--hidden {hidden!r}: expected widths such as 64,32, or none"
        ) from problem


def _fit(
    options: argparse.Namespace, places: Places, data: Prepared, model: TableModel, comm: Any
) -> bp.History:
    # Without early stopping nothing is decided by what is watched, so the held-out rows may be.
    # The curves and the bar say which they are.
    watched = data.held_out if data.validation is None else data.validation
    callbacks: list[bp.Callback] = []
    if options.patience is not None:
        callbacks.append(bp.EarlyStopping(options.patience))
    if places.checkpoint:
        callbacks.append(bp.Checkpoint(places.checkpoint, extra=model.extra()))
    if wanted(False if options.quiet else None):
        callbacks.append(ProgressBar(held_out=_watched_name(data)))
    rows = len(data.training)
    size = defaults.default_batch_size(rows) if options.batch_size is None else options.batch_size
    return bp.fit(
        model.net,
        data.training.X,
        data.training.Y,
        epochs=defaults.default_epochs(rows, size) if options.epochs is None else options.epochs,
        batch_size=size,
        optimizer=_optimizer(options),
        validation_data=(watched.X, watched.Y),
        class_weight=options.class_weight,
        callbacks=callbacks,
        resume=options.resume,
        progress=False,  # the bar above
        seed=options.seed,
        comm=comm,
    )


def _linear(options: argparse.Namespace, data: Prepared) -> np.ndarray:
    """What a linear model says of the held-out rows."""
    rows = data.training
    return linear_answers(
        data.task, rows.X, rows.Y, data.held_out.X, options.class_weight, options.seed
    )


def _watched_name(data: Prepared) -> str:
    return "test" if data.validation is None else "validation"


def _optimizer(options: argparse.Namespace) -> Any:
    name = options.optimizer or defaults.OPTIMIZER
    if name not in OPTIMIZERS:
        raise bp.ConfigurationError(unknown("optimizer", name, OPTIMIZERS))
    make = OPTIMIZERS[name]
    return make() if options.learning_rate is None else make(options.learning_rate)
