"""Arrays on their way in and out, and the primitives, on every backend."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.backends.base import Backend

HOST = np.array([[0.0, 1.5], [-2.0, 3.0]])


def kernel(xp, out, x, row, scale):
    """Exact operations only, so that blocks cannot differ in the last bit."""
    out *= scale
    out += xp.maximum(x * x, row)


# -- asarray and to_numpy ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "int8", "int32", "int64", "uint8", "uint64", "bool"]
)
def test_a_round_trip_keeps_values_and_dtype(backend, dtype):
    host = np.array([[0, 1], [1, 1]], dtype=dtype)
    back = backend.to_numpy(backend.asarray(host))
    assert isinstance(back, np.ndarray)
    assert back.dtype == host.dtype
    assert np.array_equal(back, host)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("x", [HOST, HOST.astype("f4"), HOST.astype("i8"), HOST > 0, HOST.tolist()])
def test_a_dtype_is_converted_to(backend, x, dtype):
    once = backend.asarray(x, dtype)
    twice = backend.asarray(backend.asarray(x), dtype)
    assert once.dtype == twice.dtype == getattr(backend.xp, dtype)
    assert np.array_equal(backend.to_numpy(once), np.asarray(x))
    assert np.array_equal(backend.to_numpy(twice), np.asarray(x))


@pytest.mark.parametrize(
    ("dtype", "kept"), [(">f8", "f8"), (">i4", "i4"), ("float16", "f4"), ("longdouble", "f8")]
)
def test_a_dtype_that_not_every_library_has_becomes_its_next(backend, dtype, kept):
    array = backend.asarray(np.array([0, 1, 2], dtype=dtype))
    assert np.array_equal(backend.to_numpy(array), [0, 1, 2])
    assert backend.to_numpy(array).dtype == np.dtype(kept)


def test_an_array_of_the_backend_is_not_copied(backend):
    array = backend.asarray(HOST)
    assert backend.asarray(array) is array
    assert backend.asarray(array, "float64") is array


def test_host_memory_is_not_shared_with_a_device(backend):
    host = HOST.copy()
    array = backend.asarray(host)
    host[0, 0] = 7.0
    assert (backend.to_numpy(array)[0, 0] == 7.0) == (backend.library == "numpy")


def test_too_large_for_float32_is_infinite_without_a_warning(backend):
    for x in ([1e300], np.array([1e300]), backend.asarray([1e300])):
        assert backend.to_numpy(backend.asarray(x, "float32")).tolist() == [np.inf]


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (["a", "b"], "not real numbers but text"),
        (np.array([b"a"]), "not real numbers but bytes"),
        ([[1, 2], [3]], "not an array of numbers"),
        ([1j], "not real numbers but complex numbers"),
        (np.array(["2020-01-01"], dtype="datetime64[D]"), "not real numbers but dates"),
        (np.array([3], dtype="timedelta64[s]"), "not real numbers but durations"),
        (np.array([1, None]), "not real numbers but Python objects"),
        (None, "not real numbers but Python objects"),
        ([2**70], "not real numbers but Python objects"),
        (np.ma.masked_array([1.0, 2.0], [False, True]), r"masked .* fill them .* x\.filled"),
    ],
)
def test_what_is_not_numeric_is_refused(backend, x, message):
    with pytest.raises(bp.DataError, match=message):
        backend.asarray(x)


def test_complex_arrays_of_the_backend_are_refused(backend):
    array = backend.xp.asarray([1j], device=backend.device)
    with pytest.raises(bp.DataError, match="complex numbers"):
        backend.asarray(array, "float32")


# -- arrays of another backend -----------------------------------------------------------------


@pytest.fixture
def foreign(backend):
    """An array function of another library, and what its arrays are called."""
    if backend.library != "numpy":
        return np.asarray, "numpy"
    strict = pytest.importorskip("array_api_strict")
    return strict.asarray, "array_api_strict"


def doors(net, X, Y):
    """Every door of a network, each with its one foreign argument."""
    ours = net.backend.asarray([[0.0, 1.0]])
    trace = net.forward(ours)
    step = bp.train_step(net, bp.SGD(0.1))
    return {
        "forward": lambda: net.forward(X),
        "predict": lambda: net.predict(X),
        "cost": lambda: net.cost(trace, Y),
        "backward": lambda: net.backward(trace, Y),
        "step X": lambda: step(X, [1.0]),
        "step Y": lambda: step(ours, Y),
    }


def test_asarray_refuses_an_array_of_another_device(backend):
    class Tensor:
        __cuda_array_interface__ = None

    with pytest.raises(bp.BackendError, match=r"^the array is an array of \w+, but"):
        backend.asarray(Tensor())


@pytest.mark.parametrize("door", ["forward", "predict", "cost", "backward", "step X", "step Y"])
def test_an_array_of_another_backend_is_refused(backend, foreign, door):
    asarray, library = foreign
    net = bp.Network([2, 3, 1], backend=backend)
    before = backend.to_numpy(net.theta).copy()
    call = doors(net, asarray([[0.0, 1.0]]), asarray([1.0]))[door]
    name = "X" if door in ("forward", "predict", "step X") else "Y"
    with pytest.raises(bp.BackendError, match=f"^{name} is an array of {library}, ") as caught:
        call()
    assert f"this backend is {backend.name}" in str(caught.value)
    assert f"get_backend('{backend.name}').asarray(" in str(caught.value)
    assert np.array_equal(backend.to_numpy(net.theta), before)


@pytest.mark.parametrize("door", ["forward", "predict", "cost", "backward", "step X", "step Y"])
@pytest.mark.parametrize("device", ["CPU_DEVICE", "device2", "no_float64"])
def test_an_array_on_another_device_is_refused(device, door):
    strict = pytest.importorskip("array_api_strict")
    net = bp.Network([2, 3, 1], backend="strict")

    def there(values):
        return strict.asarray(values, dtype=strict.float32, device=strict.Device(device))

    call = doors(net, there([[0.0, 1.0]]), there([1.0]))[door]
    name = "X" if door in ("forward", "predict", "step X") else "Y"
    with pytest.raises(bp.BackendError, match=rf"^{name} is on .*{device}.*Move it on purpose: "):
        call()
    moved = there([[0.0, 1.0]]).to_device(net.backend.device)
    assert net.backend.owns(moved)
    assert not net.backend.owns(there([1.0]))
    assert net.predict(moved).shape == (1, 1)


def test_fit_refuses_arrays_on_another_device():
    strict = pytest.importorskip("array_api_strict")
    net = bp.Network([2, 1], backend="strict")
    X, Y = net.backend.asarray([[0.0, 1.0]] * 4), net.backend.asarray([1.0] * 4)
    X2, Y2 = (a.to_device(strict.Device("device2")) for a in (X, Y))
    for data, options, name in (
        ((X2, Y), {}, "X"),
        ((X, Y2), {}, "Y"),
        ((X, Y), {"validation_data": (X2, Y)}, "X"),
        ((X, Y), {"sample_weight": Y2}, "sample_weight"),
    ):
        with pytest.raises(bp.BackendError, match=rf"{name} is on .*device2"):
            bp.fit(net, *data, progress=False, **options)
    with pytest.raises(bp.BackendError, match=r"X is on .*device2"):
        bp.check_gradients(net, X2, Y)


def test_the_advice_for_a_numpy_array_works(backend):
    net = bp.Network([2, 1], backend=backend)
    X = np.ones((3, 2))
    assert net.predict(bp.get_backend(backend.name).asarray(X)).shape == (3, 1)


def test_a_foreign_gradient_is_refused(backend, foreign):
    net = bp.Network([2, 1], backend=backend)
    other = bp.Network([2, 1], backend="strict" if backend.library == "numpy" else "numpy")
    grads = other.backward(other.forward([[0.0, 1.0]]), [1.0])
    with pytest.raises(bp.BackendError, match=r"grads is an array of"):
        bp.SGD(0.1).update(net, grads)


def test_two_networks_on_two_backends_train_in_turn(backend, rng):
    X, Y = rng.standard_normal((8, 2)), rng.integers(2, size=8)
    here = bp.Network([2, 4, 1], dtype="float64", backend=backend)
    host = bp.Network([2, 4, 1], dtype="float64", backend="numpy")
    steps = [bp.train_step(net, bp.SGD(0.5)) for net in (here, host)]
    for _ in range(5):
        for step in steps:
            step(step.net.backend.asarray(X), step.net.backend.asarray(Y))
    assert type(here.theta) is type(backend.asarray(X))
    assert np.allclose(backend.to_numpy(here.theta), host.theta, rtol=1e-12, atol=1e-14)


# -- the primitives ----------------------------------------------------------------------------


@pytest.mark.parametrize("stack", [(), (3,), (2, 3)])
def test_matmul_writes_into_out(backend, rng, stack):
    a, b = rng.standard_normal((*stack, 4, 5)), rng.standard_normal((*stack, 6, 5))
    b_T = backend.xp.matrix_transpose(backend.asarray(b))  # a view, as W[l]ᵀ is
    out = backend.empty((*stack, 4, 6), "float64")
    assert backend.matmul(backend.asarray(a), b_T, out) is out
    assert np.allclose(backend.to_numpy(out), a @ b.swapaxes(-1, -2))


@pytest.mark.parametrize(
    ("shape", "row"),
    [
        ((7,), (7,)),
        ((3, 5), (1, 5)),
        ((0, 5), (1, 5)),
        ((100_000,), (1,)),
        ((1, 100_000), (1, 100_000)),  # a row larger than a block
        ((3, 40_000), (1, 40_000)),
        ((700, 300), (1, 300)),  # many rows in a block, the last block short
        ((700, 300), (700, 1)),
        ((5, 200, 100), (5, 1, 100)),  # a stack with a b of its own each
        ((5, 200, 100), (1, 1, 100)),
        ((1, 200, 100), (1, 1, 100)),
        ((2, 2, 100, 90), (2, 1, 1, 90)),
        ((2, 3, 2, 20_000), (1, 3, 1, 20_000)),
    ],
)
def test_elementwise_equals_the_kernel_on_whole_arrays(backend, rng, shape, row):
    start, x, b = (rng.standard_normal(s, dtype=np.float32) for s in (shape, shape, row))
    expected = start.copy()
    kernel(np, expected, x, b, 0.5)
    out = backend.asarray(start.copy())
    backend.elementwise(kernel)(out, backend.asarray(x), backend.asarray(b), 0.5)
    assert np.array_equal(backend.to_numpy(out), expected)


@pytest.mark.parametrize("shape", [(4,), (300, 300)])
def test_elementwise_takes_numbers_and_0d_arrays(backend, shape):
    out, x = backend.asarray(np.ones(shape)), backend.asarray(np.full(shape, 3.0))
    backend.elementwise(kernel)(out, x, backend.asarray(np.asarray(10.0)), 2.0)
    assert np.array_equal(backend.to_numpy(out), np.full(shape, 12.0))


def test_elementwise_writes_into_a_window(backend):
    """dW[l] and W[l] are views of a part of a vector."""
    flat = backend.asarray(np.ones(200_000))
    window = flat[50_000:150_000]
    backend.elementwise(kernel)(window, window, window, 1.0)
    assert backend.to_numpy(flat).sum() == 300_000


def double_in_place(xp, out):
    out *= 2.0


def test_compile_keeps_the_effect(backend):
    weights = backend.asarray(np.array([[1.0, 2.0]]))
    double = backend.elementwise(double_in_place)

    def step(x):
        double(weights)
        return backend.matmul(weights, x)

    compiled = backend.compile(step)
    columns = [[[1.0], [0.0]], [[0.0], [1.0]], [[1.0], [1.0]], [[3.0], [0.0]]]
    results = [compiled(backend.asarray(column)) for column in columns]
    backend.synchronize()
    assert [float(result[0, 0]) for result in results] == [2.0, 8.0, 24.0, 48.0]


def test_empty_has_the_shape_and_dtype(backend):
    a = backend.empty((2, 3), "float64")
    assert (a.shape, a.dtype) == ((2, 3), backend.xp.float64)
    assert a.device == backend.device


# -- the object --------------------------------------------------------------------------------


def test_a_pickle_is_the_same_object(backend):
    assert pickle.loads(pickle.dumps(backend)) is backend


def test_repr_names_the_backend_and_what_it_runs_on(backend):
    assert repr(backend) == f"<backend {backend.name}: {backend.description}>"
    assert isinstance(backend, Backend)
