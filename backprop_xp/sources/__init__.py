"""Data that do not fit into memory: files and arrays on disk that `fit` reads while it trains.

`backprop_xp.fit(net, source)` takes what the functions of this package return. Where nothing has to
be said about them it also takes the plain things: a pair (X, Y) of memory maps, of `.npy` files or
of Zarr arrays, a directory of `.npy` shards, a Zarr group with X and Y, and any iterable of (X, Y)
batches that can be gone through anew in every epoch.

**The order.** A source consists of *blocks*: some rows that follow each other in one file, about
512 KiB of them, a row group of Parquet, chunks of Zarr. Every epoch reads the blocks in a new
order into a buffer of `buffer_rows` rows, and trains on the rows of a full buffer in a random
order, while a thread fills a second one. Both orders are drawn from the seed of `fit`. So a batch
is a random sample of `buffer_rows` rows that come from many places, if blocks are small beside the
buffer; data that are sorted by class should be shuffled once before they are written as
Parquet or Zarr, whose blocks may be large. A source of up to `buffer_rows` rows is trained on in
the order that the same rows would have in memory, with the same numbers.

**Memory.** What `fit` holds of a source is bounded, however long it is: `Source.memory(batch_size)`
is the sum, and its docstring the formula.

**Values** are looked at in the first epoch, when they are read and before a batch trains on them.
A value that cannot be trained on, or a file that cannot be read (any more), ends `fit` with a
DataError that names file and row; the network then has its weights from the end of the last
complete epoch, or from before `fit`.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backprop_xp.sources.base import Source
    from backprop_xp.sources.npy_files import npy, npy_shards
    from backprop_xp.sources.parquet_files import parquet
    from backprop_xp.sources.row_arrays import arrays
    from backprop_xp.sources.zarr_arrays import zarr

__all__ = ["Source", "arrays", "npy", "npy_shards", "parquet", "zarr"]

# Imported when they are first asked for: who trains in memory does without.
_MODULES = {
    "Source": "base",
    "arrays": "row_arrays",
    "npy": "npy_files",
    "npy_shards": "npy_files",
    "parquet": "parquet_files",
    "zarr": "zarr_arrays",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"backprop_xp.sources.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
