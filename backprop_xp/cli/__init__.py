"""The command line: `backprop-xp` or `python -m backprop_xp`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

import backprop_xp as bp
from backprop_xp.cli import backends, check, explain, predict, train


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 a check failed, 2 wrong use."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except bp.BackpropError as error:
        print(f"backprop-xp: error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of a pipe, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("backprop-xp: interrupted", file=sys.stderr)
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="backprop-xp",
        description="Backpropagation for fully connected networks, on NumPy or CuPy.",
    )
    parser.add_argument("--version", action="version", version=f"backprop-xp {bp.__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in (train, predict, check, explain, backends):
        command.add_command(commands)
    return parser
