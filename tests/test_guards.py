"""What a training step may cost, counted instead of timed: a slow change fails here."""

from __future__ import annotations

import tracemalloc
from collections import Counter

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.backends import recording
from backprop_xp.backends.numpy import EAGER_CALLS

TWO_LAYERS = ([30, 16, 1], "sigmoid")
# Forward 2, J 1 (and 1 for the sum over outputs), dW 2, db 2, dA 1.
PRODUCTS = {"sigmoid": 8, "softmax": 9}
# Bias and g 2, j 1, dZ[L] 1, g' 1, update 1; through softmax, three look at whole rows.
ELEMENTWISE = {"sigmoid": 6, "softmax": 3}
GENERAL = {"sigmoid": 0, "softmax": 3}


def counting(backend):
    """A backend like this one that counts what is asked of it, and runs steps eagerly."""

    class Counting(type(backend)):
        def __init__(self):
            self.calls = Counter()
            super().__init__()

        def _counted(self, kind, run):
            def counted(*arguments):
                self.calls[kind] += 1
                run(*arguments)

            return counted

        def matmul(self, a, b, out=None):
            self.calls["matmul"] += 1
            return super().matmul(a, b, out)

        def elementwise(self, kernel):
            return self._counted("elementwise", super().elementwise(kernel))

        def general(self, kernel):
            return self._counted("general", super().general(kernel))

        def empty(self, shape, dtype):
            self.calls["new array"] += 1
            return super().empty(shape, dtype)

        def full(self, shape, value, dtype):
            self.calls["new array"] += 1
            return super().full(shape, value, dtype)

        def to_numpy(self, a):
            self.calls["read by the host"] += 1
            return super().to_numpy(a)

        def compile(self, step):
            return step

    return Counting()


def batch(net, rows=8):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((rows, net.sizes[0]), dtype=np.float32)
    Y = np.eye(net.sizes[-1], dtype=np.float32)[rng.integers(net.sizes[-1], size=rows)]
    return net.backend.asarray(X), net.backend.asarray(Y)


@pytest.mark.parametrize("optimizer", [bp.SGD(0.1), bp.Adam(1e-3)], ids=["sgd", "adam"])
@pytest.mark.parametrize(("sizes", "output"), [TWO_LAYERS, ([30, 16, 3], "softmax")])
def test_what_a_step_asks_of_its_backend(backend, sizes, output, optimizer):
    """On a GPU every call is one launch: at most 20 for a step of two layers."""
    counted = counting(backend)
    net = bp.Network(sizes, "relu", output, backend=counted)
    step, (X, Y) = bp.train_step(net, optimizer), batch(net)
    step(X, Y)  # makes the arrays of this batch size
    counted.calls.clear()
    step(X, Y)
    assert counted.calls == Counter(
        matmul=PRODUCTS[output], elementwise=ELEMENTWISE[output], general=GENERAL[output]
    )
    assert sum(counted.calls.values()) <= 20


def test_a_step_reads_nothing_from_the_device(backend, monkeypatch):
    """Not through float(), bool() or int() either."""
    counted = counting(backend)
    net = bp.Network(*TWO_LAYERS[:1], "relu", backend=counted)
    step, (X, Y) = bp.train_step(net, bp.Adam(1e-3)), batch(net)
    step(X, Y)
    counted.calls.clear()
    if backend.name == "strict":

        def refuse(self):
            raise AssertionError("a value was read from the device")

        for method in ("__float__", "__bool__", "__int__", "__complex__", "__index__"):
            monkeypatch.setattr(backend.array_type, method, refuse)
    step(X, Y)
    assert counted.calls["read by the host"] == 0


@pytest.mark.parametrize(
    ("optimizer", "calls"), [(bp.SGD(0.1), 30), (bp.Adam(1e-3), 40)], ids=["sgd", "adam"]
)
def test_the_number_of_calls_in_a_recorded_step(monkeypatch, optimizer, calls):
    """NumPy's time on a small network is the number of its calls."""
    lines = []

    def noted(arguments, operations, scope, result):
        lines.append(operations)
        return compile_line(arguments, operations, scope, result)

    compile_line = recording.function
    monkeypatch.setattr(recording, "function", noted)
    net = bp.Network([2, 4, 1], "relu", "sigmoid", backend="numpy")
    step, (X, Y) = bp.train_step(net, optimizer), batch(net)
    for _ in range(EAGER_CALLS + 1):
        step(X, Y)
    (operations,) = lines
    assert len(operations) == calls


def test_a_recorded_step_allocates_no_array_of_the_size_of_a_batch():
    net = bp.Network([64, 256, 256, 10], "relu", "sigmoid", backend="numpy")
    step, (X, Y) = bp.train_step(net, bp.Adam(1e-3)), batch(net, rows=256)
    for _ in range(EAGER_CALLS + 1):
        step(X, Y)
    tracemalloc.start()
    try:
        step(X, Y)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # One activation has 256 KiB. Blocks of the update keep two temporaries of 128 KiB.
    assert peak < 2 * 4 * 32_768 + 16_384


def test_a_step_has_the_arrays_of_one_batch_size_once(backend):
    """Calls with two batch sizes in turn make two sets of arrays, and no more."""
    counted = counting(backend)
    net = bp.Network([30, 16, 1], "relu", backend=counted)
    step = bp.train_step(net, bp.SGD(0.1))
    for rows in (8, 5):
        step(*batch(net, rows))
    counted.calls.clear()
    for rows in (8, 5, 8):
        step(*batch(net, rows))
    assert counted.calls["new array"] == 0
