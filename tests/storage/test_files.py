"""Files of arrays and a document: what comes back, and what is said of everything else."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import safetensors.numpy

import backprop_xp as bp
from backprop_xp.storage import container, files, read, write
from backprop_xp.storage.container import DTYPES

METADATA = {"epoch": 3, "history": {"loss": [0.5, float("inf")]}, "rng": 2**127 + 1, "none": None}


def sealed(path, content=(), **changes):
    """Write a file whose checksums are right, whatever its document says."""
    content = dict(content)
    document = {
        "format": files.FORMAT,
        "version": files.VERSION,
        "library": "0.0",
        "arrays": {name: files._checksum(name, array) for name, array in content.items()},
        "metadata": {},
        **changes,
    }
    text = files._seal(json.dumps(document)[:-1])
    path.write_bytes(container.serialized(content, {"backprop_xp": text}))
    return path


def promises_only_what_it_has():
    try:
        with open("/proc/sys/vm/overcommit_memory") as file:
            return file.read().strip() != "1"
    except OSError:
        return False


def header_of(path):
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def with_header(path, header, data):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.safetensors"


@pytest.fixture
def header(path):
    """The header and the data of a good file, to be spoilt."""
    write(path, {"theta": np.arange(6.0), "steps": np.arange(3)}, {})
    return header_of(path)


# -- there and back ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (5,), (0, 3), (2, 3), (1, 2, 3, 1, 2, 1, 1, 2)])
def test_arrays_come_back_bit_for_bit(path, rng, dtype, shape):
    count = int(np.prod(shape))
    array = np.frombuffer(rng.bytes(count * dtype.itemsize), dtype).reshape(shape)  # NaNs, too
    write(path, {"array": array}, METADATA)
    arrays, metadata = read(path)
    assert list(arrays) == ["array"]
    back = arrays["array"]
    assert (back.dtype, back.shape, back.tobytes()) == (array.dtype, shape, array.tobytes())
    assert back.flags.writeable
    assert back.flags.c_contiguous
    assert metadata == METADATA


def test_views_and_foreign_byte_orders_are_stored_by_value(path):
    arrays = {
        "transposed": np.arange(6.0).reshape(2, 3).T,
        "strided": np.arange(10)[::-3],
        "big-endian": np.arange(4, dtype=">f4"),
        "read-only": np.broadcast_to(np.float32(7), (2, 2)),
    }
    write(path, arrays, {})
    back, _ = read(path)
    assert list(back) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(back[name], array)
        assert back[name].dtype.isnative


def test_the_same_content_is_the_same_file(path, tmp_path):
    other = tmp_path / "other.safetensors"
    for place in (path, other):
        write(place, {"b": np.ones(3), "a": np.zeros(2)}, METADATA)
    assert path.read_bytes() == other.read_bytes()


def test_no_array_is_a_file_too(path):
    write(path, {}, {})
    assert read(path) == ({}, {})


@pytest.mark.parametrize("make", [str, lambda p: p, lambda p: os.fsencode(p)])
def test_paths_of_any_type(path, make):
    write(make(path), {"a": np.ones(2)}, {})
    assert read(make(path))[0]["a"].sum() == 2


def test_the_file_is_as_the_format_says(path, rng):
    """Read by hand: any reader of safetensors finds the arrays, and JSON in the metadata."""
    arrays = {name: rng.integers(0, 100, (3, 4)).astype(dtype) for name, dtype in DTYPES.items()}
    arrays["scalar"], arrays["empty"] = np.array(1.5), np.zeros((0, 2), np.float32)
    write(path, arrays, {"θ": 1})
    header, data = header_of(path)
    assert json.loads(header.pop("__metadata__")["backprop_xp"])["metadata"] == {"θ": 1}
    assert set(header) == set(arrays)
    for name, array in arrays.items():
        begin, end = header[name]["data_offsets"]
        assert data[begin:end] == array.tobytes()
        assert DTYPES[header[name]["dtype"]] == array.dtype
        assert tuple(header[name]["shape"]) == array.shape


def test_the_order_in_the_header_does_not_matter(path, header):
    content, data = header
    with_header(path, dict(reversed(content.items())), data)
    assert list(read(path)[0]) == ["theta", "steps"]


def test_what_others_add_to_a_header_changes_nothing(path, header):
    content, data = header
    content["theta"]["code"] = "print()"
    with_header(path, content, data)
    np.testing.assert_array_equal(read(path)[0]["theta"], np.arange(6.0))


def test_the_arrays_are_aligned(path):
    for name in ("a", "ab", "abc", "abcd", "abcde", "abcdef", "abcdefg", "abcdefgh"):
        write(path, {name: np.ones(1)}, {})
        assert (path.stat().st_size - 8) % 8 == 0


# -- what cannot be written --------------------------------------------------------------------


@pytest.mark.parametrize(
    "array",
    [np.array(["x"]), np.array([None]), np.ones(2, bool), np.ones(2, "f2"), np.ones(2, "c8")],
)
def test_other_dtypes_are_refused(path, array):
    with pytest.raises(
        bp.CheckpointError, match=r"'a' of dtype .* expected float32, float64 or int"
    ):
        write(path, {"a": array}, {})
    assert not path.exists()


@pytest.mark.parametrize("name", ["", "__metadata__"])
def test_names_that_the_format_keeps_are_refused(path, name):
    with pytest.raises(bp.CheckpointError, match="cannot be saved"):
        write(path, {name: np.ones(2)}, {})


def test_a_document_that_no_reader_takes_is_not_written(path):
    write(path, {}, {})
    with pytest.raises(bp.CheckpointError, match="keep long lists as arrays"):
        write(path, {}, {"text": "x" * container.LONGEST_HEADER})
    assert read(path) == ({}, {})
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("parts", [499_980, 499_990, 499_995, 500_001])
def test_what_is_written_can_be_read(path, parts):
    """At the bound on lists and dicts: those of the document count, too."""
    arrays = {"theta": np.ones(1)}
    try:
        write(path, arrays, {"empty": [[]] * parts})
    except bp.CheckpointError:
        assert parts > 499_990
    else:
        assert len(read(path)[1]["empty"]) == parts


@pytest.mark.parametrize("path", [None, 5, "", ["a"], "a\0b"])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(bp.ConfigurationError, match="expected the name of a file"):
        write(path, {}, {})
    with pytest.raises(bp.ConfigurationError, match="expected the name of a file"):
        read(path)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("no/such/file", r"there is no directory .*no.such; create it first"),
        (".", "it is a directory"),
        ("new/", "it is a directory"),
        ("file.safetensors/model", "is no directory"),
        ("n" * 300, "its name is longer than the system allows"),
    ],
)
def test_places_that_cannot_be_written_to(path, place, message):
    write(path, {}, {})
    where = os.path.join(path.parent, place)
    with pytest.raises(bp.CheckpointError, match=f"(?i)cannot be written: .*{message}") as refusal:
        write(where, {}, {})
    assert str(refusal.value).startswith(where)
    assert "\n" not in str(refusal.value)
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "the disk is full; free some space"),
        (errno.EACCES, "there is no permission to write here"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_failures_of_the_disk_are_told(path, monkeypatch, number, message):
    write(path, {"a": np.ones(1)}, {})

    def fail(descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(bp.CheckpointError, match=message):
        write(path, {"a": np.zeros(1)}, {})
    assert read(path)[0]["a"] == 1
    assert os.listdir(path.parent) == [path.name]


LIMITED = """
import resource, sys
import numpy as np
import safetensors.numpy
import backprop_xp as bp
from backprop_xp.storage import read, write

