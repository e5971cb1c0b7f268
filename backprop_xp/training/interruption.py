"""Interruption: Ctrl-C ends a run between two steps, with everything in order."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any


class Interruption:
    """While it is entered, the first SIGINT only sets `asked`; the second interrupts as usual.

    Outside the main thread, where Python allows no handlers, nothing changes.
    """

    def __init__(self) -> None:
        self.asked = False
        self._previous: Any = None

    def __enter__(self) -> None:
        self.asked = False
        in_main = threading.current_thread() is threading.main_thread()
        # A handler that the user has set knows better what Ctrl-C should do.
        if in_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._previous = signal.signal(signal.SIGINT, self._note)

    def __exit__(self, *_: object) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
            self._previous = None

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            signal.default_int_handler(number, frame)
        self.asked = True
