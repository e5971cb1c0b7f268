"""Preprocessing and task as plain data: what a model file keeps, in JSON's types alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from backprop_xp.tables.preprocessing import Category, Number, Preprocessing
from backprop_xp.tables.task import KINDS, Task

_FORMAT = 1


def as_plain(preprocessing: Preprocessing, task: Task) -> dict[str, Any]:
    """Return both as a mapping that JSON can hold."""
    columns = [
        {"kind": "number" if isinstance(column, Number) else "category", **asdict(column)}
        for column in preprocessing.columns
    ]
    return {
        "format": _FORMAT,
        "columns": columns,
        "left_out": list(preprocessing.left_out),
        "task": asdict(task),
    }


def from_plain(plain: Any) -> tuple[Preprocessing, Task]:
    """Return what `as_plain` was given; every entry is checked, as the file may come from anywhere.

    Raises
    ------
    KeyError, TypeError, ValueError
        An entry is missing, or not what `as_plain` writes.
    """
    if plain["format"] != _FORMAT:
        raise ValueError(f"format {plain['format']!r}")
    task = _task(plain["task"])
    columns = tuple(
        _number(entry) if entry["kind"] == "number" else _category(entry)
        for entry in _a(list, plain, "columns")
    )
    return Preprocessing(columns, task.target, _texts(plain, "left_out")), task


def _number(entry: Mapping[str, Any]) -> Number:
    return Number(
        _a(str, entry, "name"),
        _finite(entry, "median"),
        _finite(entry, "mean"),
        _finite(entry, "deviation"),
        _a(bool, entry, "mark"),
    )


def _category(entry: Mapping[str, Any]) -> Category:
    return Category(
        _a(str, entry, "name"),
        _texts(entry, "values"),
        _a(bool, entry, "other"),
        _a(bool, entry, "text"),
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