write(sys.argv[1], {"a": np.ones(1)}, {})
array = np.ones(12_500_000)
with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 50_000_000,) * 2)
try:
    write(sys.argv[1], {"a": array}, {})
except bp.CheckpointError as problem:
    print(problem, read(sys.argv[1])[0]["a"])
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs Linux")
def test_too_little_memory_to_write_ends_no_process(path):
    command = [sys.executable, "-c", LIMITED, str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    wanted = f"{path} cannot be written: there is not enough memory for a copy of its arrays [1.]"
    assert run.stdout.strip() == wanted
    assert run.stderr == ""


# -- what cannot be read -----------------------------------------------------------------------


def refused(path, message):
    with pytest.raises(bp.CheckpointError, match=message) as refusal:
        read(path)
    assert str(refusal.value).startswith(f"{path} cannot be read: ")
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 500 + len(str(path))


def test_no_such_file(path):
    refused(path, "there is no such file")


def test_a_directory(tmp_path):
    refused(tmp_path, "it is a directory")


def test_a_pipe_is_refused_and_not_waited_for(path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes here")
    os.mkfifo(path)
    refused(path, "a device or a pipe")
    with pytest.raises(bp.CheckpointError, match="a device or a pipe"):
        write(path, {}, {})


def test_a_device(tmp_path):
    if not os.path.exists("/dev/zero"):
        pytest.skip("no devices here")
    refused("/dev/zero", "a device or a pipe")


FOREIGN = {
    "it is empty": b"",
    "a PNG picture": b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
    "a zip archive": b"PK\x03\x04" + b"\0" * 100,
    "HTML": b"<!DOCTYPE html><html></html>",
    "HDF5": b"\x89HDF\r\n\x1a\n" + b"\0" * 100,
    r"a NumPy array \(.npy\)": b"\x93NUMPY\x01\x00" + b"\0" * 100,
    "Parquet": b"PAR1" + b"\0" * 100,
    "gzip": b"\x1f\x8b\x08" + b"\0" * 100,
    r"cut \(3 bytes\)": b"abc",
    r"cut \(36 bytes\)": b"epoch,loss\n1,0.5\n2,0.25\n3,0.125\n4,0\n"[:36],
    "cut or damaged": b"\0" * 1000,
}


@pytest.mark.parametrize("message", FOREIGN)
def test_foreign_files(path, message):
    path.write_bytes(FOREIGN[message])
    refused(path, message)


def test_a_pickle_is_never_opened(path):
    """Were it unpickled, it would raise SystemExit."""
    path.write_bytes(b"\x80\x04\x95\x15\0\0\0\0\0\0\0\x8c\x08builtins\x8c\x04exit\x93)R.")
    refused(path, "a pickle, which is never opened")


def test_npz(path):
    with open(path, "wb") as file:
        np.savez(file, theta=np.ones(3))
    refused(path, "zip archive")


def test_a_safetensors_file_of_others(path):
    safetensors.numpy.save_file({"weight": np.ones(3)}, path, {"format": "pt"})
    refused(path, "not of backprop_xp")
    safetensors.numpy.save_file({"weight": np.ones(3)}, path)
    refused(path, "not of backprop_xp")


def test_a_newer_format_says_how_to_upgrade(path):
    refused(sealed(path, version=2), "format version 2.*pip install --upgrade backprop-xp")


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "other"},
        {"version": "1"},
        {"version": 0},
        {"version": True},
        {"version": None},
        {"arrays": None},
        {"arrays": []},
        {"arrays": {"theta": "checksum"}},
        {"arrays": {"a": None}},
        {"arrays": {"a": "0" * 64}},
        {"arrays": {}},
        {"metadata": None},
        {"metadata": [1]},
    ],
    ids=repr,
)
def test_documents_that_make_no_sense(path, changes):
    sealed(path, {"a": np.ones(2)}, **changes)
    refused(path, "it is|it should|its document")


