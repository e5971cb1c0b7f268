"""`explain`: the chain rule with numbers, for the article's network on a handful of rows."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import backprop_xp as bp
from backprop_xp.backends.host_data import host_generator
from backprop_xp.cli.options import add_backend, output_place
from backprop_xp.number_checks import require_count
from backprop_xp.pictures import checked_path, require_matplotlib

_ABOUT = """\
Walk through the chain rule with numbers: the article's network on a few rows of
an XOR-like problem. Shown is every equation by its name (F1-F4, J, B1-B8,
U1-U4) with its formula, its shape and its values and, beside every gradient,
the finite differences that it must agree with. The exit code is 1 if one does
not.
"""
_CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
_INSIDE = (0.05, 0.35)


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `explain` to the command line."""
    parser = commands.add_parser(
        "explain", help="show the chain rule with numbers, on a few rows", description=_ABOUT
    )
    parser.add_argument(
        "--hidden",
        type=_widths,
        default=[3],
        metavar="N,…",
        help="widths of the tanh layers (default: 3)",
    )
    parser.add_argument(
        "--rows", type=int, default=4, metavar="N", help="how many XOR-like examples (default: 4)"
    )
    parser.add_argument("--seed", type=int, default=0, help="draws weights and rows (default: 0)")
    parser.add_argument(
        "--plot",
        metavar="PATH",
        type=Path,
        help="also draw the computational graph: .png, .svg or .pdf",
    )
    add_backend(parser)
    parser.set_defaults(run=explain)


def explain(options: argparse.Namespace) -> int:
    """Print the explanation of a small network; the exit code is 1 if a gradient is wrong."""
    require_count("--rows", options.rows)
    picture = output_place("--plot", options.plot)
    if picture is not None:
        checked_path(picture)
        require_matplotlib()
    net = bp.Network([2, *options.hidden, 1], seed=options.seed, backend=options.backend)
    explanation = bp.explain(net, *_xor(options.rows, options.seed))
    print(explanation)
    if picture is not None:
        explanation.plot(picture)
        print(f"The computational graph is in {options.plot}")
    return 0 if explanation.report.passed else 1


def _xor(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Points inside the corners of a square; the answer is whether just one coordinate is large."""
    corners = _CORNERS[np.arange(rows) % 4]
    inwards = (1.0 - 2.0 * corners) * host_generator(seed).uniform(*_INSIDE, corners.shape)
    return np.round(corners + inwards, 1), corners[:, 0] != corners[:, 1]


def _widths(text: str) -> list[int]:
    """A list of widths such as "4,3"; an empty one for a network without hidden layer."""
    try:
        return [int(width) for width in text.split(",") if width.strip()]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: expected widths such as 3 or 4,3") from None
