"""Files of any kind, written whole or not at all, and refused early where that can be known."""

from __future__ import annotations

import os

from backprop_xp.errors import BackpropError
from backprop_xp.storage.atomic import replacing, try_replacing
from backprop_xp.storage.problems import file_name, unwritable


def write_whole(
    path: str | os.PathLike[str], content: bytes, error: type[BackpropError], called: str = ""
) -> None:
    """Write a file; if that fails, what was there before is untouched.

    Parameters
    ----------
    path : path-like
    content : bytes
        All of it, ready: the file is open for as short a time as can be.
    error : type
        Raised if the file cannot be written, with the reason and what to do.
    called : str
        What the user calls the file, if not by its path: begins the message.
    """
    name = file_name(path)
    try:
        with replacing(name) as file:
            file.write(content)
    except (OSError, ValueError) as problem:
        raise error(unwritable(name, problem, called)) from problem


def require_writable(
    path: str | os.PathLike[str], error: type[BackpropError], called: str = ""
) -> None:
    """Raise `error` if `write_whole` would fail, as far as that can be known; nothing is written.

    That the disk becomes full, for one, cannot be known before.
    """
    name = file_name(path)
    try:
        try_replacing(name)
    except (OSError, ValueError) as problem:
        raise error(unwritable(name, problem, called)) from problem
