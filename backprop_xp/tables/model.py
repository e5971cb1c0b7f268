"""TableModel: a network with what it needs to take raw rows and to answer in the user's words."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from backprop_xp.errors import CheckpointError
from backprop_xp.maths.loading import load_network
from backprop_xp.maths.network import Network
from backprop_xp.maths.saved import save_network
from backprop_xp.tables.columns import Frame
from backprop_xp.tables.known_rows import KnownRows
from backprop_xp.tables.plain import as_plain, from_plain, is_old
from backprop_xp.tables.preprocessing import Preprocessing
from backprop_xp.tables.reading import Reading, Table, read_table
from backprop_xp.tables.task import Task

# Rows that run through the network at once, to bound its memory.
_ROWS = 4096
# The part of a deviation that a float32 network can tell apart, about 1e-6.
_STEP = 2.0**-20


@dataclass(frozen=True)
class TableModel:
    """A network, its preprocessing and its task, and how its table was read.

    `training_rows` tells rows that the network was trained on, where that is known.
    """

    net: Network
    preprocessing: Preprocessing
    task: Task
    reading: Reading = field(default_factory=Reading)
    training_rows: KnownRows | None = None

    def outputs(self, X: np.ndarray) -> np.ndarray:
        """What the network says of preprocessed rows; float64, (m, n_L).

        In float64, because the last digits of products depend on how many rows there are, and the
        same row shall get the same answer: those of float32 do not.
        """
        backend, xp = self.net.backend, self.net.backend.xp
        exact = self.net.with_theta(xp.astype(self.net.theta, xp.float64))
        parts = [
            backend.to_numpy(exact.predict(backend.asarray(X[i : i + _ROWS].astype(np.float64))))
            for i in range(0, len(X), _ROWS)
        ]
        return np.concatenate(parts)

    def predict(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Answer for preprocessed rows.

        Returns
        -------
        predicted : numpy.ndarray, shape (m,)
            Numbers of `task.classes`; for a regression, values in the target's units.
        probabilities : numpy.ndarray, shape (m, classes), or None
            In the network's dtype; None for a regression.

        Notes
        -----
        No more digits than the network's dtype holds: probabilities are float32, and values are
        rounded where a float32 ends that is as large as the target's deviation.
        """
        A, float32 = self.outputs(X), self.net.dtype == "float32"
        if not self.task.classes:
            values = A[:, 0] * self.task.deviation + self.task.mean
            return (self._rounded(values) if float32 else values), None
        probabilities = np.hstack([1.0 - A, A]) if self.task.kind == "binary" else A
        probabilities = probabilities.astype(self.net.dtype)
        return probabilities.argmax(axis=1), probabilities

    def _rounded(self, values: np.ndarray) -> np.ndarray:
        """Round in the decimal system, to the steps that the network can tell apart."""
        decimals = -math.floor(math.log10(self.task.deviation * _STEP))
        rounded: np.ndarray = np.round(values, decimals)
        return rounded

    def predictions(self, frame: Frame, allow_unseen: bool = False) -> Frame:
        """Answer for raw rows: the column "prediction", and "probability_LABEL" for each class."""
        import pandas as pd

        predicted, probabilities = self.predict(self.preprocessing.transform(frame, allow_unseen))
        if probabilities is None:
            return pd.DataFrame({"prediction": predicted})
        labels = np.array(self.task.classes, dtype=object)
        columns: dict[str, Any] = {"prediction": labels[predicted]}
        for label, column in zip(self.task.classes, probabilities.T, strict=True):
            columns[f"probability_{label}"] = column
        return pd.DataFrame(columns)

    def read(self, path: str | Path, reading: Reading | None = None) -> Table:
        """Read rows to predict, texts and missing values as those of the training file.

        Parameters
        ----------
        path : str or Path
            As for `read_table`.
        reading : Reading, optional
            What is different in this file: its encoding, separator or decimal mark.
        """
        asked = Reading() if reading is None else reading
        learned = self.reading
        own = replace(asked, missing=learned.missing, likely_decimal=learned.likely_decimal)
        text = self.preprocessing.text
        if self.task.classes:
            text.append(self.task.target)
        return read_table(path, text, reading=own)

    def extra(self) -> dict[str, Any]:
        """What travels with the network in a file, so that `load_table_model` can read it."""
        extra: dict[str, Any] = {"table": as_plain(self.preprocessing, self.task, self.reading)}
        if self.training_rows is not None:
            extra["training_rows"] = list(self.training_rows.hashes)
        return extra

    def save(self, path: str | Path) -> None:
        """Write all of it to a file; `load_table_model` reads it."""
        save_network(self.net, path, self.extra())

    def require_same(self, path: str | Path) -> None:
        """Raise CheckpointError if a checkpoint is of another table, or of other rows of it."""
        _, extra = load_network(path, self.net.backend)
        if extra.get("table") != json.loads(json.dumps(self.extra()["table"])):
            if is_old(extra.get("table")):
                raise CheckpointError(
                    f"{path} was written by an earlier version, which made other features of a "
                    "table: train anew, or resume it with that version. `predict` can use it"
                )
            raise CheckpointError(
                f"{path} belongs to another run: its table had other columns or other values. "
                "Resume with the same DATA and options"
            )


def load_table_model(path: str | Path, backend: Any = None) -> TableModel:
    """Read a model that `train DATA` has written.

    Raises
    ------
    CheckpointError
        The file is no model, or one without the preprocessing of a table.
    """
    net, extra = load_network(path, backend)
    if "table" not in extra:
        raise CheckpointError(
            f"{path} is a network that was not trained by `train DATA`: it knows no columns. Load "
            "it in Python with bp.load"
        )
    try:
        preprocessing, task, reading = from_plain(extra["table"])
        if (preprocessing.features, task.outputs) != (net.sizes[0], net.sizes[-1]):
            raise ValueError("features or outputs are not the network's")
        rows = extra.get("training_rows")
        known = None if rows is None else KnownRows.restored(rows)
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise CheckpointError(
            f"{path}: what it says of the table's columns is damaged, or by a newer version "
            f"({problem})"
        ) from problem
    return TableModel(net, preprocessing, task, reading, known)
