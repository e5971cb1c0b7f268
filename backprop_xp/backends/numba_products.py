"""Products as loops, or by BLAS where they are large."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from backprop_xp.backends.gemm import gemm_arguments
from backprop_xp.backends.numba_ir import Number, Pointer, Total, integer, loop, place
from backprop_xp.backends.numba_record import Product, Shape, View

# From so many multiplications on, OpenBLAS is faster than loops; by measurement.
BLAS_WORK = 2_000
# So many rows are added to a row of the result at once.
_AT_ONCE = 4


def by_blas(product: Product) -> dict[str, int] | None:
    """How BLAS computes the matrices of a product; None where loops are to do it."""
    a, b, out = product.a, product.b, product.out
    m, k, n = a.shape[-2], a.shape[-1], b.shape[-1]
    if min(m, k, n) <= 1 or m * k * n < BLAS_WORK:
        return None
    return gemm_arguments(_Matrix(a), _Matrix(b), _Matrix(out))


class _Matrix:
    """One matrix of a stack, as `gemm_arguments` looks at it."""

    ndim = 2

    def __init__(self, view: View) -> None:
        self.dtype, self.itemsize = view.dtype, view.dtype.itemsize
        self.shape, self.size = view.shape[-2:], math.prod(view.shape[-2:])
        self.strides = tuple([s * self.itemsize for s in view.strides[-2:]])


def of_stack(builder: Any, view: View, stack: Sequence[Any]) -> Any:
    """Where one matrix of a stack begins, in elements."""
    own = len(view.shape) - 2
    return place(builder, stack[len(stack) - own :], view.strides[:own])


@dataclass(frozen=True)
class _Matrices:
    """a (m, k), b (k, n) and out (m, n): pointers, where they begin, and strides."""

    shape: tuple[int, int, int]
    pointers: tuple[Pointer, Pointer, Pointer]
    starts: tuple[Any, Any, Any]
    strides: tuple[Shape, Shape, Shape]

    def transposed(self) -> _Matrices:
        """outᵀ = bᵀ aᵀ, which is the same product."""
        (m, k, n), (a, b, out), (of_a, of_b, start) = self.shape, self.pointers, self.starts
        down_a, down_b, down = (s[::-1] for s in self.strides)
        return _Matrices((n, k, m), (b, a, out), (of_b, of_a, start), (down_b, down_a, down))

    @property
    def lies_in_rows(self) -> bool:
        """Whether rows of b and out are in one piece, so that an inner loop runs along them."""
        return all(strides[1] == 1 for strides in self.strides[1:])

    @property
    def lies_along_sums(self) -> bool:
        """Whether rows of a and columns of b are."""
        return self.strides[0][1] <= 1 and self.strides[1][0] <= 1


class ProductWriter:
    """Writes the loops of a product into a function of the pointers (a, b, out)."""

    def __init__(self, builder: Any, product: Product, pointers: Sequence[Pointer]) -> None:
        self._builder, self._product, self._pointers = builder, product, tuple(pointers)
        self._dtype = product.out.dtype

    def write(self) -> None:
        """Write all of it."""
        views = (self._product.a, self._product.b, self._product.out)
        builder = self._builder
        with ExitStack() as loops:
            stack = [loops.enter_context(loop(builder, n)) for n in views[2].shape[:-2]]
            (m, k), n = views[0].shape[-2:], views[1].shape[-1]
            starts = tuple([of_stack(builder, view, stack) for view in views])
            strides = tuple([view.strides[-2:] for view in views])
            self._matrices(_Matrices((m, k, n), self._pointers, starts, strides))  # type: ignore[arg-type]

    def _matrices(self, matrices: _Matrices) -> None:
        both = [matrices, matrices.transposed()]
        in_rows = [x for x in both if x.lies_in_rows]
        chosen = max(in_rows or both, key=lambda x: x.shape[2])
        _, k, n = chosen.shape
        if chosen.lies_along_sums and (not in_rows or n < min(k, 8)):
            self._sums(chosen)
        elif in_rows:
            self._rows(chosen)
        else:
            self._sums(chosen)

    def _sums(self, x: _Matrices) -> None:
        """Every element of out is a sum, with the innermost loop along it."""
        (m, k, n), builder = x.shape, self._builder
        with loop(builder, m) as i, loop(builder, n) as j:
            total = Total(builder, "sum", self._dtype)
            with loop(builder, k) as l:
                total.add(self._load(x, 0, i, l) * self._load(x, 1, l, j))
            self._store(x, i, j, total.value)

    def _rows(self, x: _Matrices) -> None:
        """Every row of out is a sum of rows of b, some of which are added at once."""
        (m, k, _), builder = x.shape, self._builder
        first = k % _AT_ONCE or _AT_ONCE
        with loop(builder, m) as i:
            self._add_rows(x, i, [integer(l) for l in range(first)], begins=True)
            if k > first:
                with loop(builder, (k - first) // _AT_ONCE) as part:
                    start = builder.mul(part, integer(_AT_ONCE))
                    rows = [builder.add(start, integer(first + l)) for l in range(_AT_ONCE)]
                    self._add_rows(x, i, rows, begins=False)

    def _add_rows(self, x: _Matrices, i: Any, rows: Sequence[Any], begins: bool) -> None:
        factors = [self._load(x, 0, i, l) for l in rows]
        with loop(self._builder, x.shape[2]) as j:
            terms = [f * self._load(x, 1, l, j) for f, l in zip(factors, rows, strict=True)]
            if not begins:
                terms.insert(0, self._load(x, 2, i, j))
            self._store(x, i, j, sum(terms[1:], start=terms[0]))

    def _load(self, x: _Matrices, which: int, row: Any, column: Any) -> Number:
        return x.pointers[which].load(self._place(x, which, row, column)).to(self._dtype)

    def _store(self, x: _Matrices, row: Any, column: Any, number: Number) -> None:
        x.pointers[2].store(self._place(x, 2, row, column), number)

    def _place(self, x: _Matrices, which: int, row: Any, column: Any) -> Any:
        inner = place(self._builder, (row, column), x.strides[which])
        return self._builder.add(x.starts[which], inner, flags=("nsw",))
