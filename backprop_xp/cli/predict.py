"""`predict`: a saved model on raw rows."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import backprop_xp as bp
from backprop_xp.cli.options import add_backend, add_reading, reading, require_writable
from backprop_xp.tables.columns import Frame
from backprop_xp.tables.model import TableModel, load_table_model
from backprop_xp.tables.report import report

_ABOUT = """\
Predict raw rows with a model that `train DATA --out MODEL` has saved.

DATA has the columns of the training file, in any order; the target may be
missing, and if it is there, the predictions are scored as well. Written is a
CSV with a row per row of DATA, in the same order: the column "prediction", and
for classes "probability_LABEL" for each label.
"""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `predict` to the command line."""
    parser = commands.add_parser(
        "predict",
        help="predict raw rows with a saved model",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL", type=Path, help="what `train --out` has saved")
    parser.add_argument(
        "data",
        metavar="DATA",
        type=Path,
        help=".csv, .csv.gz, .parquet, .npz; or - for standard input",
    )
    parser.add_argument("--out", metavar="FILE", type=Path, help="a CSV (default: stdout)")
    parser.add_argument(
        "--allow-unseen",
        action="store_true",
        help="a category that no row had at training is none of the known ones, and no error",
    )
    add_reading(parser)
    add_backend(parser)
    parser.set_defaults(run=predict)


def predict(options: argparse.Namespace) -> int:
    """Write the predictions, and the score if the target is known."""
    require_writable("--out", options.out, inputs=(options.model, options.data))
    model = load_table_model(options.model, bp.get_backend(options.backend))
    target = model.task.target
    frame = model.read(options.data, reading(options)).frame
    predictions = model.predictions(frame, options.allow_unseen)
    predictions.to_csv(sys.stdout if options.out is None else options.out, index=False)
    # Stdout is the predictions' alone, unless they go to a file.
    messages = sys.stderr if options.out is None else sys.stdout
    if options.out is not None:
        print(f"{len(frame):,} predictions in {options.out}", file=messages)
    if target in frame.columns:
        print(_score(model, frame, options.allow_unseen), file=messages)
    return 0


def _score(model: TableModel, frame: Frame, allow_unseen: bool) -> str:
    """The report's last line, on the rows whose target is known."""
    known = frame[model.task.known(frame[model.task.target])]
    if not len(known):
        return f"no row has a known target {model.task.target!r}: nothing to score"
    X = model.preprocessing.transform(known, allow_unseen)
    return report(model, known, X).last_line()
