"""The same rows in every form that `fit` reads: on disk, and in memory to compare with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

SHARDS = 4
GROUP_ROWS = 10_000
CHUNK_ROWS = 1_000


class Loader:
    """A re-iterable of batches in memory, shuffled anew in every epoch."""

    def __init__(self, X: np.ndarray, Y: np.ndarray, batch: int) -> None:
        """Keep the arrays."""
        self.X, self.Y, self.batch, self.rng = X, Y, batch, np.random.default_rng(0)

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Begin an epoch."""
        order = self.rng.permutation(len(self.X))
        for start in range(0, len(order), self.batch):
            rows = order[start : start + self.batch]
            yield self.X[rows], self.Y[rows]


def write(folder: Path, X: np.ndarray, Y: np.ndarray) -> None:
    """Write X (m, n) and labels Y (m,) in every form whose library is installed."""
    np.save(folder / "X.npy", X)
    np.save(folder / "Y.npy", Y)
    (folder / "shards").mkdir()
    for i, (x, y) in enumerate(
        zip(np.array_split(X, SHARDS), np.array_split(Y, SHARDS), strict=True)
    ):
        np.save(folder / "shards" / f"X-{i:04}.npy", x)
        np.save(folder / "shards" / f"Y-{i:04}.npy", y)
    for writer in (write_parquet, write_zarr):
        with suppress(ImportError):
            writer(folder, X, Y)


def write_parquet(folder: Path, X: np.ndarray, Y: np.ndarray) -> None:
    """Write one file with a column of lists, and one with a column per feature."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    lists = pa.FixedSizeListArray.from_arrays(pa.array(X.reshape(-1)), X.shape[1])
    options: dict[str, Any] = {"row_group_size": GROUP_ROWS, "use_dictionary": False}
    pq.write_table(pa.table({"x": lists, "y": Y}), folder / "lists.parquet", **options)
    columns = {f"x{i}": np.ascontiguousarray(column) for i, column in enumerate(X.T)}
    pq.write_table(pa.table({**columns, "y": Y}), folder / "columns.parquet", **options)


def write_zarr(folder: Path, X: np.ndarray, Y: np.ndarray) -> None:
    """Write two groups: one with Zarr's default compression, one without."""
    import zarr

    for name, options in (("zarr", {}), ("plain.zarr", {"compressors": None})):
        group = zarr.create_group(str(folder / name))
        group.create_array("X", data=X, chunks=(CHUNK_ROWS, X.shape[1]), **options)
        group.create_array("Y", data=Y, chunks=(len(Y),), **options)


def load(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return X and Y in memory."""
    return np.load(folder / "X.npy"), np.load(folder / "Y.npy")


def mapped(folder: Path) -> tuple[Any, Any]:
    """Return X and Y as memory maps."""
    return np.load(folder / "X.npy", mmap_mode="r"), np.load(folder / "Y.npy", mmap_mode="r")


def _parquet(name: str) -> Callable[[Path, int], tuple[Any, ...]]:
    def source(folder: Path, batch: int) -> tuple[Any, ...]:
        import backprop_xp as bp

        return (bp.sources.parquet(folder / name, target="y"),)

    return source


CONTENDERS: dict[str, Callable[[Path, int], tuple[Any, ...]]] = {
    "in memory": lambda folder, batch: load(folder),
    "memory maps, rows at random": lambda folder, batch: mapped(folder),
    "memory maps": lambda folder, batch: (mapped(folder),),
    ".npy files": lambda folder, batch: ((folder / "X.npy", folder / "Y.npy"),),
    ".npy shards": lambda folder, batch: (folder / "shards",),
    "Parquet, a column of lists": _parquet("lists.parquet"),
    "Parquet, a column per feature": _parquet("columns.parquet"),
    "Zarr": lambda folder, batch: (folder / "zarr",),
    "Zarr, not compressed": lambda folder, batch: (folder / "plain.zarr",),
    "iterable": lambda folder, batch: (Loader(*load(folder), batch),),
}
"""What comes before the options in the call of `fit`, by the name of the form."""