def test_long_names_make_no_long_messages(path):
    sealed(path, arrays={"a" * 100_000: "0"})
    refused(path, "it should hold the arrays aaa")
    sealed(path, version=10**4000)
    refused(path, "format version 1000")


def test_a_missing_array_is_told(path):
    sealed(path, {"a": np.ones(1)}, arrays={"a": "0", "theta": "0"})
    refused(path, "it should hold the arrays a, theta")


def test_damage_is_told_with_its_place(path):
    write(path, {"theta": np.ones(100), "steps": np.ones(2)}, {"epoch": 3})
    good = path.read_bytes()
    path.write_bytes(good[:-1] + b"\1")
    refused(path, "damaged: the checksum of its array 'theta'")
    path.write_bytes(good[:-801] + b"\1" + good[-800:])
    refused(path, "damaged: the checksum of its array 'steps'")
    path.write_bytes(good.replace(b'epoch\\":3', b'epoch\\":4'))
    refused(path, "damaged: the checksum of its document")


SPOILT = {
    "overlap": lambda h: h["steps"].update(data_offsets=[8, 32]),
    "gap": lambda h: h["steps"].update(data_offsets=[56, 80]),
    "beyond": lambda h: h["steps"].update(data_offsets=[48, 2**62], shape=[2**59]),
    "backwards": lambda h: h["steps"].update(data_offsets=[72, 48]),
    "negative": lambda h: h["theta"].update(data_offsets=[-48, 0]),
    "negative shape": lambda h: h["theta"].update(shape=[-2, -3]),
    "huge shape": lambda h: h["theta"].update(shape=[2**62, 2**62]),
    "shape times zero": lambda h: h["theta"].update(shape=[2**62, 0]),
    "many axes": lambda h: h["theta"].update(shape=[6] + [1] * 100_000),
    "shape of floats": lambda h: h["theta"].update(shape=[6.0]),
    "shape of bools": lambda h: h["theta"].update(shape=[6, True]),
    "shape is text": lambda h: h["theta"].update(shape="6"),
    "one offset": lambda h: h["theta"].update(data_offsets=[0]),
    "no offsets": lambda h: h["theta"].pop("data_offsets"),
    "object dtype": lambda h: h["theta"].update(dtype="O"),
    "dtype is a list": lambda h: h["theta"].update(dtype=["F64"]),
    "BF16": lambda h: h["theta"].update(dtype="BF16"),
    "other dtype": lambda h: h["theta"].update(dtype="I64"),
    "reshaped": lambda h: h["theta"].update(shape=[2, 3]),
    "entry is a list": lambda h: h.update(theta=[]),
    "metadata is a list": lambda h: h.update(__metadata__=[]),
    "metadata of numbers": lambda h: h["__metadata__"].update(other=1),
    "no checksum": lambda h: h["__metadata__"].update(backprop_xp='{"format": "backprop_xp"}'),
    "no document": lambda h: h["__metadata__"].pop("backprop_xp"),
    "array gone": lambda h: h.pop("steps"),
    "array renamed": lambda h: h.update(weights=h.pop("theta")),
    "names exchanged": lambda h: h.update(theta=h["steps"], steps=h["theta"]),
    "a name of half a character": lambda h: h.update({"\ud800": h.pop("theta")}),
}


