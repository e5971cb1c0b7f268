"""The same rows in every form that can be read piece by piece."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import backprop_xp as bp

ROWS = 1000
X = np.random.default_rng(3).normal(size=(ROWS, 5)).astype("f4")
Y = (X.sum(axis=1) > 0).astype("i8") + (X[:, 0] > 1)


def npy_files(folder, order="="):
    np.save(folder / "a.npy", X.astype(f"{order}f4"))
    np.save(folder / "b.npy", Y.astype(f"{order}i8"))
    return folder / "a.npy", folder / "b.npy"


def npy_shards(folder, cuts=(0, 130, 700, 990, 1000)):
    for i, (start, stop) in enumerate(pairwise(cuts)):
        np.save(folder / f"X-{i:02}.npy", X[start:stop])
        np.save(folder / f"Y-{i:02}.npy", Y[start:stop])
    return folder


def memory_maps(folder, order="="):
    return tuple(np.load(path, mmap_mode="r") for path in npy_files(folder, order))


def table(start=0, stop=ROWS, lists=False):
    pa = pytest.importorskip("pyarrow")
    if lists:
        values = pa.array(X[start:stop].reshape(-1))
        return pa.table({"x": pa.FixedSizeListArray.from_arrays(values, 5), "y": Y[start:stop]})
    return pa.table({**{f"x{i}": X[start:stop, i] for i in range(5)}, "y": Y[start:stop]})


def parquet_lists(folder):
    """Of a type whose lists may differ in length."""
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    lists = pa.table({"x": [*X], "y": Y})
    pq.write_table(lists, folder / "data.parquet", row_group_size=170)
    return bp.sources.parquet(folder / "data.parquet", target="y")


def parquet_of_pandas(folder):
    """With the index that pandas saves beside the columns."""
    pytest.importorskip("pyarrow")
    frame = table().to_pandas()
    frame.index = frame.index[::-1]
    frame.to_parquet(folder / "data.parquet", row_group_size=170)
    return bp.sources.parquet(folder / "data.parquet", target="y")


def parquet(folder, **options):
    pq = pytest.importorskip("pyarrow.parquet")
    path = folder / "data.parquet"
    pq.write_table(table(**options), path, row_group_size=170)
    return bp.sources.parquet(path, target="y")


def parquet_files(folder):
    pq = pytest.importorskip("pyarrow.parquet")
    for i, (start, stop) in enumerate([(0, 400), (400, 1000)]):
        pq.write_table(table(start, stop), folder / f"{i}.parquet", row_group_size=170)
    return bp.sources.parquet(folder, target="y")


def zarr_group(folder, order="="):
    zarr = pytest.importorskip("zarr")
    group = zarr.create_group(str(folder / "data.zarr"))
    group.create_array("X", data=X.astype(f"{order}f4"), chunks=(70, 3))
    group.create_array("Y", data=Y.astype(f"{order}i8"), chunks=(1000,))
    return folder / "data.zarr"


def zarr_arrays(folder):
    zarr = pytest.importorskip("zarr")
    path = zarr_group(folder)
    return tuple(zarr.open(str(path / name), mode="r") for name in "XY")


FORMS = {
    "arrays": lambda folder: (X, Y),
    "memory maps": memory_maps,
    "big-endian, a column": lambda folder: (X.astype(">f8"), Y[:, None].astype(">i2")),
    "memory maps, big-endian": lambda folder: memory_maps(folder, ">"),
    ".npy files": npy_files,
    ".npy files, big-endian": lambda folder: npy_files(folder, ">"),
    ".npy shards": npy_shards,
    "Parquet": parquet,
    "Parquet, lists": lambda folder: parquet(folder, lists=True),
    "Parquet, lists of no fixed length": parquet_lists,
    "Parquet, of pandas": parquet_of_pandas,
    "Parquet files": parquet_files,
    "Zarr group": zarr_group,
    "Zarr group, big-endian": lambda folder: zarr_group(folder, ">"),
    "Zarr arrays": zarr_arrays,
}
