"""The safetensors format, by the `safetensors` package, and what it does not do.

A header's lengths, offsets and shapes are held against the file there. Added here: a smaller bound
on the header, no array before its memory is known to be there, and what else a file may be.
"""

from __future__ import annotations

import os
import reprlib
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from backprop_xp.errors import CheckpointError

# Its codes and what they are here; float16, bfloat16, bool and more are in no file of ours.
DTYPES: dict[str, np.dtype[Any]] = {
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
    "I8": np.dtype("<i1"),
    "I16": np.dtype("<i2"),
    "I32": np.dtype("<i4"),
    "I64": np.dtype("<i8"),
    "U8": np.dtype("<u1"),
    "U16": np.dtype("<u2"),
    "U32": np.dtype("<u4"),
    "U64": np.dtype("<u8"),
}
CODES = {dtype: code for code, dtype in DTYPES.items()}
METADATA = "__metadata__"
MOST_AXES = 8
# The package takes 100 MB, and up to 28 times a header's size in memory.
LONGEST_HEADER = 32 * 2**20
_LENGTH = 8  # bytes at the beginning that hold the header's length

# What else people hand over, by its first bytes.
_PICKLE = "a pickle, which is never opened here"
_FOREIGN = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"PK\x03\x04": "a zip archive, as are .npz, .keras and PyTorch's .pt",
    b"\x93NUMPY": "a NumPy array (.npy)",
    b"\x89HDF": "an HDF5 file (.h5)",
    b"\x1f\x8b": "a gzip archive",
    b"PAR1": "a Parquet table",
    b"\x80\x02": _PICKLE,
    b"\x80\x03": _PICKLE,
    b"\x80\x04": _PICKLE,
    b"\x80\x05": _PICKLE,
    b"<": "HTML or XML",
}


def serialized(arrays: dict[str, np.ndarray], metadata: dict[str, str]) -> bytes:
    """Return a file of little-endian, contiguous `arrays` and `metadata`.

    The order of several metadata is left to chance by the package; one makes the same file again.

    Raises
    ------
    CheckpointError
        The header would be longer than a reader takes.
    MemoryError
        There is not enough memory for the file.
    """
    from safetensors.numpy import save

    # The package takes twice the file's size, and ends the process if that is not there.
    np.empty(2 * sum(array.nbytes for array in arrays.values()), np.uint8)
    content = save(arrays, metadata)
    length = int.from_bytes(content[:_LENGTH], "little")
    if length > LONGEST_HEADER:
        raise CheckpointError(
            f"its header would have {length:,} bytes, but {LONGEST_HEADER:,} is the most: keep "
            "long lists as arrays, or fewer of them"
        )
    return content


@contextmanager
def opened(name: str) -> Iterator[Any]:
    """Open a file with `safetensors.safe_open`: its header is checked, no array read yet.

    Raises
    ------
    CheckpointError
        It is no safetensors file, or one that is cut or damaged: now, or within the block.
    OSError
        There is no such file, or it cannot be read.
    """
    from safetensors import SafetensorError, safe_open

    _require_header(name)
    try:
        # Not mapped into memory: a file that becomes shorter would then end the process.
        with safe_open(name, framework="numpy", backend="pread") as file:
            yield file
    except SafetensorError as problem:
        reason = " ".join(str(problem).split())  # in one line
        raise CheckpointError(f"it was cut or damaged ({reason:.200})") from None


def read_array(file: Any, name: str) -> np.ndarray:
    """Read an array of an opened file.

    Raises
    ------
    CheckpointError
        It has a dtype or a shape that no file of ours has.
    MemoryError
        It does not fit into memory.
    """
    described = file.get_slice(name)
    code, shape = described.get_dtype(), described.get_shape()
    if code not in DTYPES or len(shape) > MOST_AXES:
        raise CheckpointError(
            f"its array {reprlib.repr(name)} has the dtype {code} and the shape "
            f"{reprlib.repr(shape)}; expected one of {', '.join(DTYPES)}, and at most "
            f"{MOST_AXES} axes"
        )
    np.empty(shape, DTYPES[code])  # or MemoryError, on which the package does not end well
    array: np.ndarray = file.get_tensor(name)
    return array


def _require_header(name: str) -> None:
    """Refuse what is no file, what is another one, and what has too long a header."""
    with open(name, "rb", opener=_open) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise CheckpointError("it is a device or a pipe, not a file")
        start = file.read(_LENGTH)
    if not start:
        raise CheckpointError("it is empty")
    if len(start) < _LENGTH or int.from_bytes(start, "little") > LONGEST_HEADER:
        cut = f"no safetensors file, or one that was cut ({status.st_size:,} bytes)"
        kinds = (kind for begins, kind in _FOREIGN.items() if start.startswith(begins))
        raise CheckpointError("".join(f"it looks like {kind}" for kind in kinds) or cut)


def _open(path: str, flags: int) -> int:
    """Open a file, but do not wait for one that is a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
