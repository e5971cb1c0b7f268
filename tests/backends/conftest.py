"""CuPy alone, for tests of what only it has."""

from __future__ import annotations

import pytest

import backprop_xp as bp


@pytest.fixture
def cupy_backend(request):
    """CuPy's backend; without a device the test is skipped, or fails if CuPy is required."""
    try:
        return bp.get_backend("cupy")
    except bp.BackendError as problem:
        if "cupy" in request.config.getoption("--require-backend"):
            pytest.fail(str(problem))
        pytest.skip(str(problem))
