"""The README's Python blocks run as they stand, with and without BACKEND."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parent.parent / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README.read_text(encoding="utf-8"), re.M | re.S)


def run(block, folder, backend=None):
    """Run a block as a script that a user has pasted into a folder of their own."""
    if "mpi4py" in block:
        pytest.importorskip("mpi4py")
    script = folder / "script.py"
    script.write_text(block, encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if k != "BACKEND"}
    # The package under test, wherever it was imported from: the script's folder is not here.
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    if backend:
        environment["BACKEND"] = backend
    done = subprocess.run(
        [sys.executable, script], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{block}\n{done.stderr}"


@pytest.mark.skipif("```" not in README.read_text(encoding="utf-8"), reason="no code in README yet")
def test_there_is_a_script_to_paste():
    assert any("import backprop_xp" in block for block in BLOCKS)


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_runs_without_a_choice(block, tmp_path):
    run(block, tmp_path)


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_runs_on_the_backend_of_the_environment(block, backend, tmp_path):
    run(block, tmp_path, backend.name)
