"""The step as a CUDA graph: needs a GPU."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import backprop_xp as bp

NETWORKS = [
    ([30, 64, 1], "tanh", "sigmoid", None, {}),
    ([20, 32, 16, 10], "relu", "softmax", None, {}),
    ([20, 32, 3], "gelu", "softmax", "squared_error", {"l2": 0.1, "l1": 0.01}),
    ([20, 32, 2], "silu", "softplus", "poisson", {}),
]


@pytest.fixture
def cupy_backend(request):
    try:
        return bp.get_backend("cupy")
    except bp.BackendError as problem:
        if "cupy" in request.config.getoption("--require-backend"):
            pytest.fail(str(problem))
        pytest.skip(str(problem))


@pytest.mark.parametrize("optimizer", [bp.SGD(0.05), bp.Adam(1e-3)], ids=["sgd", "adam"])
@pytest.mark.parametrize(("sizes", "hidden", "output", "loss", "penalties"), NETWORKS)
def test_a_replayed_step_is_the_eager_one_bit_for_bit(
    cupy_backend, rng, sizes, hidden, output, loss, penalties, optimizer
):
    net = bp.Network(sizes, hidden, output, loss, backend=cupy_backend, **penalties)
    eager = copy.deepcopy(net)
    step = bp.train_step(net, optimizer)
    for i in range(100):
        rows = (16, 7, 64)[i % 3]
        X = rng.standard_normal((rows, sizes[0]), dtype=np.float32)
        Y = np.eye(sizes[-1], dtype=np.float32)[rng.integers(sizes[-1], size=rows)]
        X, Y = cupy_backend.asarray(X), cupy_backend.asarray(Y)
        J = step(X, Y)
        trace = eager.forward(X)
        assert float(eager.cost(trace, Y)) == float(J)
        optimizer.update(eager, eager.backward(trace, Y))
    assert np.array_equal(cupy_backend.to_numpy(net.theta), cupy_backend.to_numpy(eager.theta))


def test_steps_are_captured(cupy_backend, rng, caplog):
    """Every batch size gets its graph, and nothing is said to run eagerly."""
    pytest.importorskip("nvmath")
    net = bp.Network([30, 16, 1], backend=cupy_backend)
    step = bp.train_step(net, bp.Adam(1e-3))
    for rows in (8, 5, 8, 5):
        X = cupy_backend.asarray(rng.standard_normal((rows, 30), dtype=np.float32))
        step(X, cupy_backend.full((rows, 1), 1.0, "float32"))
    graphs = [captured.graph for captured in step._run._captured.values()]
    assert len(graphs) == 2
    assert None not in graphs
    assert not caplog.records
