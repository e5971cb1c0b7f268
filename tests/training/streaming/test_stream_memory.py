"""Memory: what is read from disk stays within the stated formula, however long the file is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import backprop_xp as bp

GIB = 2**30
COLUMNS = 4096
FULL = GIB // (4 * COLUMNS)  # rows of float32 in a GiB

TRAIN = """
import resource, sys
import numpy as np
import backprop_xp as bp

form, folder, gib = sys.argv[1], sys.argv[2], int(sys.argv[3])
net = bp.Network([4096, 2, 1], seed=0, backend="numpy")
if form == "memory maps":
    data = np.load(f"{folder}/X-0.npy", mmap_mode="r"), np.load(f"{folder}/Y-0.npy", mmap_mode="r")
    assert data[0].nbytes >= 4 * 2**30
    gib += 4  # what the user has mapped
else:
    data = folder
if gib:
    resource.setrlimit(resource.RLIMIT_AS, (gib * 2**30, gib * 2**30))
history = bp.fit(net, data, epochs=1, batch_size=512)
assert len(history.loss) == 1 and np.isfinite(history.loss[0])
print("trained")
"""

PEAK = """
import sys, threading, time
import numpy as np
import backprop_xp as bp

def anonymous():
    status = dict(line.split(":") for line in open("/proc/self/status"))
    return int(status["RssAnon"].split()[0]) * 1024

class Watch(bp.Callback):
    peak = 0
    def on_batch_end(self, run):
        self.peak = max(self.peak, anonymous())

form, path, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
options = {"target": "y"} if form == "parquet" else {}
source = getattr(bp.sources, form)(path, buffer_rows=rows, **options)
n_0 = source.x.tail[0]
net = bp.Network([n_0, 2, 1], seed=0, backend="numpy")
X, Y = np.zeros((64, n_0), "f4"), np.zeros(64)
bp.fit(net, X, Y, epochs=30, batch_size=32)  # what training itself needs
before, watch = anonymous(), Watch()
bp.fit(net, source, epochs=1, batch_size=32, callbacks=[watch])
print(watch.peak - before, source.memory(32))
"""


def zeros(path, shape, dtype):
    """A .npy file of zeros that takes no room on the disk."""
    header = {"shape": shape, "fortran_order": False, "descr": np.dtype(dtype).str}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        offset = file.tell()
    os.truncate(path, offset + int(np.prod(shape)) * np.dtype(dtype).itemsize)


def shards(folder, sizes):
    for i, rows in enumerate(sizes):
        zeros(folder / f"X-{i}.npy", (rows, COLUMNS), "f4")
        zeros(folder / f"Y-{i}.npy", (rows,), "u1")
    return folder


def python(code, *arguments):
    # One thread: the address space of OpenBLAS's is reserved before any limit.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc")


@linux
@pytest.mark.parametrize("form", ["shards", "memory maps"])
def test_four_gigabytes_are_trained_on_with_one_of_address_space(tmp_path, form):
    """Shards with one in all; memory maps with one beyond the four that the user has mapped."""
    shards(tmp_path, [4 * FULL] if form == "memory maps" else [3 * FULL, FULL])
    assert "trained" in python(TRAIN, form, tmp_path, 1)


@linux
@pytest.mark.parametrize("buffer_rows", [1000, 4000])
def test_the_peak_is_within_the_formula(tmp_path, buffer_rows):
    shards(tmp_path, [10_000, 10_000])
    assert_bounded("npy_shards", tmp_path, buffer_rows, COLUMNS)


@linux
def test_the_peak_of_parquet_is_within_the_formula(tmp_path):
    pa, parquet = (pytest.importorskip(name) for name in ("pyarrow", "pyarrow.parquet"))
    columns = np.random.default_rng(0).random((500, 12_000), dtype="f4")
    names = {f"x{i}": column for i, column in enumerate(columns)}
    table = pa.table({**names, "y": columns[0] > 0.5})
    parquet.write_table(table, tmp_path / "data.parquet", row_group_size=4000)
    assert_bounded("parquet", tmp_path, 3000, 500)


@linux
def test_the_peak_of_zarr_is_within_the_formula(tmp_path):
    library = pytest.importorskip("zarr")
    group = library.create_group(str(tmp_path / "data.zarr"))
    X = np.random.default_rng(0).random((12_000, 500), dtype="f4")
    group.create_array("X", data=X, chunks=(1000, 500))
    group.create_array("Y", data=(X[:, 0] > 0.5).astype("u1"), chunks=(12_000,))
    assert_bounded("zarr", tmp_path / "data.zarr", 3000, 500)


def assert_bounded(form, path, buffer_rows, columns):
    peak, bound = map(int, python(PEAK, form, path, buffer_rows).split())
    assert peak < bound + 8 * 2**20, f"{peak / 2**20:.0f} MiB, bound {bound / 2**20:.0f} MiB"
    assert peak > buffer_rows * columns * 4  # or the test has looked at nothing


def test_the_bound_does_not_grow_with_the_file(tmp_path):
    (tmp_path / "small").mkdir()
    (tmp_path / "large").mkdir()
    small = bp.sources.npy_shards(shards(tmp_path / "small", [FULL]))
    large = bp.sources.npy_shards(shards(tmp_path / "large", [FULL] * 8))
    assert large.rows == 8 * small.rows
    assert large.memory() - small.memory() < 48 * large.rows * 4 * COLUMNS / 2**19 + 1
    assert small.memory() < 96 * 2**20
