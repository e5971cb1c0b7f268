"""Rows: which ones have a target, and which are held out."""

from __future__ import annotations

from typing import Any

import numpy as np

from backprop_xp.backends.host_data import host_generator
from backprop_xp.data.hold_out import stratified_split
from backprop_xp.errors import ConfigurationError, DataError
from backprop_xp.tables.columns import Frame
from backprop_xp.tables.preprocessing import listed
from backprop_xp.tables.task import Task
from backprop_xp.wording import plural, quoted

_FEWEST_ROWS = 10
_FEW_CLASSES = 3


def with_target(frame: Frame, target: str) -> tuple[Frame, list[str]]:
    """Return the rows that have a target, and a notice if some have none.

    Raises
    ------
    DataError
        No row has one, or so few that nothing can be learned and tested.
    """
    missing = frame[target].isna()
    count = int(missing.sum())
    if count == len(frame):
        raise DataError(f"the target {target!r} is missing in every row")
    if len(frame) - count < _FEWEST_ROWS:
        raise DataError(
            f"only {plural(len(frame) - count, 'row')} with a target: too few to learn from and to "
            f"test on, {_FEWEST_ROWS} and more are expected"
        )
    if not count:
        return frame, []
    row = int(np.argmax(missing.to_numpy())) + 1
    return frame[~missing], [
        f"{plural(count, 'row')} without a target {'is' if count == 1 else 'are'} not used (the "
        f"first is row {row})"
    ]


def hold_out(
    frame: Frame, task: Task, fraction: float, seed: int
) -> tuple[Frame, Frame, list[str]]:
    """Split a frame at random into rows to train on and rows held out, both in their old order.

    Of every class the same fraction is held out; of a class with too few rows for that, none.

    Returns
    -------
    training, held_out : pandas.DataFrame
    notices : list of str
    """
    if not 0.0 < fraction < 1.0:
        raise ConfigurationError(f"--held-out {fraction:g}: expected a fraction in (0, 1)")
    labels = np.zeros(len(frame), dtype=np.int64)
    kept, notices = np.zeros(0, dtype=np.int64), []
    if task.classes:
        labels = task.labels(frame[task.target])
        counts = np.bincount(labels, minlength=len(task.classes))
        cuts = np.round(fraction * counts)
        rare = np.flatnonzero((cuts == 0) | (cuts == counts))
        kept = np.flatnonzero(np.isin(labels, rare))
        notices = _untested([task.classes[i] for i in rare], counts[rare])
    rest = np.setdiff1d(np.arange(len(frame)), kept)
    if not rest.size:
        raise DataError(f"every class has too few rows to hold out {fraction:g} of them")
    training, held_out = stratified_split(labels[rest], fraction, host_generator(seed))
    return (
        frame.iloc[np.sort(np.concatenate([kept, rest[training]]))],
        frame.iloc[np.sort(rest[held_out])],
        notices,
    )


def _untested(classes: list[Any], counts: np.ndarray) -> list[str]:
    """A line for each class that is too rare, or one for many."""
    if len(classes) > _FEW_CLASSES:
        some = listed([quoted(label) for label in classes], _FEW_CLASSES)
        return [
            f"{len(classes):,} of the classes have too few rows to hold some out: none of these is "
            f"tested ({some})"
        ]
    return [
        f"class {quoted(label)} has {plural(int(count), 'row')}, too few to hold some out: none is "
        "tested"
        for label, count in zip(classes, counts, strict=True)
    ]
