"""Options that several commands share, and checks before the work begins."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import backprop_xp as bp
from backprop_xp.tables.reading import Reading
from backprop_xp.tables.spelling import MARKS


def add_backend(parser: argparse.ArgumentParser) -> None:
    """Add `--backend`."""
    parser.add_argument(
        "--backend", metavar="NAME", help="numpy, cupy or strict (default: BACKEND, else numpy)"
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


def require_writable(option: str, path: Path | None, inputs: tuple[Path, ...] = ()) -> None:
    """Raise ConfigurationError if a file cannot be written, or would overwrite an input."""
    if path is None:
        return
    if path.is_dir():
        raise bp.ConfigurationError(f"{option} {path} is a directory: expected a file")
    if any(path.resolve() == read.resolve() for read in inputs):
        raise bp.ConfigurationError(f"{option} {path} would overwrite what is read")
    if not path.parent.is_dir():
        raise bp.ConfigurationError(f"{option} {path}: there is no directory {path.parent}")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as problem:
        raise bp.ConfigurationError(
            f"{option} {path} cannot be written: {problem.strerror}"
        ) from problem
