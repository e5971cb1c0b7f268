"""Defaults: sizes that follow from the number of rows."""

from __future__ import annotations

import pytest

from backprop_xp.tables.defaults import default_batch_size, default_epochs, default_l2


@pytest.mark.parametrize(
    ("rows", "batch_size", "epochs", "l2"),
    [
        (1, 32, 200, 5.0),
        (320, 32, 200, 5 / 320),
        (321, 32, 182, 5 / 321),
        (410, 32, 154, 5 / 410),
        (9_999, 32, 20, 5 / 9_999),
        (10_000, 128, 26, 5e-4),
        (1_000_000, 128, 20, 5e-6),
    ],
)
def test_sizes_of_small_and_large_tables(rows, batch_size, epochs, l2):
    assert default_batch_size(rows) == batch_size
    assert default_epochs(rows, batch_size) == epochs
    assert default_l2(rows) == pytest.approx(l2)


def test_a_batch_size_that_will_be_refused_is_no_other_error():
    assert default_epochs(100, 0) == 20
