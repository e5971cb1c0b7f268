"""Options that several commands share."""

from __future__ import annotations

import argparse


def add_backend(parser: argparse.ArgumentParser) -> None:
    """Add `--backend`."""
    parser.add_argument(
        "--backend", metavar="NAME", help="numpy, cupy or strict (default: BACKEND, else numpy)"
    )
