"""Options that several commands share, and checks before the work begins."""

from __future__ import annotations

import argparse
import os
import stat
from collections.abc import Sequence
from pathlib import Path

import backprop_xp as bp
from backprop_xp.storage.whole_files import require_writable
from backprop_xp.tables.preprocessing import listed
from backprop_xp.tables.reading import Reading, Table
from backprop_xp.tables.spelling import MARKS

_STDOUT = Path("-")


def add_data(parser: argparse.ArgumentParser, nargs: str | None = None) -> None:
    """Add DATA."""
    what = ".csv, .csv.gz, .parquet, .npz; or - for standard input"
    parser.add_argument("data", metavar="DATA", type=Path, nargs=nargs, help=what)


def add_backend(parser: argparse.ArgumentParser) -> None:
    """Add `--backend`."""
    parser.add_argument(
        "--backend", metavar="NAME", help="numpy or cupy (default: BACKEND, else numpy)"
    )


def add_reading(group: argparse._ActionsContainer) -> None:
    """Add what says how a CSV is read, where it does not say so itself."""
    group.add_argument(
        "--encoding", metavar="NAME", help="of a CSV, such as cp1252 or utf-16 (default: utf-8)"
    )
    group.add_argument(
        "--separator", metavar="C", help="of a CSV: one character, tab or space (default: found)"
    )
    group.add_argument(
        "--decimal",
        choices=MARKS,
        help="what stands before decimals (default: found; it decides what 1,234 is)",
    )


def reading(options: argparse.Namespace, missing: Sequence[str] | None = None) -> Reading:
    """What those options say."""
    return Reading(
        options.encoding or "utf-8",
        options.separator,
        options.decimal,
        None if missing is None else tuple(missing),
    )


def no_target(table: Table) -> bp.ConfigurationError:
    """The error of somebody who did not say what to predict."""
    return bp.ConfigurationError(
        "which column is to be predicted? Say --target COL. The columns are: "
        f"{listed(list(table.frame.columns), 20)}"
    )


def output_place(
    option: str, path: Path | None, inputs: tuple[Path, ...] = (), streams: bool = False
) -> Path | None:
    """Return where a file will be written: an absolute path, which no `os.chdir` moves.

    With `streams`, a device or a pipe may take its place, and - is standard output: None.

    Raises
    ------
    ConfigurationError
        It cannot be written, as far as that can be known, or would overwrite an input.
    """
    if path is None or (streams and path == _STDOUT):
        return None
    if path == _STDOUT:
        raise bp.ConfigurationError(f"{option} -: expected a file, not standard output")
    place = Path(os.path.abspath(path))
    if any(os.path.realpath(place) == os.path.realpath(read) for read in inputs):
        raise bp.ConfigurationError(f"{option} {path} would overwrite what is read")
    if not (streams and is_stream(place)):
        require_writable(place, bp.ConfigurationError, called=f"{option} {path}")
    return place


def is_stream(path: Path) -> bool:
    """Say whether this is a device or a pipe, which is written to as it is."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
