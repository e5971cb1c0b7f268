"""A file of any kind as one that can be read twice: packed, from a pipe, from standard input."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from backprop_xp.errors import DataError

KINDS = (".csv", ".tsv", ".parquet", ".npz")
"""How the names of tables end."""

STDIN = Path("-")
"""Stands for standard input."""

_UNPACKERS: dict[bytes, Callable[[Any], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
_PACKED = (".gz", ".bz2", ".xz", ".zip")
_PROBLEMS = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
_NO_TEXT = {
    b"PAR1": "a Parquet file: give it a name that ends in .parquet",
    b"PK\x03\x04": "a workbook or another archive: save the table as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: save the table as CSV",
}
_OUR_DEVICES = ("/dev", "/proc")


@contextmanager
def opened(path: Path) -> Iterator[tuple[IO[bytes], str]]:
    """Open a table's file, and say which of `KINDS` it is.

    What is packed (.gz, .bz2, .xz, a .zip of one file) is unpacked into a temporary file, and so is
    what comes through a pipe; where a name says nothing, the first bytes do.

    Raises
    ------
    DataError
        There is no such file, it is empty, of no known kind or cannot be unpacked.
    OSError
        The system refuses it.
    """
    with _raw(path) as file, _unpacked(file, path) as plain:
        first = plain.read(4)
        plain.seek(0)
        if not first:
            raise DataError(f"{called(path)} is empty")
        yield plain, _kind(path, first)


def called(path: Path) -> str:
    """What messages call a file."""
    return "standard input" if path == STDIN else str(path)


def _raw(path: Path) -> IO[bytes]:
    if path == STDIN:
        if sys.stdin is None:
            raise DataError("standard input is closed: pipe a table into it, or name a file")
        return _kept(sys.stdin.buffer)
    if path.is_dir():
        raise DataError(f"{path} is a directory: expected a file")
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError) as problem:
        raise DataError(f"{path}: no such file") from problem
    if path.is_file():
        _kind(path, b"")
        return path.open("rb")
    with path.open("rb") as pipe:
        return _kept(pipe)


def _kept(source: Any) -> IO[bytes]:
    """A temporary file with all that a source gives."""
    file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - whoever reads closes it
    try:
        shutil.copyfileobj(source, file)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


@contextmanager
def _unpacked(file: IO[bytes], path: Path) -> Iterator[IO[bytes]]:
    start = file.read(6)
    file.seek(0)
    unpack = next((u for magic, u in _UNPACKERS.items() if start.startswith(magic)), None)
    if path.suffix.lower() == ".zip":
        unpack = _only_member
    if unpack is None:
        yield file
        return
    try:
        with unpack(file) as source:
            plain = _kept(source)
    except (OSError, *_PROBLEMS) as problem:
        raise DataError(f"{called(path)} cannot be unpacked: {problem}") from problem
    with plain:
        yield plain


def _only_member(file: IO[bytes]) -> Any:
    archive = zipfile.ZipFile(file)
    names = [name for name in archive.namelist() if not name.startswith("__MACOSX/")]
    if len(names) != 1:
        raise zipfile.BadZipFile(f"it holds {len(names)} files, and one is expected")
    return archive.open(names[0])


def _kind(path: Path, first: bytes) -> str:
    """By its name, without what says that it is packed; by its first bytes if it has none."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packed = bool(suffixes) and suffixes[-1] in _PACKED
    ending = (suffixes[-2:-1] or [""])[0] if packed else (suffixes or [""])[-1]
    if ending in (".csv", ".tsv") and first in _NO_TEXT:
        raise DataError(f"{path} is no text, but {_NO_TEXT[first]}")
    if ending in KINDS:
        return ending
    if packed or not path.is_file() or str(path).startswith(_OUR_DEVICES):
        return ".parquet" if first == b"PAR1" else ".npz" if first == b"PK\x03\x04" else ".csv"
    raise DataError(
        f"{path}: expected a name that ends in {', '.join(KINDS)} (or those and {_PACKED[0]})"
        + (f", not {path.suffix}" if path.suffix else "")
    )