@pytest.mark.parametrize("name", SPOILT)
def test_spoilt_headers(path, header, name):
    spoilt, data = header
    SPOILT[name](spoilt)
    with_header(path, spoilt, data)
    refused(path, ".")


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 2**40, 10**8, 10**7, 10_000, 0, 1])
def test_a_header_of_another_length_costs_nothing(path, header, length, at_most):
    content = path.read_bytes()
    path.write_bytes(length.to_bytes(8, "little") + content[8:])
    with at_most(500_000):
        refused(path, ".")


def test_a_sparse_giant_costs_nothing(path, header, at_most):
    """Its size fits an array of half a terabyte, but its document knows of none."""
    spoilt, data = header
    spoilt["giant"] = {"dtype": "F64", "shape": [2**36], "data_offsets": [72, 72 + 2**39]}
    with_header(path, spoilt, data)
    try:
        os.truncate(path, path.stat().st_size + 2**39)
    except OSError:
        pytest.skip("no file of this size here")
    with at_most(500_000):
        refused(path, "it should hold the arrays")


@pytest.mark.skipif(not promises_only_what_it_has(), reason="this system promises any memory")
def test_arrays_beyond_the_memory_are_told(path, header, capfd):
    """An array of eight terabytes, of which the document knows, in a file that is mostly a hole."""
    giant = {"dtype": "F64", "shape": [2**40], "data_offsets": [0, 2**43]}
    text = files._seal(
        json.dumps(
            {
                "format": files.FORMAT,
                "version": files.VERSION,
                "arrays": {"giant": "0" * 64},
                "metadata": {},
            }
        )[:-1]
    )
    with_header(path, {"__metadata__": {"backprop_xp": text}, "giant": giant}, b"")
    try:
        os.truncate(path, path.stat().st_size + 2**43)
    except OSError:
        pytest.skip("no file of this size here")
    refused(path, "do not fit into memory")
    assert capfd.readouterr() == ("", "")


def test_a_file_that_becomes_shorter_while_it_is_read(path, monkeypatch):
    write(path, {"theta": np.ones(10_000)}, {})

    def shortened(file, name):
        os.truncate(path, 5_000)
        return container.read_array(file, name)

    monkeypatch.setattr(files, "read_array", shortened)
    refused(path, "cut or damaged")


def test_an_array_that_no_computer_holds(path):
    """No bytes in the file, but too many for NumPy's sizes."""
    entry = {"dtype": "F32", "shape": [0, 2**62, 2], "data_offsets": [0, 0]}
    metadata = header_of(sealed(path, {"a": np.ones(0)}))[0]["__metadata__"]
    with_header(path, {"__metadata__": metadata, "a": entry}, b"")
    refused(path, "array")


def test_trailing_bytes(path, header):
    with open(path, "ab") as file:
        file.write(b"\0")
    refused(path, "cut or damaged")


# -- import ------------------------------------------------------------------------------------


def test_importing_the_package_imports_no_format(tmp_path):
    code = "import sys, backprop_xp; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = run.stdout.split()
    assert not {"safetensors", "onnx", "backprop_xp.storage"} & set(loaded)
