"""NumPy's own BLAS, called by address from compiled code.

It is the library that NumPy has loaded, with the threads that it has: a second one would have
threads of its own, and both wait by spinning.
"""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from llvmlite import binding, ir

from backprop_xp.backends.numba_ir import INDEX, integer, type_of

# With 64-bit integers: in NumPy's wheels for Linux, Windows and older versions of macOS, and
# Accelerate's for newer ones.
_SYMBOLS = ("scipy_cblas_{}gemm64_", "cblas_{}gemm64_", "cblas_{}gemm$NEWLAPACK$ILP64")
_LETTERS = {"float32": "s", "float64": "d"}
_ACCELERATE = "/System/Library/Frameworks/Accelerate.framework/Accelerate"
# Its enumerations.
_BY_COLUMNS, _AS_IS, _TRANSPOSED = 102, 111, 112
# order, two transpositions, three lengths; alpha, two matrices with leading lengths; beta, result.
_POINTER, _INT = ctypes.c_void_p, ctypes.c_int64


def write_gemm(builder: Any, dtype: np.dtype, how: dict[str, int], addresses: Any) -> None:
    """Write a call for the addresses of a, b and out; see `gemm_arguments`."""
    a, b, out = addresses
    kind = type_of(dtype)
    types = [INDEX] * 6 + [kind] + [INDEX] * 4 + [kind] + [INDEX] * 2
    name, module = symbol(dtype.name), builder.module
    function = module.globals.get(name) or ir.Function(
        module, ir.FunctionType(ir.VoidType(), types), name
    )
    transposed = [_TRANSPOSED if how[key] else _AS_IS for key in ("transa", "transb")]
    one, zero = ir.Constant(kind, 1.0), ir.Constant(kind, 0.0)
    lengths = [how[key] for key in "mnk"]
    integers = [integer(n) for n in (_BY_COLUMNS, *transposed, *lengths)]
    lda, ldb, ldc = (integer(how[key]) for key in ("lda", "ldb", "ldc"))
    # Read down its columns, out is its own transpose: outᵀ = bᵀ aᵀ.
    builder.call(function, [*integers, one, b, lda, a, ldb, zero, out, ldc])


@cache
def symbol(dtype: str) -> str:
    """Make BLAS known to compiled code, and return the name that it has there."""
    name = f"backprop_xp_gemm_{dtype}"
    address = address_in_numpy(dtype) or address_of_callback(dtype)
    binding.add_symbol(name, address)
    return name


def make_known() -> None:
    """Do so before code from the disk is loaded: without it LLVM would end the process."""
    for dtype in _LETTERS:
        symbol(dtype)


def address_in_numpy(dtype: str) -> int | None:
    """Return where the BLAS that NumPy brings along has its product; None if it has none."""
    for library in _libraries():
        for name in _SYMBOLS:
            function = getattr(library, name.format(_LETTERS[dtype]), None)
            if function is not None:
                return ctypes.cast(function, _POINTER).value
    return None


def _libraries() -> list[ctypes.CDLL]:
    package = Path(np.__file__).parent
    places = [package.parent / "numpy.libs", package / ".dylibs"]
    paths = [str(path) for folder in places for path in sorted(folder.glob("*openblas*"))]
    libraries = []
    for path in [*paths, _ACCELERATE]:
        try:
            libraries.append(ctypes.CDLL(path))
        except OSError:
            continue
    return libraries


def address_of_callback(dtype: str) -> int:
    """Return the address of the same by NumPy's matmul, for NumPys with a BLAS of their own."""
    kind = ctypes.c_float if dtype == "float32" else ctypes.c_double
    size = np.dtype(dtype).itemsize

    def matrix(address: int, rows: int, columns: int, leading: int) -> np.ndarray:
        """One that lies column by column."""
        memory = (kind * (leading * (columns - 1) + rows)).from_address(address)
        flat = np.ctypeslib.as_array(memory)
        return np.lib.stride_tricks.as_strided(flat, (rows, columns), (size, leading * size))

    def multiply(*arguments: Any) -> None:
        _, of_a, of_b, m, n, k, _, a, lda, b, ldb, _, out, ldc = arguments
        left = matrix(a, k, m, lda).T if of_a == _TRANSPOSED else matrix(a, m, k, lda)
        right = matrix(b, n, k, ldb).T if of_b == _TRANSPOSED else matrix(b, k, n, ldb)
        matrix(out, m, n, ldc)[...] = left @ right

    numbers = [_INT] * 6 + [kind] + [_INT] * 4 + [kind] + [_INT] * 2
    function = ctypes.CFUNCTYPE(None, *numbers)(multiply)
    _callbacks.append(function)
    address = ctypes.cast(function, _POINTER).value
    assert address is not None
    return address


# Kept, since compiled code does not hold them.
_callbacks: list[Any] = []
