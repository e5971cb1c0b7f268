"""Writing and reading our files: arrays, a document, and checksums of both.

A file is a safetensors file whose metadata are one text, `backprop_xp`: a JSON document with the
checksum of every array, the caller's metadata and, last, the checksum of all that is before it. So
every flipped bit that changes what is read is found.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import reprlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from backprop_xp.errors import CheckpointError
from backprop_xp.storage.container import CODES, METADATA, MOST_AXES, opened, read_array, serialized
from backprop_xp.storage.documents import decode, encode
from backprop_xp.storage.problems import file_name, unreadable, unwritable
from backprop_xp.storage.whole_files import write_whole

FORMAT = "backprop_xp"
VERSION = 1
_SEAL = ',"sha256":"'  # begins the end of a document


def write(
    path: str | os.PathLike[str],
    arrays: Mapping[str, np.ndarray],
    metadata: Mapping[str, Any],
) -> None:
    """Write a file, atomically: if anything fails, the file that was there before is untouched.

    Parameters
    ----------
    path : str or path-like
        Its directory must exist. An existing file is replaced, and keeps its permissions.
    arrays : dict of str to numpy.ndarray
        Of any shape with up to eight axes; float32, float64 or integers. NaN is a value, too. They
        must not change meanwhile.
    metadata : dict
        Of what `documents.encode` takes: text, numbers, None, and lists and dicts of them.

    Raises
    ------
    CheckpointError
        The file cannot be written, or something cannot be stored.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from backprop_xp.storage import read, write
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     path = os.path.join(directory, "file.safetensors")
    ...     write(path, {"theta": np.ones(3)}, {"steps": 7})
    ...     read(path)
    ({'theta': array([1., 1., 1.])}, {'steps': 7})
    """
    name = file_name(path)
    try:
        stored = {key: _storable(key, array) for key, array in arrays.items()}
        content = serialized(stored, {FORMAT: _sealed(stored, metadata)})
    except (ValueError, MemoryError) as problem:
        raise CheckpointError(unwritable(name, problem)) from problem
    write_whole(name, content, CheckpointError)


def read(path: str | os.PathLike[str]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read a file that `write` wrote; nothing that it says is trusted.

    Memory is taken for what is in the file, never for what it claims, and no code in it is run.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    arrays : dict of str to numpy.ndarray
        Fresh, contiguous, and bit for bit what was written.
    metadata : dict
        Tuples have become lists.

    Raises
    ------
    CheckpointError
        There is no such file, or it is cut, damaged, of another program, or written by a newer
        version.
    """
    name = file_name(path)
    try:
        with opened(name) as file:
            return _read(file)
    except CheckpointError as problem:
        raise CheckpointError(f"{name} cannot be read: {problem}") from None
    except (OSError, ValueError, MemoryError) as problem:
        raise CheckpointError(unreadable(name, problem)) from problem


def _sealed(arrays: dict[str, np.ndarray], metadata: Mapping[str, Any]) -> str:
    """Return the document of a file, with its checksum."""
    document = {
        "format": FORMAT,
        "version": VERSION,
        "library": _library(),
        "arrays": {name: _checksum(name, array) for name, array in arrays.items()},
        "metadata": dict(metadata),
    }
    return _seal(encode(document)[:-1])


def _seal(body: str) -> str:
    """Return a document, whose last brace is not there yet, with the checksum of what is."""
    return f'{body}{_SEAL}{_digest(body)}"}}'


def _read(file: Any) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    document = _document((file.metadata() or {}).get(FORMAT))
    checksums = document["arrays"]
    if set(checksums) != set(file.keys()):
        raise CheckpointError(f"it should hold the arrays {', '.join(checksums) or 'none':.200}")
    arrays = {name: _array(file, name, checksum) for name, checksum in checksums.items()}
    return arrays, document["metadata"]


def _document(text: str | None) -> dict[str, Any]:
    """Return the document of a file, if it is ours and whole."""
    if text is None:
        raise CheckpointError("it is a safetensors file, but not of backprop_xp")
    document = decode(text)
    version = document.get("version")
    if document.get("format") != FORMAT or type(version) is not int:
        raise CheckpointError("its document is damaged")
    if version > VERSION:
        raise CheckpointError(
            f"it has the format version {reprlib.repr(version)}, written by backprop_xp "
            f"{reprlib.repr(document.get('library'))}, but this is {_library()}, which knows "
            f"versions up to {VERSION}: pip install --upgrade backprop-xp"
        )
    body = text.rpartition(_SEAL)[0]
    if text != _seal(body):
        raise CheckpointError("it is damaged: the checksum of its document differs")
    parts = document.get("arrays"), document.get("metadata")
    if version < 1 or not all(isinstance(part, dict) for part in parts):
        raise CheckpointError("its document is not one of backprop_xp")
    return document


def _array(file: Any, name: str, checksum: Any) -> np.ndarray:
    array = read_array(file, name)
    if _checksum(name, array) != checksum:
        raise CheckpointError(
            f"it is damaged: the checksum of its array {reprlib.repr(name)} differs"
        )
    return array


def _storable(name: str, array: np.ndarray) -> np.ndarray:
    """Return an array as it lies in a file: little-endian and contiguous."""
    # Not ascontiguousarray, which gives a 0-d array an axis.
    stored = np.asarray(array, order="C")
    stored = stored.astype(stored.dtype.newbyteorder("<"), copy=False)
    if stored.dtype not in CODES or stored.ndim > MOST_AXES or name in ("", METADATA):
        raise CheckpointError(
            f"the array {name!r} of dtype {stored.dtype} and shape {stored.shape} cannot be saved: "
            f"expected float32, float64 or integers, and at most {MOST_AXES} axes"
        )
    return stored


def _checksum(name: str, array: np.ndarray) -> str:
    """The checksum of an array: its name, dtype, shape and bytes."""
    stored = _storable(name, array)
    digest = hashlib.sha256(f"{name} {CODES[stored.dtype]} {stored.shape}".encode())
    digest.update(stored.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _digest(document: str) -> str:
    return hashlib.sha256(document.encode()).hexdigest()


def _library() -> str:
    # Not imported at the top: the package imports this module.
    return str(importlib.import_module("backprop_xp").__version__)
