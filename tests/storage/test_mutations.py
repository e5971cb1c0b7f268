"""Two thousand damaged files: each is refused, or what is read is exactly what was written."""

from __future__ import annotations

import random

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.storage import read, write

EACH = 250  # of eight kinds


def truncate(rng, content, other):
    return content[: rng.randrange(len(content))]


def flip(rng, content, other):
    spoilt = bytearray(content)
    for _ in range(rng.choice([1, 1, 1, 2, 8, 64])):
        spoilt[rng.randrange(len(spoilt))] ^= 1 << rng.randrange(8)
    return bytes(spoilt)


def flip_in_header(rng, content, other):
    """Where most of what is believed stands."""
    length = 8 + int.from_bytes(content[:8], "little")
    return flip(rng, content[:length], other) + content[length:]


def insert(rng, content, other):
    at = rng.randrange(len(content) + 1)
    return content[:at] + rng.randbytes(rng.choice([1, 1, 8, 1000])) + content[at:]


def delete(rng, content, other):
    at = rng.randrange(len(content))
    return content[:at] + content[at + rng.choice([1, 1, 8, 100]) :]


def duplicate(rng, content, other):
    begin, end = sorted(rng.choices(range(len(content) + 1), k=2))
    return content[:end] + content[begin:end] + content[end:]


def splice(rng, content, other):
    """The beginning of one file and the end of another, cut at the same place or anywhere."""
    at = rng.randrange(len(content))
    return content[:at] + other[rng.choice([at, rng.randrange(len(other))]) :]


def overwrite_length(rng, content, other):
    huge = rng.choice([rng.getrandbits(64), rng.getrandbits(32), 2**63, 2**64 - 1, 2**31, 2**27])
    near = max(0, int.from_bytes(content[:8], "little") + rng.randrange(-16, 16))
    return rng.choice([huge, near]).to_bytes(8, "little") + content[8:]


MUTATIONS = (
    truncate,
    flip,
    flip_in_header,
    insert,
    delete,
    duplicate,
    splice,
    overwrite_length,
)


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """Real files: two checkpoints of one run, and two networks; their bytes and their content."""
    directory = tmp_path_factory.mktemp("originals")
    rng = np.random.default_rng(5)
    files = []
    for epoch in (3, 4):
        path = directory / f"checkpoint-{epoch}.safetensors"
        arrays = {name: rng.normal(size=61).astype("f4") for name in ("theta", "slot.0", "slot.1")}
        arrays["order"] = rng.permutation(100)
        history = {"loss": rng.normal(size=epoch).tolist(), "validation_loss": [float("inf")]}
        metadata = {"epoch": epoch, "rng": rng.bit_generator.state, "history": history}
        write(path, arrays, metadata)
        files.append((path.read_bytes(), read(path)))
    for seed in (1, 2):
        path = directory / f"network-{seed}.safetensors"
        bp.Network([4, 8, 3], output="softmax", seed=seed, l2=0.1, backend="numpy").save(path)
        files.append((path.read_bytes(), read(path)))
    return files


def content_of(path):
    """What is read; None if it is refused. Any other exception is a failure."""
    try:
        return read(path)
    except bp.CheckpointError:
        return None


def equal(content, wanted):
    arrays, metadata = content
    return metadata == wanted[1] and all(
        arrays[name].tobytes() == array.tobytes()
        and (arrays[name].dtype, arrays[name].shape) == (array.dtype, array.shape)
        for name, array in wanted[0].items()
    )


@pytest.mark.parametrize("mutate", MUTATIONS)
def test_every_mutation_is_refused_or_changes_nothing(
    mutate, originals, tmp_path, at_most, record_property
):
    path = tmp_path / "mutated.safetensors"
    refused = unchanged = 0
    for seed in range(EACH):
        rng = random.Random(f"{mutate.__name__} {seed}")
        number = rng.randrange(len(originals))
        content, wanted = originals[number]
        spoilt = mutate(rng, content, originals[number ^ 1][0])
        path.write_bytes(spoilt)
        with at_most(100_000 + 20 * len(spoilt)):
            found = content_of(path)
        if found is None:
            refused += 1
            continue
        # A splice may be the other file as a whole; all else is the content, or refused.
        same_again = spoilt == originals[number ^ 1][0] and equal(found, originals[number ^ 1][1])
        assert equal(found, wanted) or same_again, f"seed {seed}: other content was read"
        unchanged += 1
    record_property("refused", refused)
    record_property("unchanged", unchanged)
    print(f"{mutate.__name__}: {refused} refused, {unchanged} read with the content unchanged")
    assert refused >= 0.9 * EACH
    assert refused + unchanged == EACH


def test_every_byte_counts(tmp_path):
    """Not a sample: one bit of each byte of a small file is flipped, and is always found."""
    path = tmp_path / "file.safetensors"
    write(path, {"theta": np.arange(4.0)}, {"epoch": 3})
    content, rng = path.read_bytes(), random.Random(1)
    for byte in range(len(content)):
        spoilt = bytearray(content)
        spoilt[byte] ^= 1 << rng.randrange(8)
        path.write_bytes(spoilt)
        assert content_of(path) is None, f"byte {byte}"
