"""Preprocessing and task as plain data: what a model file keeps, in JSON's types alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from backprop_xp.tables.dates import PARTS
from backprop_xp.tables.preprocessing import Category, Column, Date, Number, Preprocessing
from backprop_xp.tables.reading import Reading
from backprop_xp.tables.spelling import MARKS
from backprop_xp.tables.task import KINDS, Task

_FORMAT = 2
# Of format 1, which knew no dates, and named a missing category by this word.
_OLD_FORMAT, _OLD_MISSING = 1, "missing"
_KINDS = {Number: "number", Category: "category", Date: "date"}


def as_plain(preprocessing: Preprocessing, task: Task, reading: Reading) -> dict[str, Any]:
    """Return all three as a mapping that JSON can hold."""
    columns = [{"kind": _KINDS[type(c)], **asdict(c)} for c in preprocessing.columns]
    return {
        "format": _FORMAT,
        "columns": columns,
        "left_out": list(preprocessing.left_out),
        "task": asdict(task),
        "reading": {
            "decimal": reading.likely_decimal,
            "missing": None if reading.missing is None else list(reading.missing),
        },
    }


def from_plain(plain: Any) -> tuple[Preprocessing, Task, Reading]:
    """Return what `as_plain` was given; every entry is checked, as the file may come from anywhere.

    Raises
    ------
    KeyError, TypeError, ValueError
        An entry is missing, or not what `as_plain` writes.
    """
    old = is_old(plain)
    if not old and plain["format"] != _FORMAT:
        raise ValueError(f"format {plain['format']!r}")
    task = _task(plain["task"])
    columns = tuple(_column(entry, old) for entry in _a(list, plain, "columns"))
    preprocessing = Preprocessing(columns, task.target, _texts(plain, "left_out"))
    return preprocessing, task, Reading() if old else _reading(plain["reading"])


def is_old(plain: Any) -> bool:
    """Whether an earlier version has written it, which read dates and missing values otherwise."""
    return isinstance(plain, Mapping) and plain["format"] == _OLD_FORMAT


def _column(entry: Mapping[str, Any], old: bool) -> Column:
    kind = entry["kind"]
    if kind == "date":
        parts = tuple(map(_number, _a(list, entry, "parts")))
        if not {part.name for part in parts} <= set(PARTS):
            raise ValueError("a date has other parts")
        return Date(_a(str, entry, "name"), _a(str, entry, "spelling"), parts)
    return _number(entry) if kind == "number" else _category(entry, old)


def _reading(entry: Mapping[str, Any]) -> Reading:
    if entry["decimal"] not in MARKS:
        raise ValueError(f"decimal {entry['decimal']!r}")
    missing = None if entry["missing"] is None else _texts(entry, "missing")
    return Reading(missing=missing, likely_decimal=entry["decimal"])


def _number(entry: Mapping[str, Any]) -> Number:
    return Number(
        _a(str, entry, "name"),
        _finite(entry, "median"),
        _finite(entry, "mean"),
        _finite(entry, "deviation"),
        _a(bool, entry, "mark"),
    )


def _category(entry: Mapping[str, Any], old: bool) -> Category:
    values = _a(list, entry, "values")
    if old:
        values = [None if value == _OLD_MISSING else value for value in values]
    if not all(value is None or isinstance(value, str) for value in values):
        raise TypeError(f"values are {values!r}")
    missing_text = _OLD_MISSING if old else entry.get("missing_text")
    if not isinstance(missing_text, str | None):
        raise TypeError(f"missing_text is {missing_text!r}")
    return Category(
        _a(str, entry, "name"),
        tuple(values),
        _a(bool, entry, "other"),
        _a(bool, entry, "text"),
        missing_text,
    )


def _task(entry: Mapping[str, Any]) -> Task:
    kind, classes = _a(str, entry, "kind"), tuple(entry["classes"])
    same = len({isinstance(label, str) for label in classes}) < 2
    plain = all(isinstance(label, str | int | float) for label in classes)
    fits = {"binary": len(classes) == 2, "multiclass": len(classes) > 1, "regression": not classes}
    if kind not in KINDS or not (
        same and plain and fits[kind] and len(set(classes)) == len(classes)
    ):
        raise ValueError(f"task {kind!r} with {len(classes)} classes")
    return Task(
        _a(str, entry, "target"),
        kind,
        _a(str, entry, "why"),
        classes,
        _finite(entry, "mean"),
        _finite(entry, "deviation"),
    )


def _a(expected: type, entry: Mapping[str, Any], key: str) -> Any:
    if not isinstance(entry[key], expected):
        raise TypeError(f"{key} is {entry[key]!r}")
    return entry[key]


def _finite(entry: Mapping[str, Any], key: str) -> float:
    number = float(_a(int | float, entry, key))  # type: ignore[arg-type]
    if not math.isfinite(number):
        raise ValueError(f"{key} is {number}")
    return number


def _texts(entry: Mapping[str, Any], key: str) -> tuple[str, ...]:
    texts = tuple(_a(list, entry, key))
    if not all(isinstance(text, str) for text in texts):
        raise TypeError(f"{key} holds more than text")
    return texts
