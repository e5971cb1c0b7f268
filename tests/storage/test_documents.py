"""JSON documents: what comes back, and what is refused."""

from __future__ import annotations

import json
import math
import struct

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.storage.documents import decode, encode


def bits(number):
    return struct.pack("<d", number)


def test_floats_come_back_to_the_last_bit(rng):
    random = np.frombuffer(rng.bytes(80_000), np.float64)
    extremes = [0.0, -0.0, 5e-324, -2.2e-308, 1.7976931348623157e308, 0.1, math.inf, -math.inf]
    numbers = [float(x) for x in random if not math.isnan(x)] + extremes
    back = decode(encode({"loss": numbers}))["loss"]
    assert list(map(bits, back)) == list(map(bits, numbers))


def test_nan_comes_back():
    assert math.isnan(decode(encode({"a": {"b": [float("nan")]}}))["a"]["b"][0])


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        0,
        -1,
        2**128 - 1,
        -(2**200),
        "",
        "θ \n\0 \"'\\ 🂡",
        "\ud800",
        [],
        {},
        [[{}]],
    ],
    ids=repr,
)
def test_the_same_comes_back(value):
    back = decode(encode({"key": value}))["key"]
    assert back == value
    assert type(back) is type(value)


def test_the_state_of_a_generator_comes_back():
    rng = np.random.default_rng(3)
    rng.normal(size=5)
    other = np.random.default_rng()
    other.bit_generator.state = decode(encode(rng.bit_generator.state))
    assert rng.bytes(64) == other.bytes(64)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ((1, (2, 3)), [1, [2, 3]]),
        (np.float64(0.1), 0.1),
        (np.float32(0.1), float(np.float32(0.1))),
        (np.float32("inf"), math.inf),
        (np.int64(-5), -5),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.bool_(True), True),
        (np.str_("text"), "text"),
        (np.array(3), 3),
    ],
    ids=repr,
)
def test_numpy_scalars_and_tuples_become_pythons_own(given, wanted):
    back = decode(encode({"key": given}))["key"]
    assert back == wanted
    assert type(back) is type(wanted)


def test_the_text_is_ascii_and_strict_json():
    text = encode({"θ": [math.nan, math.inf], "b": "ü"})
    assert text.isascii()

    def refuse(constant):
        raise AssertionError(constant)

    assert json.loads(text, parse_constant=refuse)["b"] == "ü"


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ({"a": {"b": [1, {2}]}}, "a.b.1"),
        ({"a": np.ones(2)}, "a"),
        ({"a": b"bytes"}, "a"),
        ({"a": 1j}, "a"),
        ({"a": {3: 1}}, "a.3"),
        ({"a": {"$float": "inf"}}, "a.'$float'"),
        ({"a": np.datetime64("2020-01-01")}, "a"),
        ({"a": object}, "a"),
    ],
    ids=lambda x: repr(x)[:30],
)
def test_what_json_cannot_hold_is_refused_with_its_place(document, where):
    with pytest.raises(bp.CheckpointError) as refusal:
        encode(document)
    assert str(refusal.value).startswith(where)


def test_a_document_of_too_many_parts_is_neither_written_nor_read():
    with pytest.raises(bp.CheckpointError, match="lists and dicts at most"):
        encode({"a": [[]] * 500_000})
    with pytest.raises(bp.CheckpointError, match="lists and dicts at most"):
        decode('{"a":[' + "[]," * 10_000_000 + "[]]}")
    assert decode(encode({"a": [[]] * 400_000}))


def test_a_document_within_itself_is_refused():
    document = {}
    document["again"] = document
    with pytest.raises(bp.CheckpointError, match="nested"):
        encode(document)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "3",
        "null",
        '"text"',
        "{'a': 1}",
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": 1, "a": 1}',
        '{"a": {"b": 1, "c": 2, "b": 1}}',
        '{"a": 1} {}',
        '{"a": {"$float": "1"}}',
        '{"a": {"$float": ["nan"]}}',
        '{"a": {"$float": "nan", "b": 1}}',
        '{"a": {"$other": 1}}',
        '{"$float": "nan"}',
        '{"a": ' + "9" * 10_000 + "}",
        '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        "[" * 1_000_000,
    ],
    ids=lambda text: f"{text[:20]}…{len(text)}",
)
def test_what_is_no_strict_json_mapping_is_refused(text):
    with pytest.raises(bp.CheckpointError):
        decode(text)
