"""What `train DATA` prints: the data, the network, the training, and how well it does."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path

import backprop_xp as bp
from backprop_xp.tables.opening import called
from backprop_xp.tables.prepared import Prepared
from backprop_xp.tables.preprocessing import Date, Number
from backprop_xp.tables.reading import Table
from backprop_xp.tables.report import ClassReport, ValueReport
from backprop_xp.wording import duration, plural

_NOTICES = 12
_INDENT = 10

# Takes the name of a line, and its text.
Say = Callable[[str, str], None]


def say(name: str, text: str) -> None:
    """Print a line with a name, wrapped at 80 columns."""
    print(
        textwrap.fill(
            f"{name:{_INDENT}}{text}",
            width=80,
            subsequent_indent=" " * _INDENT,
            break_long_words=False,
            break_on_hyphens=False,
        ),
        flush=True,
    )


def describe(
    say: Say, options: argparse.Namespace, table: Table, data: Prepared, net: bp.Network
) -> None:
    """Say what was read and what will be trained."""
    columns = data.preprocessing.columns
    numbers = sum(isinstance(column, Number) for column in columns)
    dates = sum(isinstance(column, Date) for column in columns)
    rows, wide = table.frame.shape
    say("data", f"{called(options.data)}: {plural(rows, 'row')}, {plural(wide, 'column')}")
    say("task", f"target {data.task.target!r}: {data.task.why}")
    how = "standardised together" if options.scale == "table" else "standardised"
    kinds = [f"{numbers:,} of numbers ({how})"] if numbers else []
    kinds += [f"{dates:,} of dates"] if dates else []
    if len(columns) > numbers + dates:
        kinds.append(f"{len(columns) - numbers - dates:,} of categories (one-hot)")
    say("columns", f"{_and(kinds)} → {plural(data.preprocessing.features, 'feature')}")
    for notice in data.notices[:_NOTICES]:
        say("notice", notice)
    if len(data.notices) > _NOTICES:
        say("notice", f"… and {len(data.notices) - _NOTICES:,} more: see --json")
    watched = f"{len(data.validation):,} to stop by, " if data.validation else ""
    say(
        "rows",
        f"{len(data.training):,} to train on, {watched}{len(data.held_out):,} held out to test on",
    )
    say("network", _layers(net))
    say("backend", f"{net.backend.name} ({net.backend.description})")


def _and(parts: list[str]) -> str:
    """Such as "a, b and c"."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _layers(net: bp.Network) -> str:
    hidden = "".join(f" → {n} {g.name}" for n, g in zip(net.sizes[1:-1], net.hidden, strict=True))
    return (
        f"{plural(net.sizes[0], 'feature')}{hidden} → {net.sizes[-1]} {net.output.name}, "
        f"{net.loss.name.replace('_', ' ')}, {plural(net.theta.shape[0], 'parameter')}"
    )


def conclude(
    say: Say,
    options: argparse.Namespace,
    penalized: bool,
    history: bp.History,
    seconds: float,
    result: ClassReport | ValueReport,
) -> None:
    """Say how the training went, what was written, and how well the network does."""
    ended = [history.stopped] if history.stopped else []
    if history.best_epoch is not None and history.best_epoch < len(history.loss):
        ended.append(f"the weights are those of epoch {history.best_epoch}")
    say(
        "trained",
        f"{plural(len(history.loss), 'epoch')} of {options.optimizer or 'adam'} in "
        f"{duration(seconds)}, "
        f"loss{' and penalty' if penalized else ''} {history.loss[0]:.4g} → {history.loss[-1]:.4g}"
        + (f" ({'; '.join(ended)})" if ended else ""),
    )
    if options.out:
        say("saved", f"{options.out}; use it:")
        # On a separate line, however long: to be copied.
        print(f"{'':{_INDENT}}{_command(options.out)}")
    if options.plot:
        say("drawn", f"{options.plot}: the curves of the run")
    if not options.out:
        say("notice", "the model is not saved: --out FILE saves it")
    print(f"\n{result.text()}\n")


def _command(model: Path) -> str:
    """How to predict with a model, for the shell of this system."""
    name = str(model)
    words = ["python", "-m", "backprop_xp", "predict"]
    words.append(os.path.join(os.curdir, name) if name.startswith("-") else name)
    quoted = subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
    return f"{quoted} DATA"
