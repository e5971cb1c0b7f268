"""Every kernel compiles for every architecture in use, without a warning of the compiler."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.maths.activations import ACTIVATIONS
from backprop_xp.maths.losses import LOSSES

cupy = pytest.importorskip("cupy")

# Turing, Ampere, Hopper, Blackwell.
ARCHITECTURES = ["75", "80", "90", "100"]
OPTIMIZERS = [bp.SGD, bp.Momentum, bp.Nesterov, bp.RMSprop, bp.Adam, bp.AdamW]
HIDDEN = [name for name, g in ACTIVATIONS.items() if g.elementwise]
PAIRS = [
    (output.name, loss.name)
    for loss in LOSSES.values()
    for output in ACTIVATIONS.values()
    if not loss.outputs or output in loss.outputs
]


@pytest.fixture(scope="module")
def sources(request):
    """The CUDA code of all kernels that networks run, with the options to compile it."""
    try:
        backend = bp.get_backend("cupy")
    except bp.BackendError as problem:
        if "cupy" in request.config.getoption("--require-backend"):
            pytest.fail(str(problem))
        pytest.skip(str(problem))
    from cupy.cuda import compiler

    from backprop_xp.backends.cupy import fused

    found, compile_module = {}, compiler._compile_module_with_cache

    def noting(source, options=(), *others, **named):
        if "REDUCE" not in source:  # CuPy's own reductions
            found[source] = options
        return compile_module(source, options, *others, **named)

    cupy.clear_memo()  # what was compiled before is compiled again …
    fused.cache_clear()  # … and what was fused, too
    compiler._compile_module_with_cache = noting
    try:
        for dtype in ("float32", "float64"):
            train_all(backend, dtype)
    finally:
        compiler._compile_module_with_cache = compile_module
    return found


def train_all(backend, dtype):
    X, Y = np.ones((5, 3)), np.eye(2)[[0, 1, 0, 1, 1]]

    def train(*activations, optimizer=bp.SGD, **options):
        given = {k: options.pop(k) for k in ("clip_norm", "sample_weight") if k in options}
        net = bp.Network([3, 4, 2], *activations, backend=backend, dtype=dtype, **options)
        bp.fit(net, X, Y, epochs=2, batch_size=3, optimizer=optimizer(0.1), **given)

    for hidden in HIDDEN:
        train(hidden)
    for output, loss in PAIRS:
        train("tanh", output, loss)
    for optimizer in OPTIMIZERS:
        train("tanh", optimizer=optimizer)
    train("tanh", l1=0.1, l2=0.1, dropout=0.5, clip_norm=1.0, sample_weight=np.ones(5))
    train("tanh", members=2, l1=[0.1, 0.2], l2=[0.1, 0.2], dropout=0.5)


def compiled_together(sources):
    """All kernels as one text: NVRTC needs most of its time for the headers, which they share."""
    headers, bodies = [], []
    for number, source in enumerate(sources):
        lines = source.splitlines()
        headers += [line for line in lines if line.startswith("#include")]
        body = "\n".join(line for line in lines if not line.startswith("#include"))
        body = re.sub(r'(extern "C" __global__ void \w+)', rf"\g<1>_{number}", body)
        bodies.append(f"namespace kernel_{number} {{\n{body}\n}}")
    return "\n".join([*dict.fromkeys(headers), *bodies])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_kernel_compiles(sources, architecture):
    from cupy.cuda import compiler

    assert len(sources) > 100
    for options in set(sources.values()):
        together = compiled_together([s for s, o in sources.items() if o == options])
        log = io.StringIO()
        # CuPy's fused code hands temporaries without a value to functions that write them.
        options = (*options, "--diag-suppress=549")
        compiler.compile_using_nvrtc(together, options, architecture, log_stream=log)
        assert not log.getvalue().strip("\0\n ")


def test_a_warning_would_be_seen(cupy_backend):
    from cupy.cuda import compiler

    log = io.StringIO()
    careless = 'extern "C" __global__ void f(float *x) { int unused; x[0] = 1; }'
    compiler.compile_using_nvrtc(careless, (), "90", log_stream=log)
    assert "never referenced" in log.getvalue()
