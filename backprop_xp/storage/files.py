"""Writing and reading our files: arrays, a document, and checksums of both.

A file is a safetensors file whose metadata are two texts: `backprop_xp`, a JSON document with what
kind of file this is, the checksum of every array and the caller's metadata; and `sha256`, the
document's own checksum. So every flipped bit that changes what is read is found.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import reprlib
import stat
from collections.abc import Mapping
from io import BufferedReader
from typing import Any

import numpy as np

from backprop_xp.errors import CheckpointError
from backprop_xp.storage.atomic import replacing
from backprop_xp.storage.container import (
    CODES,
    METADATA,
    MOST_AXES,
    Entry,
    as_bytes,
    chunks,
    read_array,
    read_header,
    write_container,
)
from backprop_xp.storage.documents import decode, encode
from backprop_xp.storage.problems import file_name, unreadable, unwritable

FORMAT = "backprop_xp"
VERSION = 1
_CHECKSUM = "sha256"

# kind → what to call it, and what to do with it
_KINDS = {
    "network": ("a saved network", "open it with bp.load(path)"),
    "checkpoint": ("a training checkpoint", "go on with it: bp.fit(..., resume=path)"),
}


def write(
    path: str | os.PathLike[str],
    arrays: Mapping[str, np.ndarray],
    metadata: Mapping[str, Any],
    kind: str,
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
    kind : str
        "network" or "checkpoint".

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
    ...     write(path, {"theta": np.ones(3)}, {"steps": 7}, "checkpoint")
    ...     read(path, "checkpoint")
    ({'theta': array([1., 1., 1.])}, {'steps': 7})
    """
    name = file_name(path)
    try:
        stored = {key: _storable(key, array) for key, array in arrays.items()}
        texts = _texts(stored, metadata, kind)
        with replacing(name) as file:
            write_container(file, stored, texts)
    except (OSError, ValueError) as problem:
        raise CheckpointError(unwritable(name, problem)) from problem


def read(path: str | os.PathLike[str], kind: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read a file that `write` wrote; nothing that it says is trusted.

    Memory is taken for what is in the file, never for what it claims, and no code in it is run.

    Parameters
    ----------
    path : str or path-like
    kind : str
        What it must be: "network" or "checkpoint".

    Returns
    -------
    arrays : dict of str to numpy.ndarray
        Fresh, contiguous, and bit for bit what was written.
    metadata : dict
        Tuples have become lists.

    Raises
    ------
    CheckpointError
        There is no such file, or it is cut, damaged, of another kind or another program, or written
        by a newer version.
    """
    name = file_name(path)
    try:
        with open(name, "rb", opener=_open) as file:
            return _read(file, kind)
    except CheckpointError as problem:
        raise CheckpointError(f"{name} cannot be read: {problem}") from None
    except (OSError, ValueError, MemoryError) as problem:
        raise CheckpointError(unreadable(name, problem)) from problem


def _texts(arrays: dict[str, np.ndarray], metadata: Mapping[str, Any], kind: str) -> dict[str, str]:
    """Return the document of a file, and its checksum."""
    document = encode(
        {
            "format": FORMAT,
            "version": VERSION,
            "library": _library(),
            "kind": kind,
            "arrays": {name: _checksum(name, array) for name, array in arrays.items()},
            "metadata": dict(metadata),
        }
    )
    return {FORMAT: document, _CHECKSUM: _digest(document)}


def _read(file: BufferedReader, kind: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise CheckpointError("it is a device or a pipe, not a file")
    if status.st_size == 0:
        raise CheckpointError("it is empty")
    texts, entries = read_header(file, status.st_size)
    document = _document(texts, kind)
    checksums = document["arrays"]
    if set(checksums) != {entry.name for entry in entries}:
        raise CheckpointError(f"it should hold the arrays {', '.join(checksums) or 'none':.200}")
    arrays = {entry.name: _array(file, entry, checksums[entry.name]) for entry in entries}
    return {key: arrays[key] for key in checksums}, document["metadata"]


def _document(texts: dict[str, str], kind: str) -> dict[str, Any]:
    """Return the document of a file, if it is ours, whole, and of this kind."""
    if FORMAT not in texts:
        raise CheckpointError("it is a safetensors file, but not of backprop_xp")
    document = decode(texts[FORMAT])
    version = document.get("version")
    if document.get("format") != FORMAT or type(version) is not int:
        raise CheckpointError("its document is damaged")
    if version > VERSION:
        raise CheckpointError(
            f"it has the format version {reprlib.repr(version)}, written by backprop_xp "
            f"{reprlib.repr(document.get('library'))}, but this is {_library()}, which knows "
            f"versions up to {VERSION}: pip install --upgrade backprop-xp"
        )
    if texts.get(_CHECKSUM) != _digest(texts[FORMAT]):
        raise CheckpointError("it is damaged: the checksum of its document differs")
    parts = document.get("arrays"), document.get("metadata")
    if version < 1 or not all(isinstance(part, dict) for part in parts):
        raise CheckpointError("its document is not one of backprop_xp")
    if document.get("kind") != kind:
        what, use = _KINDS.get(str(document.get("kind")), ("something else", "nothing opens it"))
        raise CheckpointError(f"it is {what}, not {_KINDS[kind][0]}: {use}")
    return document


def _array(file: BufferedReader, entry: Entry, checksum: Any) -> np.ndarray:
    array = read_array(file, entry)
    if _checksum(entry.name, array) != checksum:
        name = reprlib.repr(entry.name)
        raise CheckpointError(f"it is damaged: the checksum of its array {name} differs")
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
    for chunk in chunks(as_bytes(stored)):
        digest.update(chunk.data)
    return digest.hexdigest()


def _digest(document: str) -> str:
    return hashlib.sha256(document.encode("utf-8", "surrogatepass")).hexdigest()


def _library() -> str:
    # Not imported at the top: the package imports this room.
    return str(importlib.import_module("backprop_xp").__version__)


def _open(path: str, flags: int) -> int:
    """Open a file, but do not wait for one that is a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
