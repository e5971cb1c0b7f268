"""`explain DATA`: a few rows of the user's table, as the network sees them."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np

from backprop_xp.cli.options import no_target, reading
from backprop_xp.tables.prepared import Prepared, prepare
from backprop_xp.tables.preprocessing import Category, Column, Number
from backprop_xp.tables.reading import read_table
from backprop_xp.tables.task import Task


@dataclass(frozen=True)
class Rows:
    """Examples, what their columns are called, and the output layer that they need."""

    X: np.ndarray
    Y: np.ndarray
    features: list[str] | None = None
    names: list[str] | None = None
    output: str = "sigmoid"
    outputs: int = 1


def rows_of_table(options: argparse.Namespace) -> Rows:
    """Read DATA, prepare its columns as `train` does, and take rows of every class in turn."""
    exact = [] if options.target is None else [options.target]
    table = read_table(options.data, exact=exact, reading=reading(options))
    if options.target is None:
        raise no_target(table)
    data = prepare(
        table.frame,
        options.target,
        drop=options.drop or (),
        decimal=table.reading.likely_decimal,
        seed=options.seed,
    )
    part, task = data.training, data.task
    turns = part.Y if task.classes else np.zeros(len(part))
    chosen = _in_turn(turns, options.rows)
    return Rows(
        part.X[chosen].astype(np.float64),
        part.Y[chosen],
        _feature_names(data),
        _output_names(task),
        task.output,
        task.outputs,
    )


def _in_turn(labels: np.ndarray, count: int) -> np.ndarray:
    """The first row of every class, then the second of every class, and so on; in their order."""
    turn = np.zeros(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        members = labels == label
        turn[members] = np.arange(np.count_nonzero(members))
    return np.sort(np.argsort(turn, kind="stable")[:count])


def _feature_names(data: Prepared) -> list[str]:
    return [name for column in data.preprocessing.columns for name in _names(column)]


def _output_names(task: Task) -> list[str]:
    """The classes; of two the one whose probability the output is."""
    if not task.classes:
        return [task.target]
    names = [f"{task.target} = {label}" for label in task.classes]
    return names if task.outputs > 1 else names[1:]


def _names(column: Column) -> list[str]:
    """What the features of a column are called."""
    if isinstance(column, Number):
        return [column.name, *([f"{column.name} missing"] if column.mark else [])]
    if isinstance(column, Category):
        values = ["missing" if value is None else value for value in column.values]
        others = ["other"] if column.other else []
        return [f"{column.name} = {value}" for value in (*values, *others)]
    return [f"{column.name}, {name}" for part in column.parts for name in _names(part)]
