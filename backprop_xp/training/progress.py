"""Progress: a bar on stderr with the epoch, the latest figures and the time that is left."""

from __future__ import annotations

import sys
from typing import Any

from backprop_xp.training.callbacks import Callback, Run

# Short enough that the figures fit into 80 columns.
_FORMAT = "{desc}{percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"


class ProgressBar(Callback):
    """A line on stderr that counts the steps of all epochs."""

    def on_train_begin(self, run: Run) -> None:
        from tqdm import tqdm  # here, because it would double the import time of the package

        total = run.epochs * run.batches
        done = run.epoch * run.batches
        self._bar: Any = tqdm(
            total=total, initial=done, unit="step", dynamic_ncols=True, bar_format=_FORMAT
        )

    def on_epoch_begin(self, run: Run) -> None:
        self._bar.set_description(f"epoch {run.epoch}/{run.epochs}", refresh=False)

    def on_progress(self, run: Run) -> None:
        self._bar.update((run.epoch - 1) * run.batches + run.batch - self._bar.n)

    def on_epoch_end(self, run: Run) -> None:
        names = {"validation_loss": "val_loss", "validation_accuracy": "val_acc"}
        latest = run.history.latest().items()
        figures = {names.get(name, name).replace("validation", "val"): v for name, v in latest}
        self._bar.set_postfix({k: f"{v:.4f}" for k, v in figures.items()}, refresh=False)

    def on_train_end(self, run: Run) -> None:
        self._bar.close()


def wanted(progress: bool | None) -> bool:
    """Whether to show a bar: if asked for or, by default, if stderr is a terminal."""
    return sys.stderr.isatty() if progress is None else progress
