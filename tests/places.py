"""Places where the system does not let a file be."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked_directory(parent: Path) -> Iterator[Path]:
    """Make a directory that may not be searched; for root by being another user meanwhile.

    That user may not be able to read the modules of Python: import what you need before.
    """
    root = os.geteuid() == 0
    locked = parent / "locked"
    locked.mkdir(mode=0o700 if root else 0)
    if root:
        os.seteuid(65534)
    try:
        yield locked
    finally:
        if root:
            os.seteuid(0)
        else:
            locked.chmod(0o700)
