"""Tables of mixed columns, with known answers."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def mixed(rng):
    """60 rows: numbers, text and booleans with missing values, and a target."""
    pd = pytest.importorskip("pandas")
    pytest.importorskip("sklearn")
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
