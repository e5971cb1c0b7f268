"""SIGKILL at random moments: the file is always one of the versions, complete."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from backprop_xp.storage import read

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

KILLS = 100
SIZE = 20_000

# It imports once; each writer is a fork, which rewrites the file until it is killed.
NURSERY = f"""
import os, sys
import numpy as np
from backprop_xp.storage import read, write

path = sys.argv[1]

def rewrite(version):
    while True:
        version += 1
        arrays = {{"theta": np.full({SIZE}, float(version)), "steps": np.array([version])}}
        write(path, arrays, {{"version": version}})

for line in sys.stdin:
    child = os.fork()
    if not child:
        rewrite(int(line))
    print(child, flush=True)
    os.waitpid(child, 0)
    print("dead", flush=True)
"""


@pytest.fixture
def nursery(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    command = [sys.executable, "-c", NURSERY, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        yield process, path
        process.stdin.close()


def written_at(path):
    return path.stat().st_mtime_ns if path.exists() else 0


def test_a_killed_writer_leaves_a_complete_file(nursery):
    process, path = nursery
    rng = random.Random(7)
    version, interrupted = 0, 0
    for _ in range(KILLS):
        before, deadline = written_at(path), time.monotonic() + 60.0
        process.stdin.write(f"{version}\n")
        child = int(process.stdout.readline())
        while written_at(path) == before:  # on a busy machine a writer may start late
            assert time.monotonic() < deadline, "the writer does not write"
            time.sleep(0.001)
        time.sleep(rng.uniform(0.0, 0.03))
        os.kill(child, signal.SIGKILL)
        assert process.stdout.readline() == "dead\n"

        arrays, metadata = read(path)
        assert metadata["version"] >= version
        version = metadata["version"]
        np.testing.assert_array_equal(arrays["theta"], np.full(SIZE, float(version)))
        assert arrays["steps"] == version
        leftovers = set(os.listdir(path.parent)) - {path.name}
        assert len(leftovers) <= 1  # the next writer removes those of its predecessors
        interrupted += len(leftovers)
    assert version > KILLS / 10  # they did write
    assert interrupted > KILLS / 10  # and were killed while they did
