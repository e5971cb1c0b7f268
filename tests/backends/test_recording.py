"""NumPy's fused kernels and recorded steps: the same values, to the last bit, and no surprises."""

from __future__ import annotations

import copy
import re

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.backends import fusion
from backprop_xp.backends.blocks import BLOCK, SHARED_SIZE
from backprop_xp.backends.numpy import EAGER_CALLS
from backprop_xp.maths import kernels
from backprop_xp.maths.activations import ACTIVATIONS, SOFTMAX

ELEMENTWISE = [g for g in ACTIVATIONS.values() if g.elementwise]
SHAPES = [
    (1, 1), (5, 7), (300, 200), (3, 100, 200), (1, 2 * BLOCK + 3), (2, 3, BLOCK + 1),
    (1025, SHARED_SIZE // 1024),
]  # fmt: skip
SINE = bp.Activation("sine", lambda xp, z: xp.sin(z), lambda xp, z, a: xp.cos(z))
# NumPy's cbrt is a ufunc, but not one of the namespace's: it cannot be traced through __array__.
CUBE_ROOT = bp.Activation(
    "cube root", lambda xp, z: np.cbrt(z), lambda xp, z, a: 1.0 / (3.0 * a * a + 0.1)
)
# A scalar of NumPy has a dtype of its own: in float32 the product is one in float64.
DOUBLE = bp.Activation(
    "double", lambda xp, z: z * np.sqrt(2.0), lambda xp, z, a: np.sqrt(2.0) + 0.0 * z
)


@pytest.fixture
def numpy_backend():
    return bp.get_backend("numpy")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("g", [*ELEMENTWISE, SINE, CUBE_ROOT, DOUBLE], ids=lambda g: g.name)
def test_a_fused_kernel_has_the_values_of_the_kernel(numpy_backend, rng, g, shape, dtype):
    z, dz = (10.0 * rng.standard_normal(shape).astype(dtype) for _ in range(2))
    b = rng.standard_normal((*shape[:-2], 1, shape[-1])).astype(dtype)
    a, own_a, own_z, own_dz = np.empty_like(z), np.empty_like(z), z.copy(), dz.copy()
    numpy_backend.elementwise(kernels.plus_b_then_g(g))(z, b, a)
    kernels.plus_b_then_g(g)(np, own_z, b, own_a)
    assert np.array_equal(z, own_z)
    assert np.array_equal(a, own_a)
    numpy_backend.elementwise(kernels.times_slope(g))(dz, z, a)
    kernels.times_slope(g)(np, own_dz, own_z, own_a)
    assert np.array_equal(dz, own_dz)


@pytest.mark.parametrize("shape", [(2, 1), (7, 3), (40, 32), (2, 500, 10)])
def test_softmax_over_few_or_many_rows_has_the_values_of_its_kernel(numpy_backend, rng, shape):
    z, kernel = rng.normal(size=shape), kernels.plus_b_then_g(SOFTMAX)
    z[0, ..., 0] = np.nan
    b, wanted, a = np.zeros_like(z[..., :1, :]), np.empty_like(z), np.empty_like(z)
    kernel(np, z.copy(), b, wanted)
    numpy_backend.general(kernel)(z, b, a)
    np.testing.assert_array_equal(a, wanted)


def test_a_kernel_that_reuses_and_changes_its_temporaries(numpy_backend, rng):
    def kernel(xp, out, x):
        t = x * x
        u = t
        t += 1.0  # u changes with it, as in NumPy
        out[...] = u * 2.0
        out -= x
        x[...] = t
        out *= xp.where(out > 1.0, 0.5, out) ** 2

    out, x = rng.standard_normal((2, 6, 5))
    own_out, own_x = out.copy(), x.copy()
    numpy_backend.elementwise(kernel)(out, x)
    kernel(np, own_out, own_x)
    assert np.array_equal(out, own_out)
    assert np.array_equal(x, own_x)


@pytest.mark.parametrize(
    "kernel",
    [
        lambda xp, out: out if out[0, 0] > 0 else -out,
        lambda xp, out: xp.sum(out),
        lambda xp, out: out.__ipow__(2),
        lambda xp, out: out.__setitem__(0, 1.0),
        lambda xp, out: out + np.ones(3),
        lambda xp, out: xp.ones_like(out).__iadd__(out),
    ],
    ids=["branch", "sum", "in-place power", "part", "array", "changed ones"],
)
def test_what_cannot_be_traced_is_said_to_be_so(kernel):
    out = np.ones((2, 3))
    with pytest.raises((fusion.Untraceable, TypeError, ValueError)):
        fusion.fuse(kernel, fusion.signature((out,)))


NETWORKS = [
    ([2, 4, 1], "relu", "sigmoid", None, {}),
    ([5, 8, 7, 3], ["gelu", "elu"], "softmax", None, {"l2": 0.1, "l1": 0.01}),
    ([40, 600, 10], "silu", "softmax", "squared_error", {}),
    ([5, 8, 2], SINE, "identity", "huber", {}),
    ([5, 8, 2], "softplus", "softplus", "poisson", {}),
    ([5, 8, 2], CUBE_ROOT, "tanh", None, {}),
]
OPTIMIZERS = [
    bp.SGD(0.05), bp.Momentum(0.05), bp.Nesterov(0.05), bp.RMSprop(), bp.Adam(), bp.AdamW()
]  # fmt: skip


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: type(o).__name__)
@pytest.mark.parametrize(("sizes", "hidden", "output", "loss", "penalties"), NETWORKS)
def test_a_replayed_step_is_the_eager_one_bit_for_bit(
    numpy_backend, rng, sizes, hidden, output, loss, penalties, optimizer
):
    net = bp.Network(sizes, hidden, output, loss, backend=numpy_backend, **penalties)
    eager = copy.deepcopy(net)
    step = bp.train_step(net, optimizer)
    for i in range(4 * EAGER_CALLS):  # the last of each batch size are replayed
        rows = (16, 7, 64)[i % 3]
        X = rng.standard_normal((rows, sizes[0]), dtype=np.float32)
        Y = np.eye(sizes[-1], dtype=np.float32)[rng.integers(sizes[-1], size=rows)]
        J = step(X, Y)
        trace = eager.forward(X)
        assert eager.cost(trace, Y) == J
        optimizer.update(eager, eager.backward(trace, Y))
        assert np.array_equal(net.theta, eager.theta)


