"""The step as a CUDA graph, on a GPU or an emulated one."""

from __future__ import annotations

import copy
import gc
import threading

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.maths.activations import ACTIVATIONS
from backprop_xp.maths.losses import LOSSES

cupy = pytest.importorskip("cupy")

NETWORKS = [
    ([30, 64, 1], "tanh", "sigmoid", None, {}),
    ([20, 32, 16, 10], "relu", "softmax", None, {}),
    ([20, 32, 3], "gelu", "softmax", "squared_error", {"l2": 0.1, "l1": 0.01}),
    ([20, 32, 2], "silu", "softplus", "poisson", {}),
]


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


def host_data(rng, net, rows):
    X = rng.standard_normal((rows, net.sizes[0]), dtype=np.float32)
    Y = np.eye(net.sizes[-1], dtype=np.float32)[rng.integers(net.sizes[-1], size=rows)]
    return X, Y


def on(backend, *arrays):
    return [backend.asarray(array) for array in arrays]


def test_steps_are_captured(cupy_backend, rng, caplog):
    """Every batch size gets its graph, and nothing is said to run eagerly."""
    net = bp.Network([30, 16, 1], backend=cupy_backend)
    step = bp.train_step(net, bp.Adam(1e-3))
    for rows in (8, 5, 8, 5):
        step(*on(cupy_backend, *host_data(rng, net, rows)))
    graphs = [captured.graph._graph for captured in step._run._captured.values()]
    assert len(graphs) == 2
    assert None not in graphs
    assert not caplog.records


LIBRARY = [(g, "identity", "absolute_error") for g in ("relu", "gelu")] + [
    ("tanh", output.name, loss.name)
    for loss in LOSSES.values()
    for output in ACTIVATIONS.values()
    if not loss.outputs or output in loss.outputs
]


@pytest.mark.parametrize(("hidden", "output", "loss"), LIBRARY)
def test_nothing_of_the_library_keeps_a_step_from_being_captured(
    cupy_backend, rng, caplog, hidden, output, loss
):
    options = {"l1": 0.1, "l2": 0.1, "dropout": 0.5, "backend": cupy_backend}
    net = bp.Network([5, 4, 3], hidden, output, loss, **options)
    X, Y = host_data(rng, net, 10)
    bp.fit(net, X, Y, epochs=3, batch_size=4, sample_weight=np.ones(10), clip_norm=1.0)
    step = bp.train_step(net, bp.AdamW(1e-3), clip_norm=1.0)
    for _ in range(3):
        step(*on(cupy_backend, X, Y))
    assert not step._run._eager
    assert not caplog.records


# -- memory that graphs use is theirs ----------------------------------------------------------


