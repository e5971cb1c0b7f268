"""The command line: `backprop-xp` or `python -m backprop_xp`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import backprop_xp as bp
from backprop_xp.cli import backends, check, explain, learn, predict, streams, textbook, train
from backprop_xp.cli.parser import Parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 a check failed, 2 wrong use."""
    streams.show_everything()
    try:
        return _run(arguments)
    except BrokenPipeError:  # the reader of a pipe, such as head, has seen enough
        code = 1
    except bp.BackpropError as error:
        streams.complain(f"error: {error}")
        code = 2
    except OSError as problem:
        where = "standard output" if streams.give_up_stdout() else problem.filename
        reason = problem.strerror or problem
        streams.complain(f"error: {where}: {reason}" if where else f"error: {reason}")
        code = 2
    except MemoryError as problem:
        streams.complain(f"error: there is not enough memory. {problem}".rstrip(". "))
        code = 2
    except KeyboardInterrupt:
        streams.complain("interrupted")
        code = 130
    streams.give_up_stdout()
    return code


def _run(arguments: Sequence[str] | None) -> int:
    try:
        options = _parser().parse_args(arguments)
        code: int = options.run(options)
        return code
    finally:
        streams.flush()


def _help(options: argparse.Namespace) -> int:
    _parser().print_help()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="backprop-xp",
        description="Backpropagation for fully connected networks, on NumPy or CuPy.",
        epilog="backprop-xp COMMAND --help says more of a command",
    )
    parser.add_argument("--version", action="version", version=f"backprop-xp {bp.__version__}")
    parser.set_defaults(run=_help)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for command in (train, predict, check, explain, backends, textbook, learn):
        command.add_command(commands)
    return parser