def test_the_same_array_as_inputs_and_targets_is_not_taken_for_one(numpy_backend, rng):
    """An autoencoder's first batch is X and Y at once; the next need not be."""
    net = bp.Network([3, 2, 3], output="identity", backend=numpy_backend)
    twin = copy.deepcopy(net)
    step, fresh = bp.train_step(net, bp.SGD(0.1)), bp.train_step(twin, bp.SGD(0.1))
    X, other = rng.standard_normal((2, 4, 3), dtype=np.float32)
    for _ in range(EAGER_CALLS + 1):
        step(X, X)
        fresh(X, X.copy())
    assert step(X, other) == fresh(X.copy(), other)
    assert np.array_equal(net.theta, twin.theta)


def test_a_subclass_runs_its_own_lines_in_every_step(numpy_backend):
    """Only the library's own lines are known to work through the primitives alone."""

    class Counting(bp.Network):
        calls = 0

        def propagate(self, trace):
            self.calls += 1
            super().propagate(trace)

    net = Counting([2, 1], backend=numpy_backend)
    step = bp.train_step(net, bp.SGD(0.1))
    for _ in range(3):
        step([[1.0, 2.0]], [1])
    assert net.calls == 3


def test_a_step_that_fails_leaves_nothing_recording(numpy_backend):
    def fails(x):
        raise ArithmeticError

    run = numpy_backend.compile(fails)
    for _ in range(EAGER_CALLS + 2):
        with pytest.raises(ArithmeticError):
            run(np.ones(2))
    step = numpy_backend.compile(lambda x: numpy_backend.matmul(x, x))
    for _ in range(EAGER_CALLS + 2):
        assert step(np.eye(2)).tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_numbers_become_arrays_where_that_is_faster(numpy_backend, rng):
    """maximum(z, 0) in a recorded step: the same values, small parts and large ones."""

    def kernel(xp, out, row):
        out[...] = xp.maximum(out, 0.25)
        out += xp.minimum(row, 0.5)  # a row stays a row

    run = numpy_backend.elementwise(kernel)
    product = numpy_backend.full((1, 1), 1.0, "float64")
    for shape in ((6, 5), (1, 5), (6, 1), (300, 200)):
        out, row = np.empty(shape), np.empty((1, shape[1]))

        def step(x, y, out=out, row=row):
            numpy_backend.matmul(x, numpy_backend.full((1, 1), 1.0, "float64"))
            run(out, row)
            return numpy_backend.matmul(product, product)

        compiled = numpy_backend.compile(step)
        for _ in range(EAGER_CALLS + 3):
            values, added = rng.normal(size=shape), rng.normal(size=(1, shape[1]))
            out[...], row[...] = values, added
            compiled(np.ones((2, 1)), np.ones((1, 1)))
            np.testing.assert_array_equal(out, np.maximum(values, 0.25) + np.minimum(added, 0.5))


def test_softmax_is_computed_once_in_a_recorded_step(numpy_backend, rng):
    net = bp.Network([4, 5, 3], output="softmax", backend=numpy_backend, dtype="float64")
    step = bp.train_step(net, bp.SGD(1e-3))
    X, Y = rng.normal(size=(7, 4)), np.eye(3)[rng.integers(0, 3, 7)]
    for _ in range(EAGER_CALLS + 2):
        trace = net.forward(X)
        wanted = float(net.cost(trace, Y))
        gradient = net.backward(trace, Y).theta
        before = net.theta.copy()
        assert float(step(X, Y)) == pytest.approx(wanted, rel=1e-14)
        np.testing.assert_allclose(net.theta, before - 1e-3 * gradient, rtol=1e-13)
    cells = [cell.cell_contents for cell in step._run.__closure__]
    replays = next(c for c in cells if type(c) is dict and callable(next(iter(c.values()), None)))
    (line,) = replays.values()
    called = []

    def counted(function):
        return lambda *arguments, **options: called.append(1) or function(*arguments, **options)

    for name in line.__code__.co_names:
        if re.search("reduce|_row_maximum", repr(line.__globals__.get(name))):
            line.__globals__[name] = counted(line.__globals__[name])
    step(X, Y)
    assert len(called) == 2  # one maximum and one sum, for values, loss and gradient alike
