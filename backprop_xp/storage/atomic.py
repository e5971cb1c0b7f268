"""Replacing a file as a whole: at every moment the old one or the new one is there, complete."""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from backprop_xp.storage.termination import unterminated

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None  # type: ignore[assignment]

# Not where the system has none of it: without O_BINARY, Windows would translate line ends.
_CREATE = (
    os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
)


@contextmanager
def replacing(path: str) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path`, which takes its place when the block ends well.

    By then the new file is on the disk. If the block fails, `path` is as it was. A symbolic link
    stays one: the file that it points to is replaced. The permissions are those of the old file,
    else those that the umask leaves.

    SIGTERM waits until the block has ended. A writer that is killed by SIGKILL leaves its temporary
    file behind, `.NAME.xxxxxxxx.tmp`; the next writer of the same file removes it. It tells those
    from files that are being written by their locks, which end with their process; where the system
    has no such locks, they stay.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    target, stem, mode = _place(path)
    with unterminated():
        _remove_leftovers(stem)
        temporary, file = _create(stem)
        try:
            with file:
                if mode is not None:
                    os.chmod(temporary, mode)
                yield file
                file.flush()
                os.fsync(file.fileno())
                if fcntl:  # while it is locked: no other writer takes it for a leftover
                    os.replace(temporary, target)
            if not fcntl:  # Windows moves no open file
                os.replace(temporary, target)
        except BaseException:  # Ctrl-C, too
            with suppress(OSError):
                os.unlink(temporary)
            raise
        _synchronize(os.path.dirname(target))


def try_replacing(path: str) -> None:
    """Raise OSError if `replacing(path)` would, as far as that shows before there is anything."""
    _, stem, _ = _place(path)
    with unterminated():
        temporary, file = _create(stem)
        file.close()
        os.unlink(temporary)


def _place(path: str) -> tuple[str, str, int | None]:
    """Where the file will be, how its temporary file begins, and the old file's permissions."""
    if not os.path.basename(path):
        raise IsADirectoryError(path)
    mode = _mode(path)
    target = os.path.realpath(path)
    return target, os.path.join(os.path.dirname(target), f".{os.path.basename(target)[:50]}"), mode


def _mode(path: str) -> int | None:
    """The permissions of the file that will be replaced; None if there is none."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(path)
    if not stat.S_ISREG(status.st_mode):
        raise OSError("it is a device or a pipe, not a file")
    if not os.access(path, os.W_OK):
        raise PermissionError(path)
    return stat.S_IMODE(status.st_mode)


def _create(stem: str) -> tuple[str, BinaryIO]:
    """Make a new temporary file, and lock it."""
    while True:
        temporary = f"{stem}.{secrets.token_hex(4)}.tmp"
        try:
            file = os.fdopen(os.open(temporary, _CREATE, 0o666), "wb")
        except FileExistsError:
            continue
        if _hold(file) and os.path.exists(temporary):
            return temporary, file
        file.close()  # another writer took it for a leftover before it was locked


def _hold(file: BinaryIO) -> bool:
    """Lock a file, if that is possible here; whether no other process was faster."""
    try:
        _lock(file.fileno())
    except BlockingIOError:
        return False
    except OSError:  # Windows, and some network file systems, have no such locks
        return True
    return True


def _remove_leftovers(stem: str) -> None:
    """Remove the temporary files of writers that were killed."""
    directory, start = os.path.split(stem)
    ours = re.compile(re.escape(start) + r"\.[0-9a-f]{8}\.tmp")
    with suppress(OSError):  # we may write to this directory, but not list it
        for name in filter(ours.fullmatch, os.listdir(directory)):
            _remove_leftover(os.path.join(directory, name))


def _remove_leftover(path: str) -> None:
    with suppress(OSError):  # it is being written, or belongs to another user
        descriptor = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
        try:
            _lock(descriptor)
            os.unlink(path)
        finally:
            os.close(descriptor)


def _lock(descriptor: int) -> None:
    """Lock a file until it is closed, at the latest when its process ends."""
    if not fcntl:
        raise OSError("this system has no such locks")
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _synchronize(directory: str) -> None:
    """Bring the new name to the disk, where the system can."""
    with suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
