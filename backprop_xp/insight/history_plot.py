"""Pictures of a run: losses, the validation metric and the learning rate, epoch by epoch."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from backprop_xp.errors import ConfigurationError, shown
from backprop_xp.pictures import BLUE, GREEN, GREY, PALETTE, VERMILLION, Figure, picture
from backprop_xp.training.history import History
from backprop_xp.training.populations.history import PopulationHistory
from backprop_xp.wording import plural

# A panel whose largest value is so many times its smallest gets a logarithmic axis.
_WIDE = 50.0


def plot_history(
    history: History,
    path: str | os.PathLike[str] | None = None,
    held_out: str = "validation",
) -> Figure:
    """Draw what happened in a run.

    One panel shows the losses, one the metrics on the validation data, if there are any, and one
    the learning rate, if it changed. If early stopping has put the weights of its best epoch back,
    that epoch is marked.

    Parameters
    ----------
    history : History
        What `fit` returned.
    path : path-like, optional
        Where to save the picture: .png, .svg or .pdf.
    held_out : str
        What the validation data were, if they were called so in `fit` alone: "test", for one.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ConfigurationError
        The history is empty, matplotlib is missing, or the path cannot be written to.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> net = bp.Network([1, 1], backend="numpy")
    >>> history = bp.fit(net, [[0.0], [1.0]], [0, 1], epochs=3)
    >>> figure = bp.plot_history(history)
    >>> [axis.get_ylabel() for axis in figure.axes]
    ['loss']
    """
    if not isinstance(history, History):
        raise ConfigurationError(f"history={shown(history)}: expected what fit returned, a History")
    if isinstance(history, PopulationHistory):
        raise ConfigurationError(
            "this is the history of a population: draw that of a member, history.member(0)"
        )
    if not history.loss:
        raise ConfigurationError("the history is empty: there is no epoch to draw")
    if not isinstance(held_out, str):
        raise ConfigurationError(f"held_out={held_out!r}: expected a name, such as 'validation'")
    panels = [_draw_losses]
    panels += [_draw_metrics] if any(history.metrics.values()) else []
    panels += [_draw_learning_rate] if len(set(history.learning_rate)) > 1 else []
    height = 1.2 + 2.6 + 1.7 * (len(panels) - 1)
    with picture(7.2, height, path, layout="constrained") as figure:
        ratios = [2.6, *[1.7] * (len(panels) - 1)]
        axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False, height_ratios=ratios)
        for draw, axis in zip(panels, axes[:, 0], strict=True):
            draw(axis, history, held_out)
            _mark_best(axis, history)
            if len(axis.get_legend_handles_labels()[0]) > 1:
                axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        _finish(axes[-1, 0], history)
        figure.suptitle(_title(history, held_out), x=0.015, ha="left", size=12, weight="bold")
    return figure


def _draw_losses(axis: Any, history: History, held_out: str) -> None:
    _line(axis, history.loss, BLUE, "training")
    if history.validation_loss:
        _line(axis, history.validation_loss, VERMILLION, held_out)
    _scale(axis, [*history.loss, *history.validation_loss])
    axis.set_ylabel("loss")


def _draw_metrics(axis: Any, history: History, held_out: str) -> None:
    names = [name.replace("validation", held_out).replace("_", " ") for name in history.metrics]
    for k, (name, values) in enumerate(zip(names, history.metrics.values(), strict=True), start=1):
        _line(axis, values, PALETTE[k % len(PALETTE)], name)
    axis.set_ylabel(names[0] if len(names) == 1 else "metrics")


def _draw_learning_rate(axis: Any, history: History, held_out: str) -> None:
    _line(axis, history.learning_rate, GREEN, "learning rate")
    axis.set_ylim(0.0, 1.06 * max(history.learning_rate))
    axis.set_ylabel("learning rate")


def _line(axis: Any, values: list[float], colour: str, label: str) -> None:
    epochs = range(1, len(values) + 1)
    marker = "o" if len(values) <= 12 else None
    axis.plot(epochs, values, color=colour, lw=2, marker=marker, ms=4, label=label)


def _scale(axis: Any, values: list[float]) -> None:
    finite = [value for value in values if np.isfinite(value)]
    if finite and 0 < _WIDE * min(finite) < max(finite):
        axis.set_yscale("log")


def _mark_best(axis: Any, history: History) -> None:
    best = history.best_epoch
    if best is None:
        return
    # Not clipped: that epoch may be the first or the last, at the edge of the panel.
    axis.axvline(best, color=GREY, lw=1.2, ls=(0, (4, 3)), zorder=1, clip_on=False)
    if axis.get_ylabel() == "loss":
        loss, colour = _best_loss(history), VERMILLION if history.validation_loss else BLUE
        label = f"epoch {best}, kept"
        style = {"ms": 8, "mfc": "white", "mec": colour, "mew": 2, "zorder": 5, "clip_on": False}
        axis.plot([best], [loss], "o", label=label, **style)


def _best_loss(history: History) -> float:
    """The loss of the epoch whose weights were kept."""
    losses = history.validation_loss or history.loss
    return float(losses[history.best_epoch - 1])


def _finish(axis: Any, history: History) -> None:
    from matplotlib.ticker import MaxNLocator

    axis.set_xlabel("epoch")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    epochs = len(history.loss)
    axis.set_xlim(0.5, epochs + 0.5) if epochs < 12 else axis.set_xlim(1, epochs)


def _title(history: History, held_out: str) -> str:
    title = plural(len(history.loss), "epoch")
    if history.best_epoch is not None:
        which = f"{held_out} loss" if history.validation_loss else "loss"
        title += f", epoch {history.best_epoch} kept: {which} {_best_loss(history):.4g}"
    # On a separate line, for it may be long.
    return f"{title}\n{history.stopped}" if history.stopped else title
