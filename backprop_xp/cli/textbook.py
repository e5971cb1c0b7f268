"""`textbook`: print the article's network, a file to read."""

from __future__ import annotations

import argparse
import inspect

from backprop_xp import textbook

_ABOUT = """\
Print the article's network in about a hundred lines of NumPy, to be read from
top to bottom: forward (F1-F4), cost (J), backward (B1-B8, a line for every
factor of the chain rule) and update (U1-U4). It needs nothing of this package:
save it with > network.py, change it, run it.
"""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `textbook` to the command line."""
    parser = commands.add_parser(
        "textbook", help="print the article's network in 100 lines", description=_ABOUT
    )
    parser.set_defaults(run=print_textbook)


def print_textbook(options: argparse.Namespace) -> int:
    """Print the file."""
    print(inspect.getsource(textbook), end="")
    return 0
