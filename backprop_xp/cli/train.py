"""`train`: a network on a table of the user's, or the article's network on the embedded data."""

from __future__ import annotations

import argparse
from pathlib import Path

import backprop_xp as bp
from backprop_xp.cli.example import train_example
from backprop_xp.cli.options import add_backend, add_data, add_reading
from backprop_xp.cli.ranks import on_every_rank
from backprop_xp.cli.train_table import OPTIMIZERS, train_table
from backprop_xp.tables.looks import trimmed
from backprop_xp.tables.task import KINDS
from backprop_xp.training.distributed.ranks import Ranks

_ABOUT = """\
Train a network on a table, test it on rows held out, and save it.

DATA is a CSV (with a header; separated by a comma, semicolon, tab or bar), a
Parquet file, or an NPZ with arrays X and y or an array per column; packed as
.csv.gz if you like, and - is standard input. Without DATA, train the article's
two-layer network on real data that comes with the package.

The target says what is learned: text, booleans and categories are classes; so
are two different numbers, and whole numbers with up to 20 values. Other numbers
are a regression. --task decides otherwise.

Columns of numbers are standardised; a missing number becomes the median, and a
feature marks it. So are columns in which all is numbers in another spelling:
1.234,50 or 1,234.50, 12 %, 5 €. Dates (2024-01-31, 31.01.2024, 01/31/2024 …)
become year, month, day of the week, days since a fixed day, and the hour if
there are times. Columns of text, booleans and categories are one-hot encoded;
missing values are a category. Of more than 99 categories the rarest share one.

Left out, with a notice: row numbers (whole numbers without gaps, no two alike,
in any order), identifiers (text with more than half its values different),
nested columns, and columns without a value.

Missing are the empty fields of a CSV, and NA, NaN, null, None, ? and the like
in it; --missing says otherwise. Labels and categories are compared without
blanks around them, and with composed accents (NFC).

The held-out rows are a last examination: nothing is learned from them, not even
a mean. Rows without a target are not used, with a notice.
"""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `train` to the command line."""
    parser = commands.add_parser(
        "train",
        help="train the article's two-layer network on real data, or a network on your data",
        description=_ABOUT,
    )
    add_data(parser, nargs="?")
    parser.add_argument(
        "--seed", type=int, default=0, help="draws weights, split and batches (default: 0)"
    )
    add_backend(parser)
    parser.add_argument(
        "--mpi",
        action="store_true",
        help="train on all ranks together: mpiexec -n 4 python -m backprop_xp train --mpi …",
    )
    _add_table(parser.add_argument_group("the table"))
    _add_network(parser.add_argument_group("the network and its training"))
    _add_results(parser.add_argument_group("results"))
    parser.set_defaults(run=train)


def _add_table(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--target", metavar="COL", type=trimmed, help="the column to predict (NPZ: y)"
    )
    group.add_argument("--task", choices=KINDS, help="default: what the target looks like")
    for name, what in (
        ("--drop", "leave a column out"),
        ("--keep", "use a column that looks like row numbers or an identifier"),
        ("--categorical", "take a column's numbers for categories, such as postcodes"),
    ):
        group.add_argument(
            name, metavar="COL", action="append", type=trimmed, help=f"{what}; may be repeated"
        )
    group.add_argument(
        "--missing",
        metavar="TEXT",
        action="append",
        help="what stands for a missing value, instead of NA, NaN, None, ? …; may be repeated; "
        "'' for nothing but empty fields",
    )
    add_reading(group)
    group.add_argument(
        "--scale",
        choices=("column", "table"),
        help="standardise numbers column by column (default), or all by one mean and deviation, "
        "as for pixels",
    )
    group.add_argument(
        "--held-out", metavar="R", type=float, help="fraction of rows to test on (default: 0.2)"
    )


def _add_network(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--hidden", metavar="N,N", help="widths of the hidden layers, or none (default: 64,32)"
    )
    group.add_argument("--activation", metavar="NAME", help="of the hidden layers (default: relu)")
    group.add_argument(
        "--epochs",
        metavar="N",
        type=int,
        help="passes over the data (default: 20; up to 200 on small data, for 2,000 steps)",
    )
    group.add_argument(
        "--batch-size",
        metavar="N",
        type=int,
        help="rows per step (default: 32; 128 from 10,000 training rows)",
    )
    group.add_argument(
        "--optimizer", metavar="NAME", help=f"{', '.join(OPTIMIZERS)} (default: adam)"
    )
    group.add_argument(
        "--learning-rate", metavar="R", type=float, help="default: that of the optimizer"
    )
    group.add_argument(
        "--l2",
        metavar="R",
        type=float,
        help="penalty (l2/2) Σ W² (default: 5 / training rows, which fades as the rows grow)",
    )
    group.add_argument(
        "--dropout", metavar="R", type=float, help="fraction of hidden units dropped (default: 0)"
    )
    group.add_argument(
        "--patience",
        metavar="N",
        type=int,
        help="stop after so many epochs without a better loss on a tenth of the training rows, "
        "which is then set aside, and keep the best weights",
    )
    group.add_argument(
        "--class-weight", choices=("balanced",), help="let every class weigh the same"
    )


def _add_results(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--out", metavar="FILE", type=Path, help="save the model (.safetensors)")
    group.add_argument(
        "--checkpoint", metavar="FILE", type=Path, help="write the run there after every epoch"
    )
    group.add_argument(
        "--resume", metavar="FILE", type=Path, help="go on from a checkpoint, up to --epochs in all"
    )
    group.add_argument(
        "--plot", metavar="FILE", type=Path, help="draw the run's curves: .png, .svg or .pdf"
    )
    group.add_argument("--quiet", action="store_true", help="print the last line alone")
    group.add_argument("--json", action="store_true", help="print one JSON document instead")


def train(options: argparse.Namespace) -> int:
    """Train on the table if there is one, else on the embedded data."""
    command = train_table if options.data is not None else _train_example
    if options.mpi:
        return on_every_rank(lambda ranks: command(options, ranks))
    return command(options, None)


def _train_example(options: argparse.Namespace, ranks: Ranks | None) -> int:
    ours = {"data", "seed", "backend", "mpi", "run"}
    given = [
        name
        for name, value in vars(options).items()
        if name not in ours and value is not None and value is not False
    ]
    if given:
        raise bp.ConfigurationError(
            f"--{given[0].replace('_', '-')} needs DATA: train FILE --target COL"
        )
    return train_example(options, ranks)
