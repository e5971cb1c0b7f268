"""Prepared: a table as what `fit` takes, with the held-out rows set aside first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from backprop_xp.errors import ConfigurationError, DataError
from backprop_xp.tables.choosing import choose_columns
from backprop_xp.tables.columns import Frame, as_numbers, is_text
from backprop_xp.tables.defaults import HELD_OUT
from backprop_xp.tables.fitting import fit_preprocessing
from backprop_xp.tables.preprocessing import Preprocessing, listed
from backprop_xp.tables.rows import hold_out, with_target
from backprop_xp.tables.task import Task, infer_task
from backprop_xp.wording import quoted


@dataclass(frozen=True)
class Part:
    """Some rows of a table: as they were, and as the network sees them."""

    frame: Frame
    X: np.ndarray
    Y: np.ndarray

    def __len__(self) -> int:
        return len(self.Y)


@dataclass(frozen=True)
class Prepared:
    """A table ready for training; `prepare` makes it.

    Attributes
    ----------
    task : Task
    preprocessing : Preprocessing
    training, held_out : Part
    validation : Part or None
        Taken from the training rows.
    notices : list of str
        What was done that the user may not expect, a line each.
    left_out : dict of str to str
        The columns that nothing is learned from, though nobody said so, and why.
    """

    task: Task
    preprocessing: Preprocessing
    training: Part
    validation: Part | None
    held_out: Part
    notices: list[str]
    left_out: dict[str, str]

    @property
    def warning(self) -> str | None:
        """What is to be said loudly: most columns are left out."""
        columns = len(self.preprocessing.columns) + len(self.left_out)
        if 2 * len(self.left_out) <= columns:
            return None
        return (
            f"most columns were left out, {len(self.left_out):,} of {columns:,}: "
            f"{listed(list(self.left_out))}. The notices say why"
        )


def prepare(
    frame: Frame,
    target: str,
    *,
    task: str | None = None,
    drop: Sequence[str] = (),
    keep: Sequence[str] = (),
    categorical: Sequence[str] = (),
    decimal: str = ".",
    absent: Sequence[str] = (),
    together: bool = False,
    held_out: float = HELD_OUT,
    validation: float = 0.0,
    seed: int = 0,
) -> Prepared:
    """Set rows aside, learn the preprocessing on the others, and apply it to all.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `read_table` returns it.
    target : str
        The column to predict.
    task : str, optional
        "binary", "multiclass" or "regression"; by default what the target looks like.
    drop : sequence of str
        Columns to leave out.
    keep : sequence of str
        Columns to use though they look like row numbers or identifiers.
    categorical : sequence of str
        Columns that are categories even if they are numbers, such as postcodes.
    decimal : str
        What stands before the decimals of a target whose numbers are text.
    absent : sequence of str
        Texts of the target that were taken for missing unasked.
    together : bool
        Standardise all numbers by one mean and deviation.
    held_out : float
        The fraction of rows that nothing is learned from, neither by the network nor about means,
        medians and categories; of each class the same.
    validation : float
        The fraction of the other rows that only early stopping looks at; 0 takes none.
    seed : int
        Draws the rows.

    Raises
    ------
    DataError, ConfigurationError
        The table, the target or an option makes no sense; the message is one line.
    """
    names = list(frame.columns)
    require_column(target, names, "--target")
    for option, chosen_ in (("--drop", drop), ("--keep", keep), ("--categorical", categorical)):
        for name in chosen_:
            require_column(name, names, option)
            if name == target:
                raise ConfigurationError(f"{option} {target!r} is the target")
            if option != "--drop" and name in drop:
                raise ConfigurationError(f"{option} {name!r}: --drop leaves it out")
    choice = choose_columns(frame, target, drop, keep, categorical)
    try:
        frame, notices = with_target(frame, target)
        chosen = infer_task(frame[target], target, task, decimal, notices)
    except DataError as problem:
        if not absent:
            raise
        raise DataError(
            f"{problem}. Rows with {listed(map(quoted, absent))} count as rows without a target: "
            "--missing '' keeps them"
        ) from problem
    if not chosen.classes:
        values = as_numbers(frame[target], f"the target {target!r}", decimal)
        if is_text(frame[target]):
            text = frame[target].iloc[0]
            notices.append(f"target {target!r}: read as numbers ({text!r} is {values[0]:.12g})")
        frame = frame.assign(**{target: values})
    rest, tested, more = hold_out(frame, chosen, held_out, seed)
    notices += more
    watched = None
    if validation:
        rest, watched, _ = hold_out(rest, chosen, validation, seed + 1)
    preprocessing, more = fit_preprocessing(rest, target, drop, together, choice)
    chosen = chosen.fitted(rest[target])

    def part(rows: Frame) -> Part:
        # A category that only set-aside rows have is as unknown as a new one at predict.
        X = preprocessing.transform(rows, allow_unseen=True)
        return Part(rows, X, chosen.encode(rows[target]))

    return Prepared(
        chosen,
        preprocessing,
        part(rest),
        None if watched is None else part(watched),
        part(tested),
        notices + more,
        choice.left_out,
    )


def require_column(name: Any, names: Sequence[str], option: str) -> None:
    """Raise ConfigurationError unless `name` is one of `names`; suggest a near one."""
    if name in names:
        return
    lower = {known.lower(): known for known in names}
    near = get_close_matches(str(name).lower(), lower, n=1)
    hint = f" Did you mean {lower[near[0]]!r}?" if near else ""
    raise ConfigurationError(
        f"{option} {name!r}: no such column.{hint} The columns are: {listed(names, 20)}"
    )
