"""`predict`: a saved model on raw rows."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import backprop_xp as bp
from backprop_xp.cli.options import (
    add_backend,
    add_data,
    add_reading,
    is_stream,
    output_place,
    reading,
)
from backprop_xp.cli.streams import write_bytes
from backprop_xp.storage.problems import unwritable
from backprop_xp.storage.whole_files import write_whole
from backprop_xp.tables.columns import Frame
from backprop_xp.tables.model import TableModel, load_table_model
from backprop_xp.tables.report import report
from backprop_xp.wording import plural

_ABOUT = """\
Predict raw rows with a model that `train DATA --out MODEL` has saved.

DATA has the columns of the training file, in any order; the target may be
missing, and if it is there, the predictions are scored as well. Written is a
CSV (UTF-8) with a row per row of DATA, in the same order: the column
"prediction", and for classes "probability_LABEL" for each label.
"""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `predict` to the command line."""
    parser = commands.add_parser(
        "predict", help="predict raw rows with a saved model", description=_ABOUT
    )
    parser.add_argument("model", metavar="MODEL", type=Path, help="what `train --out` has saved")
    add_data(parser)
    parser.add_argument("--out", metavar="FILE", type=Path, help="a CSV (default, or -: stdout)")
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
    place = output_place("--out", options.out, inputs=(options.model, options.data), streams=True)
    model = load_table_model(options.model, bp.get_backend(options.backend))
    target = model.task.target
    frame = model.read(options.data, reading(options)).frame
    predictions = model.predictions(frame, options.allow_unseen)
    # A label that is no Unicode, as an array may hold one, is replaced.
    content = predictions.to_csv(index=False, lineterminator="\n").encode("utf-8", "replace")
    _write(content, place, called=f"--out {options.out}")
    # Stdout is the predictions' alone, unless they go to a file.
    messages = sys.stderr if place is None or is_stream(place) else sys.stdout
    if place is not None:
        print(f"{plural(len(frame), 'prediction')} in {options.out}", file=messages)
    if target in frame.columns:
        print(_score(model, frame, options.allow_unseen), file=messages)
    if told := _trained_on(model, frame, options.allow_unseen):
        print(told, file=messages)
    return 0


def _write(content: bytes, place: Path | None, called: str) -> None:
    if place is None:
        write_bytes(content)
    elif is_stream(place):
        try:
            place.write_bytes(content)
        except OSError as problem:
            raise bp.ConfigurationError(unwritable(str(place), problem, called)) from problem
    else:
        write_whole(place, content, bp.ConfigurationError, called)


def _trained_on(model: TableModel, frame: Frame, allow_unseen: bool) -> str | None:
    """What to say if rows are among those that the model was trained on, and that is known."""
    if model.training_rows is None:
        return None
    share = model.training_rows.share(model.preprocessing.transform(frame, allow_unseen))
    if not share:
        return None
    rows, about = round(share * len(frame)), "" if model.training_rows.complete else "about "
    return (
        f"notice: {about}{rows:,} of these {plural(len(frame), 'row')} "
        f"{'is' if rows == 1 else 'are'} equal to rows that the model was trained on, where it "
        "does better than on new ones"
    )


def _score(model: TableModel, frame: Frame, allow_unseen: bool) -> str:
    """The report's last line, on the rows whose target is known."""
    known = frame[model.task.known(frame[model.task.target])]
    if not len(known):
        return f"no row has a known target {model.task.target!r}: nothing to score"
    X = model.preprocessing.transform(known, allow_unseen)
    return report(model, known, X).last_line()
