"""`learn`: the lessons, listed, run step by step, or written as notebooks."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import backprop_xp as bp
from backprop_xp.lessons.catalogue import lesson, lessons
from backprop_xp.lessons.notebook import write_notebook
from backprop_xp.lessons.playing import play

_ABOUT = """\
Lessons that run. Without a number they are listed; with one, the lesson is
shown and run in the terminal, step by step: think what a cell will print, then
press Enter. Each ends with a task and its solution. Pictures (they need
matplotlib) are written to the current folder.
"""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `learn` to the command line."""
    parser = commands.add_parser(
        "learn", help="lessons: list them, run one, or write a notebook", description=_ABOUT
    )
    parser.add_argument("number", nargs="?", type=int, metavar="N", help="which lesson")
    parser.add_argument(
        "--all", action="store_true", help="run it at once, without waiting for Enter"
    )
    parser.add_argument(
        "--notebook",
        nargs="?",
        type=Path,
        const=Path(),
        metavar="PATH",
        help="write it as a Jupyter notebook (needs nbformat), and do not run it",
    )
    parser.set_defaults(run=learn)


def learn(options: argparse.Namespace) -> int:
    """List the lessons, run one or write one."""
    if options.number is None:
        if options.notebook is not None or options.all:
            raise bp.ConfigurationError("learn: expected the number of a lesson, as in learn 1")
        _list()
        return 0
    chosen = lesson(options.number)
    if options.notebook is not None:
        named = options.notebook != Path()
        path = options.notebook if named else Path(chosen.path.with_suffix(".ipynb").name)
        write_notebook(chosen, path)
        print(f"lesson {chosen.number} is in {path}")
        return 0
    step_by_step = not options.all and _on_a_terminal()
    play(chosen, _ask if step_by_step else None)
    return 0


def _list() -> None:
    for each in lessons():
        print(f"{each.number:3}  {each.title:62} {each.minutes:3} min")
    print("\nRun one step by step: python -m backprop_xp learn 1")


def _on_a_terminal() -> bool:
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def _ask(question: str) -> bool:
    """Wait for Enter, and say whether to go on."""
    try:
        return input(question).strip().lower() not in ("q", "quit")
    except EOFError:
        print()
        return False
