"""What is looked at once before training: options, and the values of X and Y."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backprop_xp.backends.base import Array
from backprop_xp.backends.frames import Names, is_frame, read_frame
from backprop_xp.backends.host_data import is_sparse, unmasked
from backprop_xp.data.rows import DeviceRows, HostRows, Rows
from backprop_xp.errors import ConfigurationError, DataError, ShapeError, shown
from backprop_xp.maths.activations import SOFTMAX
from backprop_xp.maths.arguments import require_dense, require_inputs, require_targets
from backprop_xp.maths.network import Network
from backprop_xp.sources.host_tables import ArrayTable, MappedTable, SparseTable, is_memory_map


def require_network(net: Any) -> None:
    """Raise ConfigurationError unless `net` is a Network."""
    if not isinstance(net, Network):
        raise ConfigurationError(
            f"net={shown(net)}: expected a backprop_xp.Network, which comes first, as in "
            "fit(net, X, Y)"
        )


def require_single(net: Network, caller: str) -> None:
    """Raise ShapeError if `net` is a stack, whose J is not one number."""
    if net.stack:
        raise ShapeError(f"{caller} takes a single network, not a stack")


@dataclass(frozen=True)
class ColumnNames:
    """The names of the columns of X and of Y that were trained on; None where they have none."""

    X: tuple[Any, ...] | None
    Y: tuple[Any, ...] | None = None


def checked_data(net: Network, X: Any, Y: Any, label: str = "") -> tuple[Array, Array]:
    """Check X and Y as `checked_rows` does, and move all of them to the device.

    Returns
    -------
    X, Y : array
        (m, n_0) and (m, n_L) of the network's backend and dtype, labels as one-hot rows.
    """
    rows_X, rows_Y = checked_rows(net, X, Y, label)
    return rows_X.part(0, rows_X.rows), rows_Y.part(0, rows_Y.rows)


def checked_rows(
    net: Network, X: Any, Y: Any, label: str = "", columns: ColumnNames | None = None
) -> tuple[Rows, Rows]:
    """Check shapes and values, and return rows of the network's dtype on its backend.

    Parameters
    ----------
    net : Network
    X, Y : array_like
        Arrays of the network's backend, NumPy arrays and lists, and frames and series of pandas
        and polars are moved to the device at once. What is in a `numpy.memmap`, and an X that is
        one of SciPy's sparse matrices, stays where it is and is read piece by piece.
    label : str
        What to put before X and Y in messages, such as "validation ".
    columns : ColumnNames, optional
        The order into which the columns of frames are put; by default what the network knows.

    Returns
    -------
    X, Y : Rows
        (m, n_0) and (m, n_L), labels as one-hot rows.

    Raises
    ------
    BackendError, ShapeError, DataError
        The data do not fit; the message names the first bad row and column.
    """
    columns = columns or ColumnNames(net.columns)
    X, x = _unframed(X, f"{label}X", net.dtype, columns.X)
    Y, y = _unframed(Y, f"{label}Y", None, columns.Y)
    inputs = _input_rows(net, X, x.name)
    for start, stop in inputs.chunks():
        check = ValueCheck(net, inputs.part(start, stop), x, start, inputs.rows)
        check.refuse(~net.backend.xp.isfinite(check.values), f"is not finite in {net.dtype}")
    targets = _target_rows(net, Y, inputs, y.name)
    for start, stop in targets.chunks():
        check = ValueCheck(net, targets.part(start, stop), y, start, targets.rows)
        check_targets(check, targets.table if isinstance(targets, HostRows) else Y)
    return inputs, targets


def _unframed(
    data: Any, name: str, dtype: str | None, columns: tuple[Any, ...] | None
) -> tuple[Any, Names]:
    """Return a frame as an array, other data as they are, and what to call their places."""
    if is_frame(data):
        return read_frame(data, name, dtype, columns)
    try:
        data = unmasked(data)
    except DataError as problem:
        raise DataError(f"{name}: {problem}") from None
    if isinstance(data, np.ndarray) and not is_memory_map(data):
        # Rows that do not lie in one piece would be brought together anew for every batch.
        data = np.require(data, requirements=["C", "ALIGNED"])
    return data, Names(name)


def _input_rows(net: Network, X: Any, name: str) -> Rows:
    if not (is_memory_map(X) or is_sparse(X)):
        return DeviceRows(net.backend, net.as_inputs(X, name=name, move=True))
    require_inputs(tuple(X.shape), net.sizes[0], net.stack, name)
    table = SparseTable(X) if is_sparse(X) else MappedTable(X)
    rows = HostRows(table, net.sizes[0], lambda host: net.as_inputs(host, name=name, move=True))
    rows.part(0, 1)  # which raises if the dtype makes no sense
    return rows


def _target_rows(net: Network, Y: Any, X: Rows, name: str) -> Rows:
    require_dense(Y, name, "targets")
    # Beside an X that is read piece by piece, labels in memory do not become one large matrix.
    in_pieces = is_memory_map(Y) or (isinstance(X, HostRows) and type(Y) is np.ndarray)
    if not in_pieces:
        return DeviceRows(net.backend, net.as_targets(Y, X.rows, name=name, move=True))
    require_targets(Y.shape, X.rows, net.sizes[-1], net.stack, net.output == SOFTMAX, name)
    table = MappedTable(Y) if is_memory_map(Y) else ArrayTable(Y)
    rows = HostRows(
        table, net.sizes[-1], lambda host: net.as_targets(host, len(host), name=name, move=True)
    )
    rows.part(0, 1)
    return rows


@dataclass(frozen=True)
class ValueCheck:
    """The values of some rows of X or Y, from number `start` on, and what names them in messages.

    `net` is a Network, or what says the same of one on the host (`host_checks.Expected`); `rows`
    is how many there are in all, where that is known.
    """

    net: Any
    values: Array
    names: Names
    start: int
    rows: int
    advice: str = "Nothing was trained: drop or replace such rows first"

    def refuse(self, bad: Array, what: str) -> None:
        """Raise DataError if any entry of `bad` is true, naming the first."""
        index = self.first(bad)
        if index is None:
            return
        backend = self.net.backend
        count, stop = int(np.count_nonzero(backend.to_numpy(bad))), self.start + bad.shape[0]
        where = "in all" if stop - self.start == self.rows else f"up to row {stop - 1}"
        others = f" ({count} such values {where})" if count > 1 else ""
        value = backend.to_numpy(self.values)[index]
        raise DataError(f"{self.place(*index)} = {value:g} {what}{others}. {self.advice}")

    def first(self, bad: Array) -> tuple[int, ...] | None:
        """Index of the first true entry, or None: the one place that waits for the device."""
        if not bool(self.net.backend.xp.any(bad)):
            return None
        return tuple(int(i) for i in np.argwhere(self.net.backend.to_numpy(bad))[0])

    def place(self, row: int, *column: int) -> str:
        return self.names.place(self.start + row, *column)


def check_targets(check: ValueCheck, given: Any, first: int = 0) -> None:
    """Check values of Y; `given` is what Y was made of, from row number `first` on."""
    net, xp, targets = check.net, check.net.backend.xp, check.values
    check.refuse(~xp.isfinite(targets), f"is not finite in {net.dtype}")
    sums = xp.sum(targets, axis=-1)
    if net.output == SOFTMAX and (row := check.first(sums == 0)) is not None:
        raise DataError(_no_class(check, given, row[0], first))
    meaning = net.loss.targets
    if meaning in ("probability", "distribution"):
        bad = (targets < 0) | (targets > 1)
        check.refuse(bad, f"is outside [0, 1], as asked by {net.loss.name}")
    off = xp.abs(sums - 1.0) > 1e-3
    if meaning == "distribution" and (row := check.first(off)) is not None:
        raise DataError(
            f"{check.place(*row)} sums to {float(sums[row]):g}; one-hot rows (or class "
            f"probabilities) must sum to 1 for {net.loss.name}"
        )
    if meaning == "count":
        what = f"is negative, but counts are asked by {net.loss.name}"
        check.refuse(targets < 0, what)


def _no_class(check: ValueCheck, given: Any, row: int, first: int) -> str:
    net, number = check.net, check.start + row - first
    if isinstance(given, ArrayTable | MappedTable):
        label = given.read(slice(number, number + 1))[0]
    else:
        label = net.backend.to_numpy(net.backend.asarray(given))[number]
    if label.size > 1:
        return f"{check.place(row)} is a row of zeros: a one-hot row has a 1 for its class"
    return (
        f"{check.place(row)} is {label.item()}, but class labels for {net.sizes[-1]} "
        f"outputs are the integers 0 … {net.sizes[-1] - 1}"
    )