def agrees_with_numpy(cupy_backend, batches, sizes, optimizer, weights=None, **options):
    """Take the same steps on NumPy, and compare J of each and the weights."""
    nets = [bp.Network(sizes, "tanh", backend=b, **options) for b in ("numpy", cupy_backend)]
    steps = [bp.train_step(net, optimizer) for net in nets]
    for X, Y in batches:
        more = () if weights is None else (weights[: len(X)],)
        losses = [
            net.backend.to_numpy(step(*on(net.backend, X, Y, *more)))
            for net, step in zip(nets, steps, strict=True)
        ]
        assert np.allclose(losses[0], losses[1], rtol=1e-4)
    theta, expected = (net.backend.to_numpy(net.theta) for net in nets)
    assert np.allclose(theta, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("penalties", [{}, {"l2": 0.1}, {"l1": 0.01}, {"l2": 0.1, "l1": 0.01}])
@pytest.mark.parametrize("optimizer", [bp.SGD(0.1), bp.Adam(1e-2)], ids=["sgd", "adam"])
def test_a_short_last_batch(cupy_backend, rng, optimizer, penalties):
    """Temporaries of one graph must not be where the arrays of another batch size are."""
    X = rng.standard_normal((569, 30), dtype=np.float32)
    Y = rng.integers(2, size=(569, 1)).astype("f4")
    epoch = [(X[i : i + 200], Y[i : i + 200]) for i in (0, 200, 400)]
    agrees_with_numpy(cupy_backend, epoch * 5, [30, 8, 1], optimizer, **penalties)


@pytest.mark.parametrize("options", [{"members": 3}, {"members": 3, "l2": [0.0, 0.1, 0.2]}])
def test_a_population_with_batches_of_three_sizes(cupy_backend, rng, options):
    X = rng.standard_normal((60, 5), dtype=np.float32)
    Y = rng.integers(2, size=(60, 1)).astype("f4")
    batches = [(X[:n], Y[:n]) for n in (20, 7, 60, 20, 7, 60, 20, 7, 60, 7, 20)]
    agrees_with_numpy(cupy_backend, batches, [5, 4, 1], bp.Adam(1e-2), **options)
    weights = rng.random((60, 1)).astype("f4")
    agrees_with_numpy(cupy_backend, batches, [5, 4, 1], bp.SGD(0.1), weights, **options)


def test_eager_calls_and_a_second_network_in_between(cupy_backend, rng):
    """What they allocate, keep and give back is not what the graphs use."""
    X, Y = rng.standard_normal((40, 30), dtype=np.float32), rng.integers(2, size=(40, 1))
    batches = [(X[:n], Y[:n].astype("f4")) for n in (40, 24, 40, 24, 40, 24)]
    expected = None
    for disturbed in (False, True):
        net = bp.Network([30, 16, 1], l2=0.1, seed=0, backend=cupy_backend)
        other = bp.Network([30, 16, 1], l2=0.1, seed=1, backend=cupy_backend)
        step, another = (bp.train_step(n, bp.Adam(1e-2)) for n in (net, other))
        kept = []
        for i, batch in enumerate(batches * 2):
            step(*on(cupy_backend, *batch))
            if disturbed:
                X, Y = on(cupy_backend, *batch)
                trace = other.forward(X)
                kept.append((trace, other.backward(trace, Y), other.predict(X)))
                another(X, Y)
                other.cost(trace, Y)
                kept = kept[-2:] if i % 3 else []
        theta = cupy_backend.to_numpy(net.theta)
        expected = theta if expected is None else expected
    assert np.array_equal(theta, expected)


def test_a_result_outlives_its_step(cupy_backend, rng):
    net = bp.Network([30, 16, 1], seed=0, backend=cupy_backend)
    X, Y = on(cupy_backend, *host_data(rng, net, 8))
    step = bp.train_step(net, bp.SGD(0.1))
    losses = [step(X, Y) for _ in range(4)]
    theta = net.theta
    del step, net
    gc.collect()
    filled = [cupy_backend.full((4096,), np.nan, "float32") for _ in range(64)]
    values = [float(J) for J in losses]
    assert np.isfinite(values).all()
    assert values == sorted(values, reverse=True)
    assert np.isfinite(cupy_backend.to_numpy(theta)).all()
    del filled


def free_memory(backend):
    gc.collect()
    backend.synchronize()
    cupy.get_default_memory_pool().free_all_blocks()
    return cupy.cuda.runtime.memGetInfo()[0]


ROUNDS = 10  # other processes may use the device too, and disturb some of them


def test_a_graph_whose_step_is_gone_gives_its_memory_back(cupy_backend, rng):
    net = bp.Network([64, 128, 1], seed=0, backend=cupy_backend)
    X, Y = host_data(rng, net, 256)
    held, lost = [], []
    for _ in range(ROUNDS):
        before = free_memory(cupy_backend)
        step = bp.train_step(net, bp.SGD(0.1))
        for rows in (256, 100, 256, 100, 256):
            step(*on(cupy_backend, X[:rows], Y[:rows]))
        held.append(before - free_memory(cupy_backend))
        del step
        lost.append(before - free_memory(cupy_backend))
    # A batch, its Z, A and dZ, and what a pool rounds up; and the workspace of cuBLAS.
    assert min(held) < 2 * (5 * 4 * 256 * (64 + 128 + 1) + 8 * 2**20) + 33 * 2**20
    assert min(lost[1:]) < 2**20


# -- work that cannot be captured --------------------------------------------------------------


def reading(xp, z):
    """An activation that reads a value on the host, which no graph can do."""
    return z * (1.0 if float(xp.max(xp.abs(z))) >= 0.0 else 0.0)


def test_a_step_that_cannot_be_captured_goes_on_eagerly(cupy_backend, rng, caplog, monkeypatch):
    """The message is that of what went wrong, not of how the capture ended."""
    g = bp.Activation("reading", reading, lambda xp, z, a: z * 0.0 + 1.0)
    monkeypatch.setattr(cupy_backend, "elementwise", cupy_backend.general)  # nor can it be fused
    net = bp.Network([5, 4, 1], g, seed=0, backend=cupy_backend)
    twin = bp.Network([5, 4, 1], "identity", seed=0, backend="numpy")
    step, other = bp.train_step(net, bp.SGD(0.1)), bp.train_step(twin, bp.SGD(0.1))
    for rows in (8, 8, 8, 6, 6, 8):
        X, Y = host_data(rng, net, rows)
        J, expected = step(*on(cupy_backend, X, Y)), other(X, Y)
        assert np.isclose(float(J), float(expected), rtol=1e-4)
    (record,) = caplog.records
    assert "without a CUDA graph" in record.message
    assert "end_capture" not in record.message
    assert "capturing, so D2H transfers are disallowed" in record.message
    # The device is as it was: another step is captured.
    after = bp.train_step(bp.Network([5, 4, 1], backend=cupy_backend), bp.SGD(0.1))
    for _ in range(3):
        after(*on(cupy_backend, X, Y))
    assert not after._run._eager
    assert len(caplog.records) == 1


@pytest.mark.parametrize("call", [1, 2], ids=["while it runs", "while it is captured"])
@pytest.mark.parametrize("problem", [KeyboardInterrupt, MemoryError])
def test_an_interrupted_step_can_be_taken_again(cupy_backend, rng, problem, call):
    net = bp.Network([5, 4, 1], seed=0, backend=cupy_backend)
    twin = bp.Network([5, 4, 1], seed=0, backend=cupy_backend)
    step, other = (bp.train_step(n, bp.SGD(0.1)) for n in (net, twin))
    X, Y = on(cupy_backend, *host_data(rng, net, 8))
    calls, propagate = [], net.propagate

    def interrupted(trace):
        calls.append(trace)
        if len(calls) == call:
            raise problem
        propagate(trace)

    net.propagate = interrupted
    raised = 0
    for _ in range(5):
        try:
            step(X, Y)
        except problem:
            raised += 1
            step(X, Y)
        other(X, Y)
    # An error of the capture alone is no reason to stop: the step then runs eagerly.
    assert raised == (0 if (call, problem) == (2, MemoryError) else 1)
    assert np.array_equal(cupy_backend.to_numpy(net.theta), cupy_backend.to_numpy(twin.theta))


# -- what a step costs, counted on the device --------------------------------------------------


def launches(graph):
    """The number of a graph's nodes, which follow each other; a pool may fill what it hands out."""
    nodes = graph._graph.debug_dot_str()
    return nodes.count("->") + 1 - nodes.lower().count("memset")


@pytest.fixture
def own_launches(cupy_backend, monkeypatch):
    """How many of a graph's launches are ours: cuBLAS may take more than one for a product."""
    cublas, products = cupy_backend._cublas, []
    matmul = cublas.matmul

    def noted(a, b, out):
        if cupy.cuda.get_current_stream().is_capturing():
            products.append((a, b, out))
        return matmul(a, b, out)

    def more_than_one(product):
        with cupy.cuda.Stream(non_blocking=True) as stream:
            matmul(*product)  # this stream has its workspace now
            stream.synchronize()
            stream.begin_capture()
            matmul(*product)
            return stream.end_capture().debug_dot_str().count("->")

    monkeypatch.setattr(cublas, "matmul", noted)

    def count(graph):
        assert len(products) == 8  # Z, dW and db of two layers, dA[1], and the mean of the losses
        return launches(graph) - sum(map(more_than_one, products))

    return count


class Allocations(cupy.cuda.MemoryHook):
    """Counts what is asked of the device, and of CuPy's pool."""

    name = "allocations"

    def __init__(self):
        self.of_device, self.of_pool = 0, []

    def alloc_preprocess(self, **_):
        self.of_device += 1

    def malloc_preprocess(self, **given):
        self.of_pool.append(given["size"])


@pytest.mark.parametrize("weighted", [False, True])
def test_launches_and_allocations_of_a_replayed_step(
    cupy_backend, rng, monkeypatch, own_launches, weighted
):
    net = bp.Network([30, 16, 1], "relu", backend=cupy_backend)
    step = bp.train_step(net, bp.Adam(1e-3))
    batch = on(cupy_backend, *host_data(rng, net, 8))
    batch += [cupy_backend.full((8,), 1.0, "float64")] if weighted else []
    for _ in range(3):
        step(*batch)
    (captured,) = step._run._captured.values()
    # The way forward and back, J and the update are 14; the shares wᵢ/Σw of any weights are 8 more.
    assert own_launches(captured.graph) == (22 if weighted else 14)
    for method in ("get", "__float__", "__bool__", "__int__", "__index__", "item", "tolist"):

        def refuse(*_, **__):
            raise AssertionError("a value was read from the device")

        monkeypatch.setattr(cupy.ndarray, method, refuse, raising=False)
    with Allocations() as noted:
        for _ in range(5):
            step(*batch)
    assert noted.of_device == 0
    assert noted.of_pool == [4] * 5  # J, which is the caller's


def test_a_workspace_belongs_to_one_stream(cupy_backend, rng):
    """Products on two streams at once must not share the memory that cuBLAS works in."""
    a = cupy_backend.asarray(rng.standard_normal((128, 128), dtype=np.float32))
    streams = [cupy.cuda.Stream(non_blocking=True) for _ in range(2)]
    used = []
    cupy_backend.synchronize()
    for stream in streams * 2:
        with stream:
            cupy_backend.matmul(a, a)
            handle = cupy_backend._cublas.handle
            used.append({handle.workspace.data.ptr, handle.parts.data.ptr})
        stream.synchronize()
    assert len(used[0] | used[1]) == 4
    assert used[:2] == used[2:]
    del streams, stream
    gc.collect()
    cupy_backend.matmul(a, a)


def test_threads_have_handles_of_their_own(cupy_backend, rng):
    a = rng.standard_normal((32, 32), dtype=np.float32)
    expected, wrong = a @ a, []

    def work():
        net = bp.Network([32, 16, 1], seed=0, backend=cupy_backend)
        step, array = bp.train_step(net, bp.SGD(0.1)), cupy_backend.asarray(a)
        Y = cupy_backend.full((32, 1), 1.0, "float32")
        for _ in range(10):
            step(array, Y)
            product = cupy_backend.to_numpy(cupy_backend.matmul(array, array))
            if not np.allclose(product, expected, rtol=1e-4, atol=1e-4):
                wrong.append(product)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_what_a_step_of_fit_costs(cupy_backend, rng, monkeypatch, own_launches):
    """One launch of the host's: gathering X and Y, reading α …, keeping J and counting on are 5."""
    from backprop_xp.data.batches import Batches
    from backprop_xp.data.rows import DeviceRows
    from backprop_xp.training.step_loop import step_loop

    net = bp.Network([30, 16, 1], "relu", backend=cupy_backend)
    step = bp.train_step(net, bp.Adam(1e-3))
    rows = [DeviceRows(cupy_backend, array) for array in on(cupy_backend, *host_data(rng, net, 84))]
    epoch = Batches(cupy_backend, *rows, 8, np.random.default_rng(0)).epoch()
    loop = step_loop(step, epoch)
    loop.begin(epoch)
    for _ in range(2):
        loop.take(0, 10, lambda number: None)
    graph = loop._loop._of_rows[8]._graph
    assert own_launches(graph) == 14 + 5

    launched, run = [], type(graph).run
    monkeypatch.setattr(type(graph), "run", lambda self: launched.append(self) or run(self))
    with Allocations() as noted:
        loop.take(0, 10, lambda number: None)
    assert launched == [graph] * 10
    assert noted.of_device == 0
    assert noted.of_pool == []


def test_a_loop_gives_its_memory_back(cupy_backend, rng):
    X, Y = rng.standard_normal((500, 64), dtype=np.float32), rng.integers(2, size=500)
    net = bp.Network([64, 128, 1], seed=0, backend=cupy_backend)
    lost = []
    for _ in range(ROUNDS):
        before = free_memory(cupy_backend)
        bp.fit(net, X, Y, epochs=2, batch_size=64)
        lost.append(before - free_memory(cupy_backend))
    assert min(lost[1:]) < 2**20
