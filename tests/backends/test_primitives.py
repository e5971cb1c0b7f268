"""Every primitive of every backend, on every combination of leading axes, against NumPy."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.maths.activations import SOFTMAX
from backprop_xp.maths.kernels import add_l1, plus_b_then_g

STACKS = [(), (1,), (3,), (2, 1), (2, 3), (1, 3)]
LAYOUTS = ["rows", "transposed", "part"]


def broadcast(*stacks):
    """The common stack, or None if there is none."""
    try:
        return np.broadcast_shapes(*stacks)
    except ValueError:
        return None


PAIRS = [(a, b) for a, b in product(STACKS, STACKS) if broadcast(a, b) is not None]


def matrix(rng, stack, rows, columns, layout="rows", dtype="float32"):
    """Random numbers, in a layout of memory that the library uses."""
    if layout == "transposed":
        return matrix(rng, stack, columns, rows, dtype=dtype).swapaxes(-1, -2)
    if layout == "part":  # as W[l] lies in θ (…, P)
        theta = rng.standard_normal((*stack, rows * columns + 5)).astype(dtype)
        return theta[..., 2 : 2 + rows * columns].reshape(*stack, rows, columns)
    return rng.standard_normal((*stack, rows, columns)).astype(dtype)


def moved(backend, host):
    """`host` on the backend, in the same layout of memory."""
    if host.ndim >= 2 and not host.flags.c_contiguous and host.swapaxes(-1, -2).flags.c_contiguous:
        return backend.xp.matrix_transpose(backend.asarray(host.swapaxes(-1, -2).copy()))
    return backend.asarray(host)


@pytest.mark.parametrize(("left", "right"), PAIRS, ids=str)
@pytest.mark.parametrize(("m", "k", "n"), [(4, 3, 5), (1, 6, 1), (5, 1, 2)])
def test_products_without_out(backend, rng, left, right, m, k, n):
    for layouts in product(LAYOUTS, LAYOUTS):
        a = matrix(rng, left, m, k, layouts[0])
        b = matrix(rng, right, k, n, layouts[1])
        result = backend.to_numpy(backend.matmul(moved(backend, a), moved(backend, b)))
        assert result.shape == (a @ b).shape
        assert np.allclose(result, a @ b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("left", "right"), PAIRS, ids=str)
@pytest.mark.parametrize("more", [(), (3,), (2, 3)], ids=str)
def test_products_into_an_array(backend, rng, left, right, more):
    """`out` may have more leading axes than the product: it is then repeated along them."""
    stack = broadcast(left, right, more)
    if stack is None:
        return
    a, b = matrix(rng, left, 4, 3), matrix(rng, right, 3, 2, "transposed")
    out = backend.full((*stack, 4, 2), np.nan, "float32")
    returned = backend.matmul(moved(backend, a), moved(backend, b), out)
    assert returned is out
    expected = np.broadcast_to(a @ b, (*stack, 4, 2))
    assert np.allclose(backend.to_numpy(out), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("m", "k", "n"), [(10, 128, 64), (32, 784, 12), (7, 150, 2), (5, 131, 3)])
def test_small_products_with_long_sums(backend, rng, m, k, n, dtype):
    """A GPU computes them in parts; they are weights in θ or batches, either transposed or not."""
    for layouts in product(LAYOUTS, LAYOUTS):
        a, b = matrix(rng, (), m, k, layouts[0], dtype), matrix(rng, (), k, n, layouts[1], dtype)
        theta = backend.full((1, 3 + m * n), np.nan, dtype)
        window = backend.xp.reshape(theta[0, 3:], (m, n))
        backend.matmul(moved(backend, a), moved(backend, b), window)
        host = backend.to_numpy(theta)
        assert np.isnan(host[0, :3]).all()
        error = host[0, 3:].reshape(m, n) - a.astype("f8") @ b.astype("f8")
        assert abs(error).max() < 4 * k * np.finfo(dtype).eps


@pytest.mark.parametrize("left", ["float32", "float64"])
@pytest.mark.parametrize("right", ["float32", "float64"])
def test_the_dtype_of_a_product(backend, rng, left, right):
    a, b = matrix(rng, (), 2, 3, dtype=left), matrix(rng, (), 3, 2, dtype=right)
    result = backend.to_numpy(backend.matmul(backend.asarray(a), backend.asarray(b)))
    assert result.dtype == (a @ b).dtype
    assert np.allclose(result, a @ b, rtol=1e-5)


def test_products_of_integers(backend):
    a = np.arange(6).reshape(2, 3)
    result = backend.to_numpy(backend.matmul(backend.asarray(a), backend.asarray(a.T.copy())))
    assert result.tolist() == (a @ a.T).tolist()


@pytest.mark.parametrize(
    ("left", "right", "out"),
    [
        ((2, 3), (4, 2), None),
        ((2, 3), (3, 2), (2, 3)),
        ((3, 2, 3), (2, 3, 2), None),
        ((3, 2, 3), (3, 2), (2, 2, 2)),
    ],
    ids=str,
)
def test_what_cannot_be_multiplied_is_refused(backend, left, right, out):
    a, b = (backend.full(shape, 1.0, "float32") for shape in (left, right))
    with pytest.raises((ValueError, IndexError, RuntimeError)):
        backend.matmul(a, b, None if out is None else backend.full(out, 0.0, "float32"))


def add(xp, out, other, scale):
    """An elementwise kernel."""
    out += scale * xp.maximum(other, 0.0)


@pytest.mark.parametrize("stack", STACKS, ids=str)
@pytest.mark.parametrize("width", [(4, 5), (1, 5), (4, 1), (1, 1)], ids=str)
def test_elementwise_broadcasts_to_its_first_argument(backend, rng, stack, width):
    run = backend.elementwise(add)
    for other_stack in STACKS:
        rank = len(stack)
        other_stack = (1,) * (rank - len(other_stack)) + other_stack
        if broadcast(stack, other_stack) != stack:
            continue
        out, other = matrix(rng, stack, 4, 5), matrix(rng, other_stack, *width)
        expected = out + np.float32(0.5) * np.maximum(other, 0)
        array = backend.asarray(out.copy())
        run(array, backend.asarray(other), backend.full((), 0.5, "float32"))
        assert np.allclose(backend.to_numpy(array), expected, rtol=1e-6)


@pytest.mark.parametrize("stack", STACKS, ids=str)
def test_general_looks_at_whole_rows(backend, rng, stack):
    """Softmax of every row; the bias is shared, or one for each network."""
    run = backend.general(plus_b_then_g(SOFTMAX))
    for bias_stack in {(1,) * len(stack), stack}:
        z, b = matrix(rng, stack, 4, 5), matrix(rng, bias_stack, 1, 5)
        e = np.exp(z + b)
        Z, A = backend.asarray(z.copy()), backend.empty(z.shape, "float32")
        run(Z, backend.asarray(b), A)
        assert np.allclose(backend.to_numpy(A), e / e.sum(axis=-1, keepdims=True), rtol=1e-5)


@pytest.mark.parametrize("stack", STACKS, ids=str)
def test_general_sums_over_a_network(backend, rng, stack):
    J, W = np.ones((*stack, 1, 1), "f4"), matrix(rng, stack, 4, 5)
    expected = 1.0 + 0.5 * np.abs(W).sum(axis=(-2, -1), keepdims=True)
    array = backend.asarray(J)
    l1 = backend.full((*(1 for _ in stack), 1, 1), 0.5, "float32")
    backend.general(add_l1)(array, l1, backend.asarray(W))
    assert np.allclose(backend.to_numpy(array), expected, rtol=1e-5)


@pytest.mark.parametrize("stack", STACKS, ids=str)
def test_a_compiled_step_is_the_step(backend, rng, stack):
    """Through every stage: eager, recorded or captured, replayed, and for a second shape."""
    W = backend.asarray(matrix(rng, stack, 3, 2))
    scale = backend.full((), 0.5, "float32")
    hidden = {m: backend.empty((*stack, m, 3), "float32") for m in (4, 6)}
    ones = {m: backend.full((1, m), 1.0, "float32") for m in (4, 6)}
    run, transpose = backend.elementwise(add), backend.xp.matrix_transpose(W)

    def step(X, Y):
        H = hidden[X.shape[-2]]
        backend.matmul(X, transpose, H)
        run(H, Y, scale)
        return backend.matmul(ones[X.shape[-2]], H)

    compiled = backend.compile(step)
    W_host = backend.to_numpy(W)
    for i in range(50):
        m = (4, 6)[i % 2]
        X, Y = matrix(rng, (), m, 2), matrix(rng, stack, m, 3)
        expected = (X @ W_host.swapaxes(-1, -2) + 0.5 * np.maximum(Y, 0)).sum(-2, keepdims=True)
        result = backend.to_numpy(compiled(backend.asarray(X), backend.asarray(Y)))
        assert result.shape == expected.shape
        assert np.allclose(result, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint32"])
def test_scalars_are_written_where_they_are(backend, dtype):
    values = (1, 4294967295, 7) if dtype == "uint32" else (0.5, -2.0, 3.25)
    scalars = backend.full((3,), 0, dtype)
    windows = [scalars[i, ...] for i in range(3)]
    backend.write_scalars(scalars, values)
    assert tuple(float(backend.to_numpy(window)) for window in windows) == values


@pytest.mark.parametrize("shape", [(), (3,), (2, 0), (2, 3, 4)], ids=str)
def test_new_arrays(backend, shape):
    for array in (backend.empty(shape, "float32"), backend.full(shape, 2.5, "float32")):
        assert tuple(array.shape) == shape
        assert type(array) is backend.array_type
    assert (backend.to_numpy(array) == 2.5).all()


def test_a_population_with_weights_has_a_loss_for_each_member(backend, rng):
    """(1, 1, m) @ (members, m, 1) is (members, 1, 1)."""
    X, Y = backend.asarray(rng.normal(size=(6, 3))), rng.integers(2, size=6).tolist()
    nets = bp.Network([3, 4, 1], members=4, seed=0, backend=backend)
    weights = rng.random(6).tolist()
    losses = backend.to_numpy(nets.cost(nets.forward(X), Y, weights))
    each = [nets.member(k) for k in range(4)]
    alone = [float(net.cost(net.forward(X), Y, weights)) for net in each]
    assert np.allclose(losses, alone, rtol=1e-6)
    assert len(set(alone)) == 4
