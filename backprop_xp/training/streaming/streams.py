"""Streams: what `fit` takes in place of X and Y in memory, and how it trains on that."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

from backprop_xp.backends.base import Array
from backprop_xp.backends.frames import is_frame
from backprop_xp.errors import BackpropError, ConfigurationError, DataError
from backprop_xp.maths.network import Network
from backprop_xp.sources import Source, arrays, npy, npy_shards, zarr
from backprop_xp.sources.base import is_path
from backprop_xp.storage.problems import unreadable
from backprop_xp.training.divergence import Snapshot
from backprop_xp.training.evaluation import ROWS_AT_ONCE, Evaluation
from backprop_xp.training.run import RunPlan, TrainingRun
from backprop_xp.training.step import TrainStep
from backprop_xp.training.streaming.iterable_batches import IterableBatches
from backprop_xp.training.streaming.stream_batches import StreamBatches

AnyBatches: TypeAlias = "StreamBatches | IterableBatches"

VALIDATION = "validation_data"
_CHOICES = (
    "a directory of .npy shards (X-0000.npy, Y-0000.npy …), a Zarr group with X and Y, a pair "
    "(X, Y) of .npy files, memory maps or Zarr arrays, what backprop_xp.sources.parquet(path, "
    "target=…) returns, or an iterable of (X, Y) batches"
)


def stream(
    net: Network,
    data: Any,
    batch_size: int | None,
    rng: Any,
    name: str = "X",
    columns: tuple[Any, ...] | None = None,
) -> AnyBatches:
    """Return the batches of what was handed to `fit` in place of X and Y.

    `columns` is the order into which named columns are put, by default what the network knows.

    Raises
    ------
    ConfigurationError, DataError, ShapeError
        It is nothing that can be read batch by batch, or does not fit the network.
    """
    source, columns = _as_source(data, name), columns or net.columns
    if source is None:
        return IterableBatches(net, data, rng, columns)
    return StreamBatches(net, source.in_order(columns, name), batch_size, rng)


def is_in_memory(data: Any) -> bool:
    """Whether `data` is a pair (X, Y) of arrays or tables, and no source."""
    if not isinstance(data, tuple | list) or len(data) != 2:
        return False
    X, Y = data
    chunked = any(hasattr(x, "chunks") and _has_rows(x) and not is_frame(x) for x in data)
    of_batches = all(isinstance(x, tuple) for x in data)
    return not (chunked or of_batches or (is_path(X) and is_path(Y)))


def _as_source(data: Any, name: str) -> Source | None:
    """Return the source that plain data stand for, or None for an iterable of batches."""
    if isinstance(data, Source):
        return data
    if is_path(data):
        return _from_path(Path(data))
    if isinstance(data, tuple) and len(data) == 2:
        X, Y = data
        if is_path(X) and is_path(Y):
            return zarr(X, Y) if os.path.isdir(X) else npy(X, Y)
        if _has_rows(X) and _has_rows(Y):
            return arrays(X, Y)
    of_arrays = isinstance(data, tuple | list) and any(_is_array(x) for x in data)
    if _is_array(data) or of_arrays or not isinstance(data, Iterable):
        raise _no_source(data, name)
    return None


def _no_source(data: Any, name: str) -> BackpropError:
    what = type(data).__name__
    if name == VALIDATION:
        return ConfigurationError(
            f"{name}: expected a pair (X, Y) or a source, not a {what}. Sources are {_CHOICES}"
        )
    return DataError(
        f"Y: not real numbers but Python objects (it is None), and X alone, a {what}, is no "
        f"source: expected X and Y, or {_CHOICES}"
    )


def _from_path(path: Path) -> Source:
    try:
        path.stat()
    except FileNotFoundError as problem:
        raise DataError(f"{path} does not exist") from problem
    except (OSError, ValueError) as problem:
        raise DataError(unreadable(str(path), problem)) from problem
    if path.suffix == ".parquet" or (path.is_dir() and any(path.glob("*.parquet"))):
        raise ConfigurationError(
            f"{path} is Parquet, where the target is a column: hand "
            f"backprop_xp.sources.parquet({str(path)!r}, target=…)"
        )
    if path.is_dir():
        is_zarr = any(os.path.exists(path / name) for name in ("zarr.json", ".zgroup", ".zarray"))
        return zarr(path) if is_zarr else npy_shards(path)
    raise DataError(f"{path} is no source: expected {_CHOICES}")


def _is_array(x: Any) -> bool:
    return _has_rows(x) or is_frame(x)


def _has_rows(x: Any) -> bool:
    return all(hasattr(x, name) for name in ("shape", "dtype", "__getitem__"))


_INSTEAD = {
    "validation_fraction": "keep some shards apart, and hand them as validation_data",
    "class_weight": "write the rows of rare classes into the source more often",
    "sample_weight": "train on arrays or memory maps, fit(net, X, Y, sample_weight=…)",
}


def refuse(**options: Any) -> None:
    """Refuse the options that are given: all of them need all rows before training."""
    for name, value in options.items():
        if value is not None:
            raise ConfigurationError(
                f"{name} needs all rows before training begins, but a source is read while it "
                f"trains: {_INSTEAD[name]}"
            )


class StreamedEvaluation(Evaluation):
    """Validation data that are read batch by batch after every epoch, unshuffled."""

    def __init__(self, net: Network, data: Any, columns: tuple[Any, ...] | None) -> None:
        self._batches = stream(net, data, ROWS_AT_ONCE, None, VALIDATION, columns)

    @property
    def rows(self) -> int:
        return self._batches.rows

    def parts(self) -> Iterator[tuple[Array, ...]]:
        return self._batches.epoch().batches()


class StreamedRun(TrainingRun):
    """A run whose data are read while it trains: an epoch that cannot be read to its end is undone.

    The network and the optimizer then are as after the last complete epoch, or as before `fit`.
    """

    def __init__(self, plan: RunPlan, step: TrainStep) -> None:
        super().__init__(plan, step)
        self._before = Snapshot(self.net, self.state)

    def _run_epoch(self) -> None:
        self._before.take()
        try:
            super()._run_epoch()
        except DataError as problem:
            self._before.restore()
            since = f"the end of epoch {self.epoch - 1}" if self.epoch > 1 else "before fit"
            raise DataError(f"{problem}. The network has its weights from {since}") from problem
