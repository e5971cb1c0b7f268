"""A history in a line, and as the table that a notebook shows."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_xp.wording import duration, in_one_format, plural

if TYPE_CHECKING:
    from backprop_xp.training.history import History

# A longer table shows so many epochs at its beginning and at its end.
_ROWS = 5


def line(history: History) -> str:
    """Such as History(20 epochs: loss 0.5 → 0.03, validation_loss 0.6 → 0.1)."""
    figures = {"loss": history.loss, "validation_loss": history.validation_loss, **history.metrics}
    changes = [
        f"{name} {_mean(values[0]):.4g} → {_mean(values[-1]):.4g}"
        for name, values in figures.items()
        if values
    ]
    parts = [", ".join(changes)] if changes else []
    if isinstance(history.best_epoch, int):
        parts.append(f"with the weights of epoch {history.best_epoch}")
    parts += [history.stopped] if history.stopped else []
    words = "; ".join([f"{_length(history)}: {parts[0]}", *parts[1:]] if parts else ["no epoch"])
    return f"{type(history).__name__}({words})"


def table(history: History) -> str:
    """An HTML table with a row per epoch, of many the first and the last ones."""
    epochs = len(history.loss)
    columns = {name: _cells(values) for name, values in _columns(history).items()}
    rows = range(epochs)
    shown = [*rows] if epochs <= 2 * _ROWS + 1 else [*rows[:_ROWS], None, *rows[-_ROWS:]]
    head = "".join(f"<th>{html.escape(name)}</th>" for name in ("epoch", *columns))
    body = "".join(_row(history, k, columns) for k in shown)
    caption = html.escape(_length(history) + (f"; {history.stopped}" if history.stopped else ""))
    return (
        f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )


def _columns(history: History) -> dict[str, Sequence[Any]]:
    columns = {
        "loss": history.loss,
        "validation loss": history.validation_loss,
        **{name.replace("_", " "): values for name, values in history.metrics.items()},
        "learning rate": history.learning_rate,
    }
    return {name: values for name, values in columns.items() if values}


def _row(history: History, k: int | None, columns: dict[str, list[str]]) -> str:
    if k is None:
        return "<tr>" + "<td>…</td>" * (1 + len(columns)) + "</tr>"
    kept = " (kept)" if history.best_epoch == k + 1 else ""
    # A run that ended within an epoch, or a history made by hand, may have shorter columns.
    cells = [f"{k + 1}{kept}", *(c[k] if k < len(c) else "" for c in columns.values())]
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _cells(values: Sequence[Any]) -> list[str]:
    return in_one_format(_mean(value) for value in values)


def _mean(value: Any) -> float:
    """A figure, or that of a population: the mean over the members that learned."""
    known = np.asarray(value, dtype=np.float64)
    known = known[~np.isnan(known)]
    return float(known.mean()) if known.size else float("nan")


def _length(history: History) -> str:
    members = len(getattr(history, "ends", ()))
    of_members = f" of {plural(members, 'member')}" if members else ""
    taken = f" in {duration(sum(history.seconds))}" if history.seconds else ""
    means = ", means over the members" if members else ""
    return f"{plural(len(history.loss), 'epoch')}{of_members}{taken}{means}"
