"""A CSV as a frame: of the types that pandas finds, or of its texts as they stand."""

from __future__ import annotations

import codecs
import csv
import io
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import IO, Any, TextIO

from backprop_xp.errors import ConfigurationError, DataError
from backprop_xp.sources import extras
from backprop_xp.tables.columns import Frame, require_different
from backprop_xp.tables.looks import trimmed
from backprop_xp.tables.separators import find_separator, said
from backprop_xp.wording import plural

_SPELLED = {"tab": "\t", r"\t": "\t", "space": " "}
# So many lines tell the separator.
_FIRST_LINES = 200
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class CsvFile:
    """A CSV whose rows have been counted, so that pandas may read it.

    Parameters
    ----------
    file : binary file
        Is read several times.
    name : str
        What messages call it.
    encoding : str
    separator : str, optional
        One character, "tab" or "space"; by default what the first rows say.

    Attributes
    ----------
    names : list of str
        Of the columns.
    codes : dict of str to str
        The columns that have numbers with leading zeros in the first rows, and one of these.

    Raises
    ------
    DataError
        It is no such text, or a row has another length than the header.
    ConfigurationError
        There is no such encoding or separator.
    """

    def __init__(self, file: IO[bytes], name: str, encoding: str, separator: str | None) -> None:
        asked = _SPELLED.get(separator or "", separator)
        _require_options(encoding, asked)
        self._file, self._name, self._encoding = file, name, encoding
        with self._errors(), _no_limit():
            with _text(file, encoding) as (text, found):
                lines = list(islice(text, _FIRST_LINES))
            self._separator = asked or found or find_separator(lines)
            with _text(file, encoding) as (text, _):
                self.names = self._scan(text, found is not None)
            self.codes = self._with_zeros(lines)

    def read(self, text: Collection[str], missing: Collection[str]) -> Frame:
        """Return all columns; pandas finds their types and missing values, but not of `text`."""
        typed = [name for name in self.names if name not in text]
        return self._read(
            dtype={name: str for name in self.names if name in text},
            keep_default_na=False,
            na_values={name: list(missing) for name in typed},
            low_memory=False,  # one type per column, not one per piece of the file
        )

    def texts(self, names: Collection[str]) -> Frame:
        """Return some columns as text, just as their fields stand in the file."""
        chosen = [name for name in self.names if name in names]
        return self._read(usecols=chosen, dtype=str, na_filter=False)

    def _read(self, **options: Any) -> Frame:
        with self._errors(), _text(self._file, self._encoding) as (text, _):
            return extras.pandas().read_csv(
                text,
                sep=self._separator,
                header=0,
                names=self.names,
                index_col=False,
                skipinitialspace=True,
                **options,
            )

    def _scan(self, text: TextIO, skipped: bool) -> list[str]:
        """Look for what pandas would let pass: rows of another length than the header.

        Returns the names of the columns.
        """
        rows = csv.reader(text, delimiter=self._separator, skipinitialspace=True)
        header = next((row for row in rows if row), [])
        if any("\0" in field for field in header):
            raise UnicodeError  # `_undecodable` says what it may be
        if not any(field.strip() for field in header):
            raise DataError(f"{self._name} is empty")
        for row in rows:
            if len(row) != len(header) and row:
                raise DataError(
                    f"{self._name}, line {rows.line_num + skipped}: {plural(len(row), 'field')} "
                    f"where the header has {len(header)}"
                )
        names = _named(header)
        require_different(names, self._name)
        return names

    def _with_zeros(self, lines: list[str]) -> dict[str, str]:
        rows = csv.reader(lines, delimiter=self._separator, skipinitialspace=True)
        codes: dict[str, str] = {}
        for row in islice(filter(None, rows), 1, None):
            for name, field in zip(self.names, row, strict=False):
                if field.startswith("0") and field.isdigit() and len(field) > 1:
                    codes.setdefault(name, field)
        return codes

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """What goes wrong in reading is an error that says where."""
        errors = extras.pandas().errors
        try:
            yield
        except UnicodeError as problem:
            raise DataError(_undecodable(self._file, self._name, self._encoding)) from problem
        except (csv.Error, errors.ParserError, errors.EmptyDataError) as problem:
            why = " ".join(str(problem).split())
            raise DataError(f"{self._name} is not a readable CSV: {why}") from problem


def _require_options(encoding: str, separator: str | None) -> None:
    try:
        "".encode(encoding)
    except (LookupError, UnicodeError, ValueError) as problem:  # base64 is no encoding of text
        raise ConfigurationError(
            f"--encoding {encoding!r}: no such encoding of text; common ones are utf-8, cp1252, "
            "latin-1, utf-16, shift_jis and gb18030"
        ) from problem
    if separator is not None and (len(separator) != 1 or separator in '"\r\n'):
        raise ConfigurationError(f"--separator {separator!r}: expected one character, or tab")


@contextmanager
def _no_limit() -> Iterator[None]:
    """Let fields be as long as they are; the csv module stops at 131,072 characters."""
    before = csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    try:
        yield
    finally:
        csv.field_size_limit(before)


@contextmanager
def _text(file: IO[bytes], encoding: str) -> Iterator[tuple[TextIO, str | None]]:
    """The text from its header on, and the separator that a line before the header names."""
    file.seek(0)
    text = io.TextIOWrapper(file, encoding, newline="")
    try:
        if text.read(1) != "\ufeff":
            text.seek(0)
        start = text.tell()
        separator = said(text.readline())
        if separator is None:
            text.seek(start)
        yield text, separator
    finally:
        text.detach()


def _named(header: list[str]) -> list[str]:
    """Name columns without a name by their place, as pandas does: Unnamed: 0, Unnamed: 0.1."""
    header = [trimmed(name) for name in header]
    taken, names = set(header), []
    for i, name in enumerate(header):
        own, count = name or f"Unnamed: {i}", 0
        while not name and own in taken:
            count += 1
            own = f"Unnamed: {i}.{count}"
        taken.add(own)
        names.append(own)
    return names


def _undecodable(file: IO[bytes], name: str, encoding: str) -> str:
    """Say where the text is not in its encoding, and what to do."""
    file.seek(0)
    content = file.read()
    is_not = f"{name} is not {encoding.upper()} text"
    likely = _likely_utf(content)
    if likely and likely not in encoding.lower():
        return f"{is_not}, but {likely.upper()}, it seems: {_advice(likely)}"
    try:
        content.decode(encoding)
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        place = f"byte {problem.start}, in line {line}, is 0x{content[problem.start]:02X}"
        return f"{is_not} ({place}): {_advice('cp1252')}"
    return f"{is_not}: it holds zero bytes"


def _advice(encoding: str) -> str:
    return (
        f"say what it is, for example --encoding {encoding}, or convert it first, for example "
        f"with iconv -f {encoding} -t utf-8"
    )


def _likely_utf(content: bytes) -> str | None:
    """Which encoding of two or four bytes a text begins in: its mark says so, or its zeros do."""
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if content.startswith(mark):
            return encoding
    even, odd = content[:200:2].count(0), content[1:200:2].count(0)
    if max(even, odd) * 4 < min(200, len(content)) or min(even, odd) * 2 > max(even, odd):
        return None
    return "utf-16-be" if even > odd else "utf-16-le"
