"""Progress: a bar on stderr with the epoch, the latest figures and the time that is left."""

from __future__ import annotations

import sys
from typing import Any

from backprop_xp.training.callbacks import Callback, Run

# With the figures as short as below, ten cells of the bar and more are left of 80 columns.
_FORMAT = "{desc}|{bar}| {remaining}{postfix}"
_SHORT = {"validation": "val", "accuracy": "acc"}


class ProgressBar(Callback):
    """A line on stderr that counts the steps of all epochs.

    Parameters
    ----------
    held_out : str
        What the rows are called that the network is evaluated on after every epoch.
    """

    def __init__(self, held_out: str = "validation") -> None:
        self._held_out = held_out

    def on_train_begin(self, run: Run) -> None:
        from tqdm import tqdm  # here, because it would double the import time of the package

        total = run.epochs * run.batches
        done = run.epoch * run.batches
        self._bar: Any = tqdm(
            total=total, initial=done, unit="step", dynamic_ncols=True, bar_format=_FORMAT
        )

    def on_epoch_begin(self, run: Run) -> None:
        self._bar.set_description_str(f"epoch {run.epoch}/{run.epochs} ", refresh=False)

    def on_progress(self, run: Run) -> None:
        self._bar.update((run.epoch - 1) * run.batches + run.batch - self._bar.n)

    def on_epoch_end(self, run: Run) -> None:
        latest = run.history.latest().items()
        self._bar.set_postfix({self._short(k): f"{v:.3g}" for k, v in latest}, refresh=False)

    def on_train_end(self, run: Run) -> None:
        self._bar.close()

    def _short(self, name: str) -> str:
        name = name.replace("validation", self._held_out)
        return "_".join(_SHORT.get(word, word) for word in name.split("_"))


def wanted(progress: bool | None) -> bool:
    """Whether to show a bar: if asked for or, by default, if stderr is a terminal."""
    if progress is None:
        return sys.stderr is not None and sys.stderr.isatty()
    return progress
