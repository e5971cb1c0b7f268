"""`explain`: the chain rule with numbers, on a few rows of an example or of the user's table."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import backprop_xp as bp
from backprop_xp.backends.host_data import host_generator
from backprop_xp.cli.explain_table import Rows, rows_of_table
from backprop_xp.cli.options import add_backend, add_reading, output_place
from backprop_xp.number_checks import require_count
from backprop_xp.pictures import checked_path, require_matplotlib
from backprop_xp.tables.looks import trimmed

_ABOUT = """\
Walk through the chain rule with numbers: the article's network on a few rows of
an XOR-like problem, or of DATA. Shown is every equation by its name (F1-F4, J,
B1-B8, U1-U4) with its formula, its shape and its values and, beside every
gradient, the finite differences that it must agree with. The exit code is 1 if
one does not.

--html writes a page to open in a browser: step through the equations, watch the
network train, and change its numbers. A page shows up to 4 layers with up to 8
inputs, units and outputs each, and 8 examples.
"""
_CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
_INSIDE = (0.05, 0.35)
# With the larger one, the page's training run gets somewhere.
_LEARNING_RATE, _LEARNING_RATE_OF_PAGES = 0.1, 0.5


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `explain` to the command line."""
    parser = commands.add_parser(
        "explain", help="show the chain rule with numbers, on a few rows", description=_ABOUT
    )
    parser.add_argument(
        "data", metavar="DATA", type=Path, nargs="?", help="your own table, as for train"
    )
    parser.add_argument(
        "--target", metavar="COL", type=trimmed, help="of DATA: the column to predict"
    )
    parser.add_argument(
        "--drop",
        metavar="COL",
        action="append",
        type=trimmed,
        help="of DATA: leave a column out; may be repeated",
    )
    parser.add_argument(
        "--hidden",
        type=_widths,
        default=[3],
        metavar="N,…",
        help="widths of the hidden layers (default: 3)",
    )
    parser.add_argument(
        "--activation", metavar="NAME", default="tanh", help="of the hidden layers (default: tanh)"
    )
    parser.add_argument(
        "--rows", type=int, default=4, metavar="N", help="how many examples (default: 4)"
    )
    parser.add_argument("--seed", type=int, default=0, help="draws weights and rows (default: 0)")
    parser.add_argument(
        "--learning-rate",
        metavar="R",
        type=float,
        help=f"α of U1-U4 (default: {_LEARNING_RATE}; for a page {_LEARNING_RATE_OF_PAGES})",
    )
    parser.add_argument(
        "--plot",
        metavar="PATH",
        type=Path,
        help="also draw the computational graph: .png, .svg or .pdf",
    )
    parser.add_argument(
        "--html", metavar="PATH", type=Path, help="write a page to step through instead"
    )
    add_backend(parser)
    add_reading(parser.add_argument_group("how DATA is read"))
    parser.set_defaults(run=explain)


def explain(options: argparse.Namespace) -> int:
    """Explain a small network; the exit code is 1 if a gradient is wrong."""
    require_count("--rows", options.rows)
    inputs = () if options.data is None else (options.data,)
    page = output_place("--html", options.html, inputs)
    picture = output_place("--plot", options.plot, inputs)
    if picture is not None:
        checked_path(picture)
        require_matplotlib()
    rows = _rows(options)
    net = bp.Network(
        [rows.X.shape[1], *options.hidden, rows.outputs],
        hidden=options.activation,
        output=rows.output,
        seed=options.seed,
        backend=options.backend,
    )
    default = _LEARNING_RATE if page is None else _LEARNING_RATE_OF_PAGES
    rate = default if options.learning_rate is None else options.learning_rate
    explanation = bp.explain(net, rows.X, rows.Y, learning_rate=rate)
    if page is None:
        print(explanation)
    else:
        explanation.to_html(page, features=rows.features, outputs=rows.names)
        print(f"The page is in {options.html}: open it in a browser")
    if picture is not None:
        explanation.plot(picture)
        print(f"The computational graph is in {options.plot}")
    return 0 if explanation.report.passed else 1


def _rows(options: argparse.Namespace) -> Rows:
    if options.data is not None:
        return rows_of_table(options)
    for name in ("target", "drop"):
        if getattr(options, name):
            raise bp.ConfigurationError(f"--{name} needs DATA: explain FILE --target COL")
    return Rows(*_xor(options.rows, options.seed))


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
