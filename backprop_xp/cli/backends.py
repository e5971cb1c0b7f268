"""`backends`: what is usable here, and why not."""

from __future__ import annotations

import argparse
import os

from backprop_xp.backends import survey

_ABOUT = """\
List the backends, which are the places where arrays can live and be computed
with: which are usable here, with version and device, and what the others lack.
The one that is used without --backend is marked; the environment variable
BACKEND chooses another.
"""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `backends` to the command line."""
    parser = commands.add_parser(
        "backends", help="list the backends, and what is usable here", description=_ABOUT
    )
    parser.set_defaults(run=backends)


def backends(options: argparse.Namespace) -> int:
    """List every backend, and mark the one that is chosen."""
    asked = os.environ.get("BACKEND", "").strip()
    statuses = survey()
    for status in statuses:
        mark = "usable    " if status.usable else "not usable"
        why = f"BACKEND={asked}" if asked else "the default"
        chosen = f"  ← {why}" if status.name == (asked or "numpy") else ""
        print(f"{status.name:8}{mark}  {status.detail}{chosen}")
    if asked and asked not in [status.name for status in statuses]:
        print(f"BACKEND={asked} names none of these")
    return 0
