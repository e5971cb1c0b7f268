"""What texts are: missing, numbers in whatever spelling, or booleans."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backprop_xp.sources import extras
from backprop_xp.tables.columns import Frame, Series, is_text, read_as_numbers
from backprop_xp.tables.csv_files import CsvFile
from backprop_xp.tables.preprocessing import listed
from backprop_xp.tables.spelling import Numbers, decimal_mark, spelled
from backprop_xp.wording import quoted

USUAL_MISSING = (
    *("?", "NA", "N/A", "n/a", "<NA>", "#N/A", "#NA", "#N/A N/A", "NaN", "nan", "-NaN", "-nan"),
    *("NULL", "null", "None", "1.#IND", "1.#QNAN", "-1.#IND", "-1.#QNAN"),
)
"""Texts of a CSV that stand for a missing value beside the empty ones: those of pandas, and ?."""

_AS_PYTHON_WRITES = re.compile(r"0|-?[1-9]\d*")


@dataclass
class Recognition:
    """What was recognised in a table.

    Attributes
    ----------
    decimal : str
        "." or ",": what its numbers have before their decimals.
    missing : dict of str to list of str
        The texts that were taken for missing values, and the columns that have them.
    spelled : dict of str to list of tuple
        How numbers are spelled, and the columns that spell them so, each with an example.
    codes : dict of str to str
        Columns of numbers with leading zeros, each with an example.
    unlabelled : dict of str to list of str
        Columns that may be labels, and the texts of them that were taken for missing unasked.
    """

    decimal: str = "."
    missing: dict[str, list[str]] = field(default_factory=dict)
    spelled: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    unlabelled: dict[str, list[str]] = field(default_factory=dict)

    def missing_in(self, columns: Iterable[str]) -> dict[str, list[str]]:
        """The texts that were taken for missing in each of some columns, if there are any."""
        here = {c: [text for text, names in self.missing.items() if c in names] for c in columns}
        return {column: texts for column, texts in here.items() if texts}

    def notices(self) -> list[str]:
        """A line for what was taken for missing, and one for each spelling."""
        lines = [
            f"target {name!r}: rows with {listed(map(quoted, texts))} count as rows without a "
            "target, and are not used. If that is a class of its own, keep it with --missing '' "
            "(only empty fields are missing then)"
            for name, texts in self.unlabelled.items()
        ]
        others = {
            text: [name for name in names if name not in self.unlabelled]
            for text, names in self.missing.items()
        }
        where = "; ".join(f"{quoted(t)} in {listed(n, 3)}" for t, n in others.items() if n)
        if where:
            lines.append(
                f"taken for missing: {where} (--missing TEXT says what is; --missing '' only what "
                "is empty)"
            )
        for how, columns in self.spelled.items():
            names, example = listed([name for name, _ in columns]), columns[0][1]
            lines.append(f"read as numbers{how}: {names} ({example})")
        if self.codes:
            first, example = next(iter(self.codes.items()))
            lines.append(
                f"numbers with leading zeros: {listed(list(self.codes))} (such as {example!r}); if "
                f"they are codes, say --categorical {first!r}"
            )
        return lines


def recognise_csv(
    csv: CsvFile,
    *,
    text: Collection[str] = (),
    exact: Collection[str] = (),
    missing: Iterable[str] | None = None,
    decimal: str | None = None,
    likely_decimal: str = ".",
) -> tuple[Frame, Recognition]:
    """Read a CSV, and give its columns the types that their texts have.

    Parameters
    ----------
    csv : CsvFile
    text : collection of str
        Columns that stay text even if they look like numbers.
    exact : collection of str
        Columns that become numbers only if all are whole and stand as Python writes them.
    missing : iterable of str, optional
        What stands for a missing value, beside what is empty; by default `USUAL_MISSING`.
    decimal, likely_decimal : str
        What stands before decimals: surely, or where the file does not say.
    """
    gone = {"", *(USUAL_MISSING if missing is None else missing)}
    frame = csv.read({*text, *exact}, gone)
    found = Recognition(codes={n: c for n, c in csv.codes.items() if frame[n].dtype.kind in "if"})
    columns = {}
    for name, column in frame.items():
        columns[name] = _without(column, gone, found) if is_text(column) else column
        if name in exact:
            columns[name] = _whole_numbers(columns[name])
        elif name not in text and columns[name] is not column:
            columns[name] = _plain(columns[name])
    if missing is None:
        found.unlabelled = found.missing_in(exact)
    typed = [n for n in columns if n not in {*text, *exact} and frame[n].isna().any()]
    for _, column in csv.texts(typed).items():
        _without(column, gone, found)  # to say which texts pandas has taken for missing
    numbers = _spelled(columns, text)
    votes = [n.marks for n in numbers.values()]
    with_point: dict[Any, Series] = {}
    if likely_decimal == "," or {","} in votes:
        # 1.234 is a thousand where others have decimal commas, and 1.5 says that they have not.
        with_point = _with_point(csv, columns, gone)
    dotted = _spelled(with_point, text)
    votes += [n.marks for n in dotted.values()]
    found.decimal = decimal or decimal_mark(votes, likely_decimal)
    if found.decimal == ",":
        numbers |= {name: n for name, n in dotted.items() if "," in n.marks}
    return _converted(columns, columns | with_point, numbers, exact, found), found


def recognise(
    frame: Frame,
    *,
    text: Collection[str] = (),
    exact: Collection[str] = (),
    missing: Iterable[str] | None = None,
    decimal: str | None = None,
    likely_decimal: str = ".",
) -> tuple[Frame, Recognition]:
    """Do the same for a frame whose columns have types: only its texts may be more than texts.

    Those that are all digits stay: who wanted numbers would have written numbers. So do texts such
    as "None", unless `missing` names them.
    """
    found = Recognition()
    gone = set(missing or ())
    columns = {name: _without(column, gone, found) for name, column in frame.items()}
    numbers = _spelled(columns, text)
    found.decimal = decimal or decimal_mark([n.marks for n in numbers.values()], likely_decimal)
    return _converted(columns, columns, numbers, exact, found), found


# -- missing values ----------------------------------------------------------------------------


def _without(column: Series, gone: Collection[str], found: Recognition) -> Series:
    """The column, what is `gone` being missing; text is compared without blanks around it."""
    if not gone:
        return column
    numbers = [float(text) for text in gone if _is_number(text)]
    if column.dtype.kind in "fiu":
        absent = column.isin(numbers)
    elif column.dtype.kind == "O":
        texts = column if is_text(column) else column.where(column.map(_is_str)).astype(object)
        absent = texts.str.strip().isin(gone)
        if numbers:  # −999 is −999.0, too
            absent |= extras.pandas().to_numeric(texts, errors="coerce").isin(numbers)
    else:
        return column
    if not absent.any():
        return column
    for value in column[absent].unique():
        if text := str(value).strip():
            found.missing.setdefault(text, []).append(str(column.name))
    # Of whole numbers with missing ones, NumPy has only floats: Python's stay exact.
    exact = column.astype(object) if column.dtype.kind in "iu" else column
    return exact.mask(absent.to_numpy(dtype=bool))


def _is_str(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


# -- numbers -----------------------------------------------------------------------------------


def _plain(column: Series) -> Series:
    """The column as numbers, if blanks around what is missing have kept pandas from seeing them."""
    numbers = extras.pandas().to_numeric(column, errors="coerce")
    return column if (numbers.isna() & column.notna()).any() else numbers


def _whole_numbers(column: Series) -> Series:
    """The column as whole numbers of any width, if each stands as Python writes it."""
    codes, texts = extras.pandas().factorize(column)
    if not len(texts) or not all(map(_AS_PYTHON_WRITES.fullmatch, texts)):
        return column
    every = np.array([*map(int, texts), None], dtype=object)
    numbers = extras.pandas().Series(every[codes], index=column.index)
    # With missing ones pandas would make floats of them.
    return numbers if (codes < 0).any() else numbers.infer_objects()


def _spelled(columns: dict[Any, Series], text: Collection[str]) -> dict[Any, Numbers]:
    """Columns of texts that are all numbers, though not all of them digits."""
    found = {}
    for name, column in columns.items():
        numbers = None if name in text else read_as_numbers(column)
        if numbers is not None and not numbers.digits_alone:
            found[name] = numbers
    return found


def _with_point(
    csv: CsvFile, columns: dict[Any, Series], gone: Collection[str]
) -> dict[Any, Series]:
    """The texts of columns that pandas reads as numbers, and in which there are points."""
    floats = csv.texts([name for name, column in columns.items() if column.dtype.kind == "f"])
    present = {name: _without(column, gone, Recognition()) for name, column in floats.items()}
    return {n: c for n, c in present.items() if c.str.contains(".", regex=False).any()}


def _converted(
    columns: dict[Any, Series],
    texts: dict[Any, Series],
    numbers: dict[Any, Numbers],
    exact: Collection[str],
    found: Recognition,
) -> Frame:
    for name, read in numbers.items():
        if name not in exact:
            column = texts[name]
            codes, _ = extras.pandas().factorize(column)
            values = np.array([*read.values(found.decimal), np.nan])[codes]
            columns[name] = extras.pandas().Series(values, index=column.index)
            how, example = _described(read, column, values)
            found.spelled.setdefault(how, []).append((str(name), example))
    return extras.pandas().DataFrame(columns)


def _described(numbers: Numbers, column: Series, values: np.ndarray) -> tuple[str, str]:
    """How numbers are spelled, and the longest of them as an example."""
    unit = numbers.parts[0].unit
    how = f" with {unit}" if unit else ""
    if numbers.marks == {","}:
        how += f"{' and' if how else ' with'} a decimal comma"
    place = int(column.str.len().fillna(0).argmax())
    text, value = column.iloc[place], values[place]
    part = spelled(text)
    other = {part.value(mark) for mark in numbers.marks} - {value} if part else set()
    hint = f", not {other.pop():.12g}: --decimal decides" if other else ""
    return how, f"{quoted(text)} is {value:.12g}{hint}"
