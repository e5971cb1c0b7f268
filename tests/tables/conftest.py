"""Tables of mixed columns, with known answers."""

from __future__ import annotations

import numpy as np
import pytest

import backprop_xp as bp


@pytest.fixture
def mixed(rng):
    """60 rows: numbers, text and booleans with missing values, and a target."""
    pd = pytest.importorskip("pandas")
    m = 60
    frame = pd.DataFrame(
        {
            "size": rng.normal(5.0, 2.0, m),
            "count": rng.integers(0, 9, m),
            "colour": rng.choice(["red", "green", "blue"], m),
            "open": rng.choice([True, False], m),
        }
    )
    score = frame["size"] - 5.0 + 3.0 * (frame["colour"] == "red")
    frame["price"] = 100.0 + 10.0 * score + rng.normal(0.0, 1.0, m)
    frame["sold"] = np.where(score > 0.5, "yes", "no")
    frame.loc[[3, 17], "size"] = np.nan
    frame.loc[[5], "colour"] = None
    return frame


@pytest.fixture
def write(tmp_path):
    """Write bytes or text into a file of this test."""

    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture
def refused():
    """Read a file that cannot be read, and return the one line that says why."""
    from backprop_xp.tables.reading import read_table

    def message(path):
        with pytest.raises(bp.BackpropError) as refusal:
            read_table(path)
        text = str(refusal.value)
        assert "\n" not in text
        return text

    return message
