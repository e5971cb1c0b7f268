"""Every elementwise kernel that the library runs can be fused by CuPy: traced without a GPU.

A network trains on NumPy with a backend that notes every kernel and the shapes that it is called
with. Each is then traced with CuPy arrays that have a shape and a dtype, but no memory, through
`CuPyBackend.elementwise`, up to the CUDA code that would be compiled.
"""

from __future__ import annotations

from functools import wraps

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.backends.numpy import NumPyBackend
from backprop_xp.maths.activations import ACTIVATIONS
from backprop_xp.maths.losses import LOSSES

cupy = pytest.importorskip("cupy")

OPTIMIZERS = [bp.SGD, bp.Momentum, bp.Nesterov, bp.RMSprop, bp.Adam, bp.AdamW]
PAIRS = [
    (output, loss.name)
    for loss in LOSSES.values()
    for output in ACTIVATIONS.values()
    if output.elementwise and (not loss.outputs or output in loss.outputs)
]
CHAINS = [name for name, g in ACTIVATIONS.items() if g.elementwise]


class Noting(NumPyBackend):
    """NumPy, with a list of all (kernel, arguments) that ran."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def elementwise(self, kernel):
        run = super().elementwise(kernel)

        def noting(*arguments):
            self.seen.append((kernel, arguments))
            run(*arguments)

        return noting


def kernels_of(
    hidden="tanh",
    output="sigmoid",
    loss=None,
    optimizer=bp.SGD,
    weights=None,
    clip_norm=None,
    **options,
):
    """All (kernel, arguments) of one training step in float32."""
    backend = Noting()
    net = bp.Network([3, 4, 2], hidden, output, loss, backend=backend, **options)
    step = bp.train_step(net, optimizer(0.1), clip_norm=clip_norm)
    step(np.ones((5, 3)), np.ones((5, 2)), weights)
    return backend.seen


def fake(host):
    """A CuPy array with the shape of `host`, anywhere in memory: tracing does not look there."""
    memory = cupy.cuda.memory.UnownedMemory(0x1000, 1 << 20, None, 0)
    pointer = cupy.cuda.memory.MemoryPointer(memory, 0)
    return cupy.ndarray(host.shape, host.dtype, memptr=pointer)


@pytest.fixture
def cuda_code(monkeypatch):
    """A function from (kernel, arguments) to the fused CUDA code and its parameters."""
    from cupy._core import fusion

    from backprop_xp.backends.cupy import CuPyBackend

    traced = []

    def trace_only(kernel_name):
        def decorate(function):
            def launch(*arguments):
                history = fusion._FusionHistory()
                fusion._thread_local.history = history
                fusion._thread_local.is_old_fusing = True
                try:
                    traced.append(history.get_fusion(function, arguments, kernel_name)[0])
                finally:
                    fusion._thread_local.history = None
                    fusion._thread_local.is_old_fusing = False

            return launch

        return decorate

    monkeypatch.setattr(cupy, "fuse", trace_only)
    backend = object.__new__(CuPyBackend)  # its __init__ asks for a device

    def code(kernel, arguments):
        @wraps(kernel)  # new, so that a real backend never meets what was traced here
        def fresh(*inside):
            kernel(*inside)

        backend.elementwise(fresh)(*(fake(a) if hasattr(a, "shape") else a for a in arguments))
        return traced[-1]

    return code


def assert_single_precision(kernel):
    """A constant may be declared in double: what counts is the type that it is cast to."""
    lines = [line for line in kernel.operation.splitlines() if "const double" not in line]
    code = "\n".join([*lines, repr(kernel.in_params), repr(kernel.out_params)])
    for other in ("float16", "half", "float64", "double"):
        assert other not in code, f"{other} in {kernel.name}: {code}"


@pytest.mark.parametrize("hidden", CHAINS)
def test_hidden_layers(cuda_code, hidden):
    for seen in kernels_of(hidden=hidden):
        assert_single_precision(cuda_code(*seen))


@pytest.mark.parametrize(("output", "loss"), PAIRS, ids=lambda v: getattr(v, "name", v))
def test_outputs_and_losses(cuda_code, output, loss):
    for seen in kernels_of(output=output, loss=loss):
        assert_single_precision(cuda_code(*seen))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimizers(cuda_code, optimizer):
    kernel, arguments = kernels_of(optimizer=optimizer)[-1]
    code = cuda_code(kernel, arguments)
    assert_single_precision(code)
    assert len(code.in_params) == len(arguments)  # one kernel, and nothing is a constant in it


def test_penalties(cuda_code):
    for seen in kernels_of(l2=0.1, l1=0.01):
        assert_single_precision(cuda_code(*seen))


def test_dropout_weights_and_clipping(cuda_code):
    """The hash of dropout is in 32-bit integers, which may be compared as wider ones."""
    seen = kernels_of(dropout=0.5, weights=np.ones(5), clip_norm=1.0)
    names = [kernel.__name__ for kernel, _ in seen]
    assert {"draw", "drop", "times_dropped_slope", "clip"} < set(names)
    for kernel, arguments in seen:
        code = cuda_code(kernel, arguments)
        assert_single_precision(code)
        if kernel.__name__ == "draw":
            assert "uint32" in repr(code.in_params)
            lines = [line for line in code.operation.splitlines() if "const " not in line]
            wide = [line for line in lines if "long long" in line or "int64" in line]
            assert sum("static_cast" in line for line in wide) <= 2, code.operation


def test_shares_and_places_of_ranks(cuda_code):
    backend = Noting()
    net = bp.Network([3, 4, 2], dropout=0.5, backend=backend)
    trace = net.trace(5, dropout=True)
    trace.take_shares(np.ones((5, 1), "f4"))
    trace.take_places(np.zeros((5, 1), np.uint32))
    assert [kernel.__name__ for kernel, _ in backend.seen] == ["assign", "number_places"]
    for seen in backend.seen:
        assert_single_precision(cuda_code(*seen))


def test_the_notes_are_complete():
    """A kernel per layer, one for J, one per way back, two per penalty, one for the update."""
    names = [kernel.__name__ for kernel, _ in kernels_of(l2=0.1)]
    assert len(names) == 2 + 1 + 2 + 2 * 2 + 1, names


def test_a_scalar_in_double_is_noticed(cuda_code):
    def careless(xp, out, x):
        out += np.float64(0.1) * xp.astype(x, xp.float64)

    host = np.ones((2, 2), "f4")
    with pytest.raises(AssertionError, match=r"double|float64"):
        assert_single_precision(cuda_code(careless, (host, host)))
