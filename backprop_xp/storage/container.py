"""The safetensors format: eight bytes with the header's length, the header (JSON), the arrays.

It is small enough to be written here in full, and must be: nothing that a header says is believed
before it was held against the size of the file, so a hostile file costs no more than its own bytes.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from typing import Any, BinaryIO

import numpy as np

from backprop_xp.errors import CheckpointError
from backprop_xp.storage.documents import decode, encode

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
LONGEST_HEADER = 32 * 2**20
_LENGTH = 8  # bytes that hold the header's length
MOST_AXES = 8
_CHUNK = 2**20

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


@dataclass(frozen=True)
class Entry:
    """Where an array lies: its name, dtype, shape, and its bytes within the data."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    begin: int
    end: int


def write_container(
    file: BinaryIO, arrays: dict[str, np.ndarray], metadata: dict[str, str]
) -> None:
    """Write little-endian, contiguous `arrays` and `metadata` to a file that is open for writing.

    Raises
    ------
    CheckpointError
        The header would be longer than a reader takes.
    OSError
        The file cannot be written.
    """
    header: dict[str, Any] = {METADATA: metadata}
    end = 0
    for name, array in arrays.items():
        begin, end = end, end + array.nbytes
        entry = {"dtype": CODES[array.dtype], "shape": array.shape, "data_offsets": [begin, end]}
        header[name] = entry
    text = encode(header).encode("ascii")
    text += b" " * (-len(text) % 8)  # so that the arrays are aligned
    if len(text) > LONGEST_HEADER:
        raise CheckpointError(
            f"its header would have {len(text):,} bytes, but {LONGEST_HEADER:,} is the most: keep "
            "long lists as arrays, or fewer of them"
        )
    file.write(len(text).to_bytes(_LENGTH, "little"))
    file.write(text)
    for array in arrays.values():
        file.write(as_bytes(array).data)


def read_header(file: BufferedReader, size: int) -> tuple[dict[str, str], list[Entry]]:
    """Read and check the header of a file of `size` bytes: its metadata, and where the arrays lie.

    Raises
    ------
    CheckpointError
        It is no safetensors file, or one that is cut, damaged or of unknown dtypes.
    """
    start = file.read(_LENGTH)
    try:
        length = int.from_bytes(start, "little")
        if len(start) < _LENGTH or length > size - _LENGTH or length > LONGEST_HEADER:
            raise CheckpointError(f"no safetensors file, or one that was cut ({size:,} bytes)")
        header = decode(str(file.read(length), "utf-8"))
    except UnicodeDecodeError:
        raise CheckpointError(_foreign(start) or "its header is damaged (no text)") from None
    except CheckpointError as problem:
        raise CheckpointError(_foreign(start) or str(problem)) from None
    metadata = header.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise CheckpointError("its metadata are not text")
    entries = [_entry(name, entry) for name, entry in header.items()]
    entries.sort(key=lambda entry: (entry.begin, entry.end))
    ends = [0, *(entry.end for entry in entries)]
    if [entry.begin for entry in entries] != ends[:-1]:
        raise CheckpointError("its arrays overlap or leave gaps")
    there = size - _LENGTH - length
    if ends[-1] != there:
        raise CheckpointError(
            f"it was cut or damaged: its arrays need {ends[-1]:,} bytes, but {there:,} are there"
        )
    return metadata, entries


def read_array(file: BufferedReader, entry: Entry) -> np.ndarray:
    """Read the next array of a file whose header was read."""
    data = np.empty(entry.end - entry.begin, np.uint8)
    if sum(file.readinto(chunk.data) for chunk in chunks(data)) != data.nbytes:
        raise CheckpointError("it became shorter while it was read")
    array = data.view(entry.dtype).reshape(entry.shape)
    return array.astype(entry.dtype.newbyteorder("="), copy=False)


def _entry(name: str, entry: Any) -> Entry:
    """Check what the header says of one array."""
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise CheckpointError(f"its array {reprlib.repr(name)} is not described")
    code, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(code, str) or code not in DTYPES:
        raise CheckpointError(
            f"its array {reprlib.repr(name)} has the dtype {reprlib.repr(code)}; expected one of "
            f"{', '.join(DTYPES)}"
        )
    if not _naturals(shape) or not _naturals(offsets) or len(offsets) != 2:
        raise CheckpointError(f"its array {reprlib.repr(name)} has a senseless shape or place")
    begin, end = offsets
    if end - begin != math.prod(shape) * DTYPES[code].itemsize:
        raise CheckpointError(
            f"its array {reprlib.repr(name)} of shape {reprlib.repr(shape)} does not fill its place"
        )
    return Entry(name, DTYPES[code], tuple(shape), begin, end)


def _naturals(numbers: Any) -> bool:
    """Whether this is a short list of integers ≥ 0."""
    short = isinstance(numbers, list) and len(numbers) <= MOST_AXES
    return short and all(type(n) is int and n >= 0 for n in numbers)


def _foreign(start: bytes) -> str:
    """What a file is that begins like this; empty if that is not known."""
    kinds = (kind for begins, kind in _FOREIGN.items() if start.startswith(begins))
    return "".join(f"it looks like {kind}" for kind in kinds)


def as_bytes(array: np.ndarray) -> np.ndarray:
    """The bytes of a contiguous array as one vector, not copied."""
    return array.reshape(-1).view(np.uint8)


def chunks(data: np.ndarray) -> Iterator[np.ndarray]:
    """A vector in parts of a size that suits files and caches."""
    return (data[i : i + _CHUNK] for i in range(0, data.size, _CHUNK))
