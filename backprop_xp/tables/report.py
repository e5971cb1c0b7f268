"""Report: how a model does on rows that it was not trained on, as numbers and as text."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backprop_xp.tables.columns import Frame
from backprop_xp.tables.model import TableModel

_WIDTH = 80
_QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_CONFUSIONS = 10


@dataclass(frozen=True)
class ClassReport:
    """Right and wrong answers.

    Attributes
    ----------
    classes : tuple of str
    confusion : numpy.ndarray of int, shape (classes, classes)
        How often class i (rows) was called class j (columns).
    """

    classes: tuple[str, ...]
    confusion: np.ndarray

    @property
    def rows(self) -> int:
        """How many rows were tested."""
        return int(self.confusion.sum())

    @property
    def right(self) -> int:
        """How many rows were called by their class."""
        return int(np.trace(self.confusion))

    @property
    def accuracy(self) -> float:
        """The fraction that was right."""
        return self.right / self.rows

    @property
    def baseline(self) -> tuple[str, float]:
        """The most frequent class, and the accuracy of always saying it."""
        counts = self.confusion.sum(axis=1)
        return self.classes[int(counts.argmax())], float(counts.max() / self.rows)

    def plain(self) -> dict[str, Any]:
        """The report as JSON has it."""
        return {
            "accuracy": self.accuracy,
            "rows": self.rows,
            "right": self.right,
            "baseline_accuracy": self.baseline[1],
            "classes": list(self.classes),
            "confusion": self.confusion.tolist(),
        }

    def text(self) -> str:
        """The confusion matrix, or the most frequent confusions where it is too wide."""
        matrix = self._matrix()
        if max(map(_width, matrix)) <= _WIDTH:
            return "\n".join(matrix)
        return "\n".join(self._list())

    def last_line(self) -> str:
        """Such as "test accuracy 0.973 (110 of 113 rows right; …)"."""
        label, share = self.baseline
        return (
            f"test accuracy {self.accuracy:.3f} ({self.right:,} of {self.rows:,} rows right; "
            f"always {_short(label)}: {share:.3f})"
        )

    def _matrix(self) -> list[str]:
        names = [_short(name) for name in self.classes]
        body = [[f"{count:,}" for count in row] for row in self.confusion]
        columns = [max(_width(names[j]), *(len(row[j]) for row in body)) for j in range(len(names))]
        first = max(map(_width, names))
        lines = [
            "confusion matrix: rows are the actual class, columns the predicted one",
            "  " + " " * first + "  " + _cells(names, columns) + "    right",
        ]
        for name, row, counts in zip(names, body, self.confusion, strict=True):
            share = _share(counts[len(lines) - 2], counts.sum())
            lines.append(
                "  " + _padded(name, first) + "  " + _cells(row, columns) + f"  {share:>7}"
            )
        return lines

    def _list(self) -> list[str]:
        wrong = self.confusion.copy()
        np.fill_diagonal(wrong, 0)
        order = np.argsort(wrong, axis=None)[::-1][:_CONFUSIONS]
        lines = [f"most frequent confusions, of {len(self.classes)} classes"]
        for i, j in zip(*np.unravel_index(order, wrong.shape), strict=True):
            if wrong[i, j]:
                actual, said = _short(self.classes[i]), _short(self.classes[j])
                of = f"of {self.confusion[i].sum():,}"
                lines.append(f"  {wrong[i, j]:>6,} {of:>9}  {actual} was called {said}")
        return lines


@dataclass(frozen=True)
class ValueReport:
    """How far the predictions of a regression are off, in the target's units."""

    target: str
    r2: float
    rows: int
    mean_absolute_error: float
    root_mean_squared_error: float
    residuals: dict[float, float] = field(repr=False)

    def plain(self) -> dict[str, Any]:
        """The report as JSON has it."""
        return {
            "r2": self.r2,
            "rows": self.rows,
            "mean_absolute_error": self.mean_absolute_error,
            "root_mean_squared_error": self.root_mean_squared_error,
            "residual_quantiles": {f"{q:g}": value for q, value in self.residuals.items()},
        }

    def text(self) -> str:
        """The errors and the quantiles of the residuals, aligned."""
        values = [f"{value:.4g}" for value in self.residuals.values()]
        names = ["least", *(f"{q:.0%}" for q in _QUANTILES[1:-1]), "most"]
        columns = [max(map(len, pair)) for pair in zip(names, values, strict=True)]
        return (
            f"off by {self.mean_absolute_error:.4g} on average, "
            f"{self.root_mean_squared_error:.4g} root mean square\n"
            f"residuals, {_short(self.target)} − prediction, and the share of rows below\n"
            f"  {_cells(names, columns)}\n"
            f"  {_cells(values, columns)}"
        )

    def last_line(self) -> str:
        """Such as "test r2 0.52 (89 rows)"."""
        return f"test r2 {self.r2:.3f} ({self.rows:,} rows; always the mean: 0)"


def report(model: TableModel, frame: Frame, X: np.ndarray) -> ClassReport | ValueReport:
    """Compare a model's answers with the target of the same rows.

    Parameters
    ----------
    model : TableModel
    frame : pandas.DataFrame
        With a target that the model knows in every row.
    X : numpy.ndarray, shape (m, features)
        The rows, preprocessed.
    """
    predicted, _ = model.predict(X)
    task = model.task
    if not task.classes:
        return _values(task.target, task.values(frame[task.target]), predicted)
    actual = task.labels(frame[task.target])
    n = len(task.classes)
    confusion = np.bincount(actual * n + predicted, minlength=n * n).reshape(n, n)
    return ClassReport(tuple(map(str, task.classes)), confusion)


def _values(target: str, actual: np.ndarray, predicted: np.ndarray) -> ValueReport:
    residuals = actual - predicted
    squares = float(np.sum(residuals**2))
    total = float(np.sum((actual - actual.mean()) ** 2))
    return ValueReport(
        target,
        1.0 - squares / total if total > 0 else float("nan"),
        len(actual),
        float(np.abs(residuals).mean()),
        float(np.sqrt(squares / len(actual))),
        {q: float(np.quantile(residuals, q)) for q in _QUANTILES},
    )


# -- columns of text ---------------------------------------------------------------------------


def _cells(texts: list[str], widths: list[int]) -> str:
    return "  ".join(
        " " * (width - _width(text)) + text for text, width in zip(texts, widths, strict=True)
    )


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    """Columns in a terminal: East Asian characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in text
    )


def _short(name: str, most: int = 20) -> str:
    name = " ".join(name.split()) or "''"
    return name if len(name) <= most else name[: most - 1] + "…"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "–"
