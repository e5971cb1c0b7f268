"""From a CSV, Parquet or NPZ file to a frame whose columns have types."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from backprop_xp.errors import ConfigurationError, DataError
from backprop_xp.sources import extras
from backprop_xp.storage.problems import file_name, unreadable
from backprop_xp.tables.columns import Frame, require_different
from backprop_xp.tables.csv_files import CsvFile
from backprop_xp.tables.looks import trimmed
from backprop_xp.tables.npz_files import read_npz
from backprop_xp.tables.opening import called, opened
from backprop_xp.tables.parquet_tables import read_parquet
from backprop_xp.tables.recognition import Recognition, recognise, recognise_csv
from backprop_xp.tables.spelling import MARKS


@dataclass(frozen=True)
class Reading:
    """How the texts of a file are to be read.

    Attributes
    ----------
    encoding : str
        Of a CSV.
    separator : str, optional
        Of a CSV; by default what its first rows say.
    decimal : str, optional
        "." or ","; by default what most numbers of the file have before their decimals.
    missing : tuple of str, optional
        The texts that stand for a missing value, in all kinds of files; by default
        `backprop_xp.tables.recognition.USUAL_MISSING`, in a CSV alone. Empty fields of a CSV always
        are.
    likely_decimal : str
        Where the numbers of a file read both ways: that of the training file.
    """

    encoding: str = "utf-8"
    separator: str | None = None
    decimal: str | None = None
    missing: tuple[str, ...] | None = None
    likely_decimal: str = "."

    def __post_init__(self) -> None:
        if self.decimal is not None and self.decimal not in MARKS:
            raise ConfigurationError(f"--decimal {self.decimal!r}: expected . or ,")


@dataclass(frozen=True)
class Table:
    """A table that was read.

    Attributes
    ----------
    frame : pandas.DataFrame
        Its index numbers the rows from 0; it has at least one row and one column, all names text
        and different, without blanks around them and with composed accents.
    kind : str
        ".csv", ".tsv", ".parquet" or ".npz".
    reading : Reading
        How it was read, with the decimal mark that was found as `likely_decimal`.
    notices : list of str
        What texts were taken for missing, and which columns for numbers in another spelling.
    unlabelled : dict of str to list of str
        The texts that were taken for missing unasked, of each column that may be labels.
    """

    frame: Frame
    kind: str
    reading: Reading
    notices: list[str]
    unlabelled: dict[str, list[str]] = field(default_factory=dict)


def read_table(
    path: str | Path,
    text: Iterable[str] = (),
    exact: Iterable[str] = (),
    reading: Reading | None = None,
) -> Table:
    """Read a table.

    Parameters
    ----------
    path : str or Path
        `.csv` and `.tsv` (a header, separated by a comma, semicolon, tab or bar), `.parquet` or
        `.npz` (arrays X and y or Y, or an array per column); packed as `.csv.gz` or the like; a
        pipe; or - for standard input.
    text : iterable of str
        Columns whose fields are text even if they look like numbers (a CSV does not say).
    exact : iterable of str
        Columns that may be labels: those of a CSV become numbers only if they are whole numbers
        without leading zeros; lists of a Parquet file stay one column.
    reading : Reading, optional

    Raises
    ------
    DataError
        The file cannot be read as a table; the message is one line and says why.
    ConfigurationError
        An extra is not installed, or `reading` makes no sense.
    """
    path, reading = Path(file_name(path)), Reading() if reading is None else reading
    text, exact = set(text), set(exact)
    extras.pandas()
    try:
        with opened(path) as (file, kind):
            frame, found = _read(file, path, kind, {"text": text, "exact": exact}, reading)
    except OSError as problem:
        raise DataError(unreadable(called(path), problem)) from problem
    except MemoryError as problem:
        raise DataError(f"{called(path)} does not fit into memory") from problem
    how = replace(reading, likely_decimal=found.decimal)
    return Table(frame, kind, how, found.notices(), found.unlabelled)


def _read(
    file: IO[bytes], path: Path, kind: str, columns: dict[str, set[str]], reading: Reading
) -> tuple[Frame, Recognition]:
    name = called(path)
    how: dict[str, Any] = {
        "missing": reading.missing,
        "decimal": reading.decimal,
        "likely_decimal": reading.likely_decimal,
        **columns,
    }
    if kind in (".csv", ".tsv"):
        csv = CsvFile(file, name, reading.encoding, reading.separator)
        frame, found = recognise_csv(csv, **how)
        return _checked(frame, name), found
    raw = read_npz(file, name) if kind == ".npz" else read_parquet(file, name, columns["exact"])
    return recognise(_checked(raw, name), **how)


def _checked(frame: Frame, name: str) -> Frame:
    names = [trimmed(str(column)) for column in frame.columns]
    require_different(names, name)
    if not names:
        raise DataError(f"{name} has no columns")
    if not len(frame):
        raise DataError(f"{name} has a header but no rows")
    frame.columns = names
    return frame.reset_index(drop=True)
