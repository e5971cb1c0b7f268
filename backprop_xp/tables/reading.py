"""From a CSV, Parquet or NPZ file to a frame."""

from __future__ import annotations

import csv
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from backprop_xp.errors import DataError
from backprop_xp.sources import extras
from backprop_xp.tables.columns import Frame

# Besides what pandas takes for a missing value: an empty field, NA, N/A, NaN, null, None, …
_ALSO_MISSING = ["?"]
_SEPARATORS = ",;\t|"
# A single array (.npy) under the name of an .npz is a TypeError.
_NPZ_PROBLEMS = (
    *(ValueError, TypeError, KeyError, EOFError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error),
)


def read_table(path: str | Path, text: Iterable[str] = ()) -> Frame:
    """Read a table; the index of the frame numbers its rows from 0.

    Parameters
    ----------
    path : str or Path
        `.csv` and `.tsv` (UTF-8, a header, separated by a comma, semicolon, tab or bar), `.parquet`
        or `.npz` (arrays X and y or Y, or an array per column).
    text : iterable of str
        Columns whose fields are text even if they look like numbers (a CSV does not say).

    Returns
    -------
    pandas.DataFrame
        With at least one row and one column, all names text and different.

    Raises
    ------
    DataError
        The file cannot be read as a table; the message is one line and says why.
    ConfigurationError
        An extra is not installed.
    """
    path = Path(path)
    readers = {".csv": _csv, ".tsv": _csv, ".parquet": _parquet, ".npz": _npz}
    if path.is_dir():
        raise DataError(f"{path} is a directory: expected a file")
    if not path.exists():
        raise DataError(f"{path}: no such file")
    if path.suffix.lower() not in readers:
        raise DataError(
            f"{path}: expected a name that ends in {', '.join(readers)}"
            + (f", not {path.suffix}" if path.suffix else "")
        )
    extras.pandas()
    try:
        if path.stat().st_size == 0:
            raise DataError(f"{path} is empty")
        frame = readers[path.suffix.lower()](path, list(text))
    except OSError as problem:
        raise DataError(f"{path} cannot be read: {problem.strerror or problem}") from problem
    except MemoryError as problem:
        raise DataError(f"{path} does not fit into memory") from problem
    return _checked(frame, path)


def _checked(frame: Frame, path: Path) -> Frame:
    frame.columns = [str(name) for name in frame.columns]
    _require_different(list(frame.columns), path)
    if frame.shape[1] == 0:
        raise DataError(f"{path} has no columns")
    if frame.shape[0] == 0:
        raise DataError(f"{path} has a header but no rows")
    return frame.reset_index(drop=True)


def _require_different(names: list[str], path: Path) -> None:
    twice = sorted({name for name in names if names.count(name) > 1}) if _repeat(names) else []
    if twice:
        raise DataError(
            f"{path}: more than one column is called {', '.join(map(repr, twice))}: rename them"
        )


def _repeat(names: list[str]) -> bool:
    return len(set(names)) < len(names)


# -- CSV ---------------------------------------------------------------------------------------


def _csv(path: Path, text: list[str]) -> Frame:
    pd = extras.pandas()
    try:
        names, separator = _scan(path)
        return pd.read_csv(
            path,
            sep=separator,
            header=0,
            names=names,
            index_col=False,
            encoding="utf-8-sig",
            skipinitialspace=True,
            na_values=_ALSO_MISSING,
            dtype={name: str for name in names if name in text},
            low_memory=False,  # one type per column, not one per piece of the file
        )
    except UnicodeDecodeError as problem:
        raise DataError(
            f"{path} is not UTF-8 text (byte {problem.start}): convert it first, for example "
            f"iconv -f latin1 -t utf-8 {path}"
        ) from problem
    except (csv.Error, pd.errors.ParserError, pd.errors.EmptyDataError) as problem:
        raise DataError(f"{path} is not a readable CSV: {_one_line(problem)}") from problem


def _scan(path: Path) -> tuple[list[str], str]:
    """Read the file once for what pandas would let pass: rows of another length than the header.

    Returns the names of the columns, and what separates them.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        first = next((line for line in file if line.strip()), "")
        if "\0" in first:
            raise DataError(f"{path} is not text: it holds zero bytes")
        separator = max(_SEPARATORS, key=first.count)
        file.seek(0)
        rows = csv.reader(file, delimiter=separator, skipinitialspace=True)
        header = next((row for row in rows if row), [])
        names = [name or f"Unnamed: {i}" for i, name in enumerate(header)]
        if not any(header):
            raise DataError(f"{path} is empty")
        _require_different(names, path)
        for row in rows:
            if len(row) != len(names) and row:
                raise DataError(
                    f"{path}, line {rows.line_num}: {len(row)} fields where the header has "
                    f"{len(names)}"
                )
    return names, separator


# -- Parquet -----------------------------------------------------------------------------------


def _parquet(path: Path, text: list[str]) -> Frame:
    arrow = extras.extra("pyarrow", "parquet", "a Parquet file")
    try:
        return extras.pandas().read_parquet(path, engine="pyarrow")
    except (arrow.ArrowException, ValueError) as problem:
        raise DataError(f"{path} is not a readable Parquet file: {_one_line(problem)}") from problem


# -- NPZ ---------------------------------------------------------------------------------------


def _npz(path: Path, text: list[str]) -> Frame:
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except _NPZ_PROBLEMS as problem:
        raise DataError(
            f"{path} is not a readable NPZ file of plain arrays: {_one_line(problem)}"
        ) from problem
    columns = _from_arrays(arrays, path)
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        short, long = min(lengths, key=lengths.__getitem__), max(lengths, key=lengths.__getitem__)
        raise DataError(
            f"{path}: {short} has {lengths[short]} rows, but {long} has {lengths[long]}"
        )
    try:
        return extras.pandas().DataFrame(columns)
    except UnicodeEncodeError as problem:
        raise DataError(f"{path} holds text that is no Unicode: {problem.reason}") from problem


def _from_arrays(arrays: dict[str, Any], path: Path) -> dict[str, Any]:
    """A column for each feature of X (x0, x1, …) and for each other array."""
    columns: dict[str, Any] = {}
    for name, array in arrays.items():
        if array.dtype.kind not in "biufUS":
            raise DataError(f"{path}: the array {name} has the dtype {array.dtype}, not a column's")
        if array.dtype.kind == "S":
            array = np.char.decode(array, "utf-8", "replace")
        if name == "X" and array.ndim >= 2:
            flat = array.reshape(len(array), -1)
            columns.update({f"x{i}": flat[:, i] for i in range(flat.shape[1])})
        elif array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 1):
            columns["x0" if name == "X" else name] = array.reshape(-1)
        else:
            raise DataError(
                f"{path}: the array {name} has the shape {array.shape}; expected X (m, n) and y "
                "(m,), or an array (m,) per column"
            )
    return columns


def _one_line(problem: BaseException) -> str:
    return " ".join(str(problem).split())
