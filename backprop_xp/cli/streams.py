"""Streams: what is printed arrives, whatever the encoding of a stream and wherever it leads."""

from __future__ import annotations

import codecs
import os
import sys
from contextlib import suppress

from backprop_xp.errors import ConfigurationError

_HANDLER = "backprop_xp.alike"
# What a stream that is not Unicode gets for our signs: as wide as they are, so that columns stay
# aligned. For all others, such as letters of the user's, "?".
_ALIKE = dict(zip("→←−–—×·∗…≤≥✓✗─∂Σσθαᵀ²", "><---x.*.<>+x-dSstaT2", strict=True))


def _alike(problem: UnicodeError) -> tuple[str, int]:
    """Replace what an encoding does not have."""
    if not isinstance(problem, UnicodeEncodeError):
        raise problem
    text = problem.object[problem.start : problem.end]
    return "".join(_ALIKE.get(sign, "?") for sign in text), problem.end


def show_everything() -> None:
    """Let stdout and stderr replace what they cannot show, in place of an error."""
    codecs.register_error(_HANDLER, _alike)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not what a caller of `main` may have put there
            stream.reconfigure(errors=_HANDLER)


def write_bytes(content: bytes) -> None:
    """Write UTF-8 to stdout as it is, whatever the encoding of stdout.

    Raises
    ------
    ConfigurationError
        There is no stdout.
    OSError
        It takes no more, such as a file on a full disk.
    """
    if sys.stdout is None:
        raise ConfigurationError("there is no standard output to write to: use --out FILE")
    if not hasattr(sys.stdout, "buffer"):
        sys.stdout.write(content.decode())
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def flush() -> None:
    """Send off what was printed, while an error can still be told."""
    if sys.stdout is not None:
        sys.stdout.flush()


def complain(message: str) -> None:
    """Print an error in one line on stderr, if that takes it."""
    with suppress(OSError):
        print(f"backprop-xp: {' '.join(message.splitlines())}", file=sys.stderr, flush=True)


def give_up_stdout() -> bool:
    """Say whether stdout takes no more; what is left is dropped then, not tried again at exit."""
    try:
        flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True
    return False
