"""Termination: a signal that would end the process waits until a file is complete."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# What `kill`, a service manager, a batch system or a closed terminal sends. Ctrl-C is an exception
# in Python, after which a `finally` tidies up.
_SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def unterminated() -> Iterator[None]:
    """Hold SIGTERM and SIGHUP back while the block runs; then they end the process as always.

    A handler that the user has set is left alone. Outside the main thread, where Python allows no
    handlers, nothing changes.
    """
    arrived: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        arrived.append(number)

    in_main = threading.current_thread() is threading.main_thread()
    held = [n for n in _SIGNALS if in_main and signal.getsignal(n) is signal.SIG_DFL]
    for number in held:
        signal.signal(number, note)
    try:
        yield
    finally:
        for number in held:
            signal.signal(number, signal.SIG_DFL)
        if arrived:
            os.kill(os.getpid(), arrived[0])
