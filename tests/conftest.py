"""One fixture, `backend`, runs a test on every backend that is usable here.

Without BACKEND: numpy, numba, strict and cupy; an unusable one is skipped with its reason. With
BACKEND: that one alone, and it must be usable. `--require-backend=cupy` turns the skip into a
failure.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.backends import survey

NAMES = ("numpy", "numba", "strict", "cupy")
CHOSEN = os.environ.get("BACKEND", "").strip()
if CHOSEN and CHOSEN not in NAMES:
    raise pytest.UsageError(f"BACKEND={CHOSEN}: expected one of {', '.join(NAMES)}")

# Compiled steps of one run of the tests serve the next.
os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(__file__).parents[1] / ".pytest_cache" / "numba"))

# Comparisons with PyTorch and scikit-learn have a nox session of their own, tests-peers.
collect_ignore = [] if importlib.util.find_spec("torch") else ["peers"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-backend",
        action="append",
        default=[],
        metavar="NAME",
        help="fail, instead of skipping, where this backend is not usable",
    )
    parser.addoption(
        "--require-browser",
        action="store_true",
        help="fail, instead of skipping, where there is no browser for tests/page",
    )


def pytest_report_header() -> list[str]:
    """Say once what the tests run on, and why not on the rest."""
    return [
        f"backend {status.name}: {'' if status.usable else 'skipped, '}{status.detail}"
        for status in survey()
        if status.name in (CHOSEN or NAMES)
    ]


@pytest.fixture(params=[CHOSEN] if CHOSEN else NAMES)
def backend(request: pytest.FixtureRequest) -> bp.Backend:
    """Each backend in turn."""
    try:
        return bp.get_backend(request.param)
    except bp.BackendError as problem:
        required = {CHOSEN, *request.config.getoption("--require-backend")}
        if request.param in required:
            pytest.fail(str(problem))
        pytest.skip(str(problem))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)
