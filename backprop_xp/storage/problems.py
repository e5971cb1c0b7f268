"""What to say when a file cannot be written or read: which, why, and what to do."""

from __future__ import annotations

import errno
import os
from typing import Any

from backprop_xp.errors import ConfigurationError, shown


def file_name(path: Any, kind: str = "a file") -> str:
    """Return `path` as text; `kind` says what it should be the name of.

    Raises
    ------
    ConfigurationError
        It is no path.
    """
    try:
        name = os.fsdecode(path)
    except TypeError:
        raise ConfigurationError(f"path={shown(path)}: expected the name of {kind}") from None
    if not name or "\0" in name:
        raise ConfigurationError(f"path={shown(path)}: expected the name of {kind}")
    return name


def unwritable(name: str, problem: Exception, called: str = "") -> str:
    """Why a file could not be written, and what to do; `called` is what the user calls it."""
    linked = os.path.islink(name)
    target = os.path.realpath(name) if linked else _absolute(name)
    directory = os.path.dirname(target)
    if isinstance(problem, FileNotFoundError) and os.path.isdir(directory):
        reason = f"{directory} takes no new file; choose another place"
    elif isinstance(problem, FileNotFoundError) and linked:
        reason = f"it is a link to {target}, and there is no directory {directory}; create it first"
    elif isinstance(problem, FileNotFoundError):
        reason = f"there is no directory {directory}; create it first"
    elif isinstance(problem, IsADirectoryError):
        reason = "it is a directory; name a file in it"
    elif isinstance(problem, NotADirectoryError):
        reason = f"{directory} is no directory; choose another place"
    elif isinstance(problem, PermissionError):
        reason = "there is no permission to write here; choose another place"
    elif isinstance(problem, OSError) and problem.errno in (errno.ENOSPC, errno.EDQUOT):
        reason = "the disk is full; free some space or choose another place"
    elif isinstance(problem, OSError) and problem.errno == errno.ENAMETOOLONG:
        reason = "its name is longer than the system allows; choose a shorter one"
    elif isinstance(problem, MemoryError):
        reason = "there is not enough memory for a copy of its arrays"
    else:
        reason = _plainly(problem)
    return f"{called or name} cannot be written: {reason}"


def unreadable(name: str, problem: Exception) -> str:
    """Why a file could not be read, and what to do."""
    if isinstance(problem, FileNotFoundError):
        reason = f"there is no such file (looked in {os.path.dirname(_absolute(name))})"
    elif isinstance(problem, IsADirectoryError):
        reason = "it is a directory; name a file in it"
    elif isinstance(problem, PermissionError):
        reason = "there is no permission to read it"
    elif isinstance(problem, MemoryError):
        reason = "its arrays do not fit into memory"
    else:
        reason = _plainly(problem)
    return f"{name} cannot be read: {reason}"


def _absolute(name: str) -> str:
    try:
        return os.path.abspath(name)
    except OSError:  # the current directory has been removed
        return name


def _plainly(problem: Exception) -> str:
    if isinstance(problem, OSError) and problem.errno:
        return os.strerror(problem.errno)
    return str(problem)
