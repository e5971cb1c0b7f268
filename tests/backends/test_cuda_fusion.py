"""What CuPy cannot fuse into one kernel runs as it is, and a log message says so."""

from __future__ import annotations

import numpy as np
import pytest

cupy = pytest.importorskip("cupy")

KERNELS = {
    "fusible": (lambda xp, out, x: out.__iadd__(xp.exp(x)), 0),
    "clip": (lambda xp, out, x: out.__setitem__(..., xp.clip(x, -1.0, 1.0)), 0),
    "shape": (lambda xp, out, x: out.__iadd__(x * x.shape[0]), 1),
    "keepdims": (lambda xp, out, x: out.__iadd__(xp.max(x, axis=-1, keepdims=True)), 1),
    "ones_like": (lambda xp, out, x: out.__imul__(xp.ones_like(x)), 0),
    "where x > 0": (lambda xp, out, x: out.__imul__(xp.astype(x > 0, x.dtype)), 0),
    "a scalar of NumPy's": (lambda xp, out, x: out.__iadd__(np.float64(1.5) * x), 0),
}


# Whose wrappers in array-api-compat wait for the device.
WAITING = {
    "sign": lambda xp, out, x: out.__setitem__(..., xp.sign(x)),
    "clip": lambda xp, out, x: out.__setitem__(..., xp.clip(x, -1.0, None)),
    "clip from above": lambda xp, out, x: out.__setitem__(..., xp.clip(x, max=0.5)),
}


@pytest.mark.parametrize("name", WAITING)
@pytest.mark.parametrize("primitive", ["elementwise", "general"])
def test_no_function_of_the_namespace_waits_for_the_device(cupy_backend, rng, name, primitive):
    """Else a step with it could not be captured."""
    from backprop_xp.backends.cuda_graph import Graph

    x = rng.standard_normal((4, 5), dtype=np.float32)
    out, array = cupy_backend.empty((4, 5), "float32"), cupy_backend.asarray(x)
    run = getattr(cupy_backend, primitive)(WAITING[name])

    def work():
        run(out, array)
        return out

    graph = Graph(work, cupy.cuda.Stream(non_blocking=True))
    for _ in range(3):
        expected = np.empty_like(x)
        WAITING[name](np, expected, x)
        assert np.array_equal(cupy_backend.to_numpy(graph.run()), expected)


@pytest.mark.parametrize("name", KERNELS)
def test_the_result_is_numpys(cupy_backend, rng, caplog, name):
    kernel, messages = KERNELS[name]
    run = cupy_backend.elementwise(kernel)
    for _ in range(2):
        out, x = rng.standard_normal((2, 4, 5), dtype=np.float32)
        arrays = cupy_backend.asarray(out), cupy_backend.asarray(x)
        run(*arrays)
        kernel(np, out, x)
        assert np.allclose(cupy_backend.to_numpy(arrays[0]), out, rtol=1e-5)
    assert len(caplog.records) == messages
    assert all("runs as several CUDA kernels" in record.message for record in caplog.records)


def test_a_wrong_call_is_an_error_of_its_own(cupy_backend, caplog):
    run = cupy_backend.elementwise(lambda xp, out: out.__iadd__(1.0))
    with pytest.raises(TypeError, match="argument"):
        run(cupy_backend.full((2,), 0.0, "float32"), 3.0)
    assert not caplog.records
