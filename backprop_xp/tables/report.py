"""Report: how a model does on rows that it was not trained on, as numbers and as text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backprop_xp.tables.baselines import constant_answers
from backprop_xp.tables.columns import Frame
from backprop_xp.tables.metrics import class_scores, confusion_matrix, f1_scores, value_scores
from backprop_xp.tables.model import TableModel
from backprop_xp.tables.text_columns import cells, padded, rate, short, short_names, table, width
from backprop_xp.wording import in_one_format, plural

_WIDTH = 80
_QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_CONFUSIONS = 10

# The metrics by the name of the model: the network, the linear model, the constant answer.
Scores = dict[str, dict[str, float]]
NETWORK, LINEAR, CONSTANT = "this network", "linear model", "constant"


@dataclass(frozen=True)
class ClassReport:
    """Right and wrong answers.

    Attributes
    ----------
    classes : tuple of str
    confusion : numpy.ndarray of int, shape (classes, classes)
        How often class i (rows) was called class j (columns).
    scores : dict
        The metrics of the network, and of what it is compared with.
    weighted : bool
        Whether the network was trained to let every class weigh the same.
    """

    classes: tuple[str, ...]
    confusion: np.ndarray
    scores: Scores
    weighted: bool = False

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
        return self.classes[self._most], float(counts.max() / self.rows)

    @property
    def _most(self) -> int:
        """The number of the most frequent class."""
        return int(self.confusion.sum(axis=1).argmax())

    @property
    def _names(self) -> list[str]:
        """The classes as the report writes them."""
        return short_names(self.classes)

    def plain(self) -> dict[str, Any]:
        """The report as JSON has it."""
        return {
            "accuracy": self.accuracy,
            "rows": self.rows,
            "right": self.right,
            "baseline_accuracy": self.baseline[1],
            **self.scores[NETWORK],
            "classes": list(self.classes),
            "f1": f1_scores(self.confusion).tolist(),
            "confusion": self.confusion.tolist(),
            "baselines": _baselines(self.scores),
        }

    def text(self) -> str:
        """The confusion matrix, or the most frequent confusions where it is too wide."""
        matrix = self._matrix()
        lines = matrix if max(map(width, matrix)) <= _WIDTH else self._list()
        return "\n".join([*lines, "", *self._table()])

    def last_line(self) -> str:
        """Such as "test accuracy 0.973 (110 of 113 rows right; …)"."""
        figure = "balanced_accuracy" if self.weighted else "accuracy"
        ours = f"{self.right:,} of {plural(self.rows, 'row')} right"
        if self.weighted:  # all in the figure that the training was for
            ours = f"balanced accuracy {rate(self.scores[NETWORK][figure])}"
        others = [
            f"{self._name(model)}: {rate(scores[figure])}"
            for model, scores in self.scores.items()
            if model != NETWORK
        ]
        return f"test accuracy {self.accuracy:.3f} ({'; '.join([ours, *others])})"

    def _name(self, model: str) -> str:
        return f"always {self._names[self._most]}" if model == CONSTANT else model

    def _table(self) -> list[str]:
        head = ["accuracy", "balanced", "F1", "ROC AUC", "log-loss"]
        rows = [[rate(value) for value in scores.values()] for scores in self.scores.values()]
        names = [self._name(model) for model in self.scores]
        lines = table(names, head, list(zip(*rows, strict=True)))
        return [*lines, "  (balanced accuracy, F1 and ROC AUC are means over the classes)"]

    def _matrix(self) -> list[str]:
        names = self._names
        body = [[f"{count:,}" for count in row] for row in self.confusion]
        columns = [max(width(names[j]), *(len(row[j]) for row in body)) for j in range(len(names))]
        first = max(map(width, names))
        lines = [
            "confusion matrix: rows are the actual class, columns the predicted one",
            "  " + " " * first + "  " + cells(names, columns) + "    right",
        ]
        for name, row, counts in zip(names, body, self.confusion, strict=True):
            share = _share(counts[len(lines) - 2], counts.sum())
            lines.append("  " + padded(name, first) + "  " + cells(row, columns) + f"  {share:>7}")
        return lines

    def _list(self) -> list[str]:
        wrong = self.confusion.copy()
        np.fill_diagonal(wrong, 0)
        order = np.argsort(wrong, axis=None)[::-1][:_CONFUSIONS]
        names = self._names
        lines = [f"most frequent confusions, of {len(self.classes)} classes"]
        for i, j in zip(*np.unravel_index(order, wrong.shape), strict=True):
            if wrong[i, j]:
                actual, said = names[i], names[j]
                of = f"of {self.confusion[i].sum():,}"
                lines.append(f"  {wrong[i, j]:>6,} {of:>9}  {actual} was called {said}")
        return lines


@dataclass(frozen=True)
class ValueReport:
    """How far the predictions of a regression are off, in the target's units.

    Attributes
    ----------
    target : str
    rows : int
    scores : dict
        The metrics of the network, and of what it is compared with.
    residuals : dict of float to float
        Quantiles of target − prediction.
    """

    target: str
    rows: int
    scores: Scores
    residuals: dict[float, float] = field(repr=False)

    @property
    def r2(self) -> float:
        """1 − Σ(y − prediction)² / Σ(y − ȳ)²; NaN if all y are the same."""
        return self.scores[NETWORK]["r2"]

    def plain(self) -> dict[str, Any]:
        """The report as JSON has it."""
        return {
            "rows": self.rows,
            **self.scores[NETWORK],
            "residual_quantiles": {f"{q:g}": value for q, value in self.residuals.items()},
            "baselines": _baselines(self.scores),
        }

    def text(self) -> str:
        """The errors and the quantiles of the residuals, aligned."""
        values = in_one_format(self.residuals.values())
        names = ["least", *(f"{q:.0%}" for q in _QUANTILES[1:-1]), "most"]
        columns = [max(map(len, pair)) for pair in zip(names, values, strict=True)]
        lines = [
            *self._table(),
            "",
            f"residuals, {short(self.target)} − prediction, and the share of rows below",
            f"  {cells(names, columns)}",
            f"  {cells(values, columns)}",
        ]
        return "\n".join(lines)

    def last_line(self) -> str:
        """Such as "test r2 0.52 (89 rows; …)"."""
        linear = self.scores.get(LINEAR)
        others = f"linear model: {rate(linear['r2'])}; " if linear else ""
        return f"test r2 {self.r2:.3f} ({plural(self.rows, 'row')}; {others}always the mean: 0)"

    def _table(self) -> list[str]:
        names = ["always the mean" if model == CONSTANT else model for model in self.scores]
        figures = list(zip(*(scores.values() for scores in self.scores.values()), strict=True))
        columns = [list(map(rate, figures[0])), *map(in_one_format, figures[1:])]
        return table(names, ["r2", "MAE", "RMSE"], columns)


def report(
    model: TableModel,
    frame: Frame,
    X: np.ndarray,
    linear: np.ndarray | None = None,
    weighted: bool = False,
) -> ClassReport | ValueReport:
    """Compare a model's answers with the target of the same rows.

    Parameters
    ----------
    model : TableModel
    frame : pandas.DataFrame
        With a target that the model knows in every row.
    X : numpy.ndarray, shape (m, features)
        The rows, preprocessed.
    linear : numpy.ndarray, optional
        The answers of a linear model, as `linear_answers` returns them.
    weighted : bool
        Whether the model was trained to let every class weigh the same.
    """
    task, column = model.task, frame[model.task.target]
    predicted, probabilities = model.predict(X)
    if probabilities is None:
        actual, answers = task.values(column), predicted
    else:
        actual, answers = task.labels(column), probabilities
    measure = value_scores if probabilities is None else class_scores
    others = {} if linear is None else {LINEAR: linear}
    compared = {NETWORK: answers, **others, CONSTANT: constant_answers(task, actual)}
    scores = {name: measure(actual, values) for name, values in compared.items()}
    if probabilities is None:
        residuals = np.quantile(actual - predicted, _QUANTILES).tolist()
        quantiles = dict(zip(_QUANTILES, residuals, strict=True))
        return ValueReport(task.target, len(actual), scores, quantiles)
    confusion = confusion_matrix(actual, predicted, len(task.classes))
    return ClassReport(tuple(map(str, task.classes)), confusion, scores, weighted)


def _baselines(scores: Scores) -> Scores:
    """What a network is compared with, by the names that JSON has."""
    return {"linear" if m == LINEAR else m: scored for m, scored in scores.items() if m != NETWORK}


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "–"
