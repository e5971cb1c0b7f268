"""Rows that a model was trained on are told from new ones."""

from __future__ import annotations

import json

import numpy as np
import pytest

from backprop_xp.tables.known_rows import KnownRows


def rows(rng, count, features=5):
    return rng.normal(size=(count, features)).astype("float32")


def test_all_of_few_rows_are_known(rng):
    X = rows(rng, 100)
    known = KnownRows.of(X)
    assert known.complete
    assert known.share(X[:7]) == 1.0
    assert known.share(rows(rng, 100)) == 0.0
    mixed = np.concatenate([X[:30], rows(rng, 90)])
    assert known.share(rng.permutation(mixed)) == 0.25


def test_of_many_rows_the_share_is_estimated(rng):
    X = rows(rng, 20_000)
    known = KnownRows.of(X)
    assert not known.complete
    assert len(known.hashes) == 2048
    assert known.share(X) == 1.0
    assert known.share(rows(rng, 20_000)) == 0.0
    mixed = np.concatenate([X[:5000], rows(rng, 5000)])
    assert known.share(mixed) == pytest.approx(0.5, abs=0.08)
    assert known.share(np.zeros((0, 5), "float32")) == 0.0


def test_where_most_rows_are_alike_nothing_is_known(rng):
    assert KnownRows.of(rng.integers(2, size=(100, 3)).astype("float32")) is None
    some = rows(rng, 100)
    some[:9] = some[9]
    assert KnownRows.of(some) is not None


def test_the_hashes_are_the_same_everywhere_and_travel_in_json(rng):
    """The numbers themselves: a model of one machine is asked on another, of any byte order."""
    X = np.array([[0.0, 1.0], [2.5, -3.0]], dtype="float32")
    known = KnownRows.of(X)
    assert known.hashes == (1862376475507190, 3494456932788754)
    assert KnownRows.of(X.astype(">f4")) == known
    assert KnownRows.of(np.asfortranarray(X)) == known
    assert KnownRows.of(np.where(X == 0, np.float32(-0.0), X)) == known
    assert KnownRows.restored(json.loads(json.dumps(known.hashes))) == known


@pytest.mark.parametrize("hashes", [None, [], [1.5], [-1], ["1"], [2**53], [1] * 3000, {"a": 1}])
def test_what_cannot_be_hashes(hashes):
    with pytest.raises(ValueError, match="its training rows are no hashes"):
        KnownRows.restored(hashes)
