"""Options that several commands share, and checks before the work begins."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import backprop_xp as bp


def add_backend(parser: argparse.ArgumentParser) -> None:
    """Add `--backend`."""
    parser.add_argument(
        "--backend", metavar="NAME", help="numpy, cupy or strict (default: BACKEND, else numpy)"
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
