"""How our products are put to cuBLAS, which counts down columns: checked without a GPU."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

from backprop_xp.backends.gemm import PARTS_SIZE, gemm_arguments, in_parts


def gemm(given, left, right, out):
    """Do what cublas<t>gemmStridedBatched is documented to do, on flat memory."""

    def column_major(memory, rows, columns, leading):
        size = memory.itemsize
        return as_strided(memory, (rows, columns), (size, leading * size))

    m, n, k = given["m"], given["n"], given["k"]
    for i in range(given["count"]):
        a, b = right[i * given["stride_a"] :], left[i * given["stride_b"] :]
        op_a = column_major(a, k, m, given["lda"]).T if given["transa"] else None
        op_a = column_major(a, m, k, given["lda"]) if op_a is None else op_a
        op_b = column_major(b, n, k, given["ldb"]).T if given["transb"] else None
        op_b = column_major(b, k, n, given["ldb"]) if op_b is None else op_b
        column_major(out[i * given["stride_c"] :], m, n, given["ldc"])[...] = op_a @ op_b
        assert given["lda"] >= (k if given["transa"] else m)
        assert given["ldb"] >= (n if given["transb"] else k)
        assert given["ldc"] >= m


def matrix(rng, shape, layout):
    """An array of this shape with its flat memory, which has some room at the end."""
    if layout == "transposed":
        a, memory = matrix(rng, (*shape[:-2], shape[-1], shape[-2]), "rows")
        return a.swapaxes(-1, -2), memory
    if layout == "window":  # a part of θ in a stack: rows of θ are longer than the window
        count = int(np.prod(shape[-2:]))
        stack = shape[0] if len(shape) == 3 else 1
        theta = rng.standard_normal((stack, count + 5))
        a = theta[:, 2 : 2 + count].reshape(stack, *shape[-2:])
        return (a if len(shape) == 3 else a[0]), theta.reshape(-1)[2:]
    memory = rng.standard_normal(int(np.prod(shape)) + 3)
    return memory[: int(np.prod(shape))].reshape(shape), memory


LAYOUTS = ["rows", "transposed", "window"]
SIZES = [(4, 3, 5), (1, 6, 2), (6, 1, 2), (5, 7, 1), (1, 1, 1), (1, 1, 4)]


@pytest.mark.parametrize("stacks", [(None, None), (3, 3), (None, 3), (3, None)], ids=str)
@pytest.mark.parametrize("right", LAYOUTS)
@pytest.mark.parametrize("left", LAYOUTS)
@pytest.mark.parametrize(("m", "k", "n"), SIZES)
def test_the_call_computes_the_product(rng, m, k, n, left, right, stacks):
    lead = [() if stack is None else (stack,) for stack in stacks]
    a, left_memory = matrix(rng, (*lead[0], m, k), left)
    b, right_memory = matrix(rng, (*lead[1], k, n), right)
    out, out_memory = matrix(rng, (*max(lead, key=len), m, n), "window")
    given = gemm_arguments(a, b, out)
    assert given is not None
    gemm(given, left_memory, right_memory, out_memory)
    assert np.allclose(out, a @ b, rtol=1e-12)


@pytest.mark.parametrize("bad", ["a", "b", "out"])
def test_a_layout_that_cublas_does_not_take_is_left_to_cupy(rng, bad):
    arrays = {name: rng.standard_normal((4, 4)) for name in ("a", "b", "out")}
    arrays[bad] = rng.standard_normal((8, 8))[::2, ::2]
    assert gemm_arguments(**arrays) is None


def test_a_transposed_or_deeply_stacked_result_is_left_to_cupy(rng):
    a = rng.standard_normal((4, 4))
    assert gemm_arguments(a, a, rng.standard_normal((4, 4)).T) is None
    deep = rng.standard_normal((2, 2, 4, 4))
    assert gemm_arguments(deep, a, np.empty_like(deep)) is None


@pytest.mark.parametrize("right", LAYOUTS)
@pytest.mark.parametrize("left", LAYOUTS)
@pytest.mark.parametrize(("m", "k", "n"), [(10, 128, 128), (128, 784, 16), (3, 150, 2)])
def test_the_sum_of_the_parts_is_the_product(rng, m, k, n, left, right):
    a, left_memory = matrix(rng, (m, k), left)
    b, right_memory = matrix(rng, (k, n), right)
    parts = in_parts(gemm_arguments(a, b, np.empty((m, n))))
    stack = np.full(PARTS_SIZE, np.nan)
    gemm(parts, left_memory, right_memory, stack)
    used = stack[: parts["count"] * m * n].reshape(parts["count"], m, n)
    assert len(used) > 1
    assert np.allclose(used.sum(axis=0), a @ b, rtol=1e-12)
    assert np.isnan(stack[used.size :]).all()


@pytest.mark.parametrize(
    ("m", "k", "n"),
    [(10, 95, 10), (10, 64, 10), (1, 512, 64), (64, 512, 1), (129, 512, 128), (10, 131, 10)],
    ids=["short", "shorter", "a row", "a column", "large result", "prime"],
)
def test_what_one_call_does_as_fast_stays_whole(rng, m, k, n):
    arrays = np.empty((m, k)), np.empty((k, n)), np.empty((m, n))
    assert in_parts(gemm_arguments(*arrays)) is None
    stacked = (array[None].repeat(3, axis=0) for array in arrays)
    assert in_parts(gemm_arguments(*stacked)) is None
