"""What only the compiled backend has: its code, its cache, its arithmetic."""

from __future__ import annotations

import logging
import math
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import backprop_xp as bp

pytest.importorskip("llvmlite")

from backprop_xp.backends import numba_blas, numba_cache
from backprop_xp.backends.numba_code import Code
from backprop_xp.backends.numba_loops import Loop
from backprop_xp.backends.numba_products import BLAS_WORK, by_blas
from backprop_xp.backends.numba_record import NotCompilable, Product, Record
from backprop_xp.backends.numba_steps import Compiled
from backprop_xp.backends.recording import recorded_by
from backprop_xp.maths.special import normal_cdf

DTYPES = ["float32", "float64"]
ONES = np.ones((1, 1))


@pytest.fixture(scope="module")
def numba_backend():
    return bp.get_backend("numba")


def code_of(backend, sizes, rows, optimizer, **options):
    """The code of a step on so many rows."""
    net = bp.Network(sizes, backend=backend, **options)
    step = bp.train_step(net, optimizer)
    batch = tuple(np.empty((rows, n), net.dtype) for n in (sizes[0], sizes[-1]))
    record = Record(batch)
    with recorded_by(record):
        result = step.on_rows(*batch)[0]
    return Code(record, [(x.shape, x.dtype) for x in batch], result)


def compiled(backend, kernel, *arrays):
    """A function that runs a kernel on these arrays, of which the first is a batch, as a step."""

    def step(x):
        backend.elementwise(kernel)(*arrays[:1], x, *arrays[1:])
        return backend.matmul(ONES, ONES)

    return Compiled(step, (np.empty_like(arrays[0]),)).once


# -- the code --------------------------------------------------------------------------------------


def test_a_step_of_two_layers_is_four_loops_and_eight_products(numba_backend):
    """Layer 1; layer 2, loss and dZ[2]; dZ[1]; the update. Nothing in between goes to memory."""
    options = {"hidden": "tanh", "output": "sigmoid"}
    for optimizer in (bp.SGD(0.1), bp.Adam(), bp.AdamW()):
        code = code_of(numba_backend, [5, 8, 1], 16, optimizer, **options)
        loops = [group.shape for group in code.groups if isinstance(group, Loop)]
        assert loops == [(16, 8), (16, 1), (16, 8), (5 * 8 + 8 + 8 + 1,)]
        products = [group for group in code.groups if isinstance(group, Product)]
        assert len(products) == 8  # Z[1], Z[2], J; dW[2], db[2], dA[1], dW[1], db[1]
        assert not code.kept


def test_what_is_computed_twice_is_computed_once(numba_backend):
    """Both e^(−|z|) of sigmoid and cross-entropy, and the maximum and the sum of softmax."""
    code = code_of(numba_backend, [5, 8, 1], 16, bp.SGD(0.1))
    loops = [group for group in code.groups if isinstance(group, Loop)]
    assert sum(o.described == "exp float32" for _, o in loops[1].operations) == 2
    code = code_of(numba_backend, [5, 8, 3], 16, bp.SGD(0.1), output="softmax")
    softmax = next(group for group in code.groups if isinstance(group, Loop) and group.reduces)
    described = [o.described for _, o in softmax.operations]
    assert (described.count("max"), described.count("sum")) == (1, 1)
    assert described.count("exp float32") == 1
    # e^z and z − max z outlive the pass over a row that makes them: one row of each is kept.
    assert [view.shape for view in code.kept.values()] == [(3,), (3,)]


def test_equal_layers_share_their_functions(numba_backend):
    from llvmlite import ir

    code = code_of(numba_backend, [4, 4, 4, 4, 4, 4, 1], 4, bp.SGD(0.1))
    builder = ir.IRBuilder()
    module = ir.Module()
    count = len(Code.ARGUMENTS) + len(code.inputs) + 1
    kind = ir.FunctionType(ir.VoidType(), [ir.IntType(64)] * count)
    function = ir.Function(module, kind, "run")
    builder.position_at_end(function.append_basic_block())
    code.write(builder, function.args)
    written = [f for f in module.functions if f.name.startswith("run.part")]
    assert len(code.groups) > 30
    assert len(written) < 18


def test_large_products_go_to_blas_and_small_ones_do_not(numba_backend):
    code = code_of(numba_backend, [30, 64, 1], 64, bp.SGD(0.1))
    how = {
        group.a.shape + group.b.shape: by_blas(group) is not None
        for group in code.groups
        if isinstance(group, Product)
    }
    assert how[64, 30, 30, 64]
    assert not how[64, 64, 64, 1]
    assert not how[1, 64, 64, 64]
    assert all(
        by_blas(group) is None
        for group in code_of(numba_backend, [2, 4, 1], 4, bp.SGD(0.1)).groups
        if isinstance(group, Product)
    )
    assert 4 * 4 * 4 < BLAS_WORK < 64 * 30 * 64


def test_arrays_that_overlap_are_not_in_one_loop(numba_backend, rng):
    """Each would read what the other has written, at other places."""
    memory, twin = (rng.normal(size=9) for _ in range(2))
    twin[...] = memory

    def kernel(xp, out, x, shifted):
        out[...] = 2.0 * x + 0.0 * shifted

    def kernels(where, x, run):
        run(where[1:], x, where[:-1])
        run(where[:-1], where[1:], x)

    def step(x):
        kernels(memory, x, numba_backend.elementwise(kernel))
        return numba_backend.matmul(ONES, ONES)

    x = rng.normal(size=8)
    Compiled(step, (np.empty(8),)).once(x)
    kernels(twin, x, lambda out, *others: kernel(np, out, *others))
    np.testing.assert_allclose(memory, twin, rtol=1e-15)


# -- arithmetic ------------------------------------------------------------------------------------


def samples(dtype, rng):
    """Numbers of every size, and those where something else begins."""
    info = np.finfo(dtype)
    log_tiny, log_max = math.log(float(info.tiny)), math.log(float(info.max))
    logs = rng.uniform(log_tiny - 15, log_max - 1e-3, 20_000)
    some = [np.exp(logs), -np.exp(logs), rng.uniform(log_tiny * 1.1, log_max, 20_000)]
    some += [scale * rng.standard_normal(20_000) for scale in (1.0, 1e-3, 20.0)]
    some += [1.0 + 1e-3 * rng.standard_normal(20_000)]
    edges = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0]
    edges += [info.tiny, -info.tiny, info.max, info.min, info.smallest_subnormal, log_max, log_tiny]
    with np.errstate(over="ignore", under="ignore"):
        return np.concatenate([*some, edges]).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["exp", "expm1", "log", "log1p", "tanh"])
def test_functions_are_within_three_units_in_the_last_place(numba_backend, rng, name, dtype):
    x = samples(dtype, rng)
    got = np.empty_like(x)

    def kernel(xp, out, x):
        out[...] = getattr(xp, name)(x)

    compiled(numba_backend, kernel, got)(x)
    with np.errstate(all="ignore"):
        exact = getattr(np, name)(x.astype(np.longdouble))
        rounded = exact.astype(dtype)
    if np.finfo(np.longdouble).nmant <= np.finfo(dtype).nmant:
        pytest.skip("there is no wider format to compare with on this machine")
    finite = np.isfinite(rounded) & np.isfinite(exact)
    np.testing.assert_array_equal(got[~finite], rounded[~finite])
    numbers = ~np.isnan(rounded)
    np.testing.assert_array_equal(np.signbit(got[numbers]), np.signbit(rounded[numbers]))
    error = np.abs(got[finite].astype(np.longdouble) - exact[finite])
    assert (error / np.spacing(np.abs(rounded[finite]))).max() <= 3


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_normal_distribution_is_as_exact_as_on_numpy(numba_backend, rng, dtype):
    z = np.concatenate([rng.uniform(-40, 40, 2000), [0.0, -0.0, np.inf, -np.inf, np.nan]])
    z = z.astype(dtype)
    got = np.empty_like(z)

    def kernel(xp, out, z):
        out[...] = normal_cdf(xp, z)

    compiled(numba_backend, kernel, got)(z)
    with np.errstate(under="ignore"):
        wanted = normal_cdf(np, z)
    eps = float(np.finfo(dtype).eps)
    # The tail is e^(−z²/2) times something: an error of z²/2 units in the exponent.
    np.testing.assert_allclose(got, wanted, rtol=2000 * eps, atol=np.finfo(dtype).tiny)
    near = np.abs(z) < 3
    np.testing.assert_allclose(got[near], wanted[near], rtol=20 * eps)


@pytest.mark.parametrize("dtype", DTYPES)
def test_operations_keep_nan_and_infinities(numba_backend, dtype):
    values = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.5, -2.0], dtype)
    x, y = (part.ravel().copy() for part in np.meshgrid(values, values))

    def kernels(xp):
        return [
            lambda x, y: xp.maximum(x, y),
            lambda x, y: xp.minimum(x, y),
            lambda x, y: xp.where(x > y, x, y),
            lambda x, y: xp.where(x != y, x, 0.0) + xp.where(x == y, 1.0, y),
            lambda x, y: x / y,
            lambda x, y: x * y - y,
            lambda x, y: xp.sign(x) + y,
            lambda x, y: xp.abs(x) + xp.sqrt(xp.abs(y)),
            lambda x, y: xp.ceil(x) * (x <= y),
            lambda x, y: x**0 + y**3 + x**-1 + xp.square(y),
            lambda x, y: xp.maximum(-x, 0.25) + xp.floor(y),
        ]

    for i in range(len(kernels(np))):
        out = np.empty_like(x)

        def kernel(xp, out, x, y, i=i):
            out[...] = kernels(xp)[i](x, y)

        compiled(numba_backend, kernel, out, y)(x)
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(out, kernels(np)[i](x, y).astype(dtype), f"kernel {i}")


def test_integers_wrap_around_as_on_numpy(numba_backend, rng):
    x = rng.integers(2**32, size=100, dtype=np.uint32)
    key = np.uint32(0x9E3779B9) + np.zeros(100, np.uint32)
    out = np.empty_like(x)

    def kernel(xp, out, x, key):
        out[...] = ((x ^ key ^ (x >> 15)) * 0x846CA68B) + (x & key) - (x | key)

    compiled(numba_backend, kernel, out, key)(x)
    wanted = np.empty_like(x)
    kernel(np, wanted, x, key)
    np.testing.assert_array_equal(out, wanted)


@pytest.mark.parametrize("dtype", DTYPES)
def test_products_without_a_blas_that_can_be_called(numba_backend, rng, dtype):
    """NumPy's matmul takes its place, whatever is transposed."""
    import ctypes

    address = numba_blas.address_of_callback(dtype)
    kind = {"float32": ctypes.c_float, "float64": ctypes.c_double}[dtype]
    integer, pointer = ctypes.c_int64, ctypes.c_void_p
    gemm = ctypes.CFUNCTYPE(
        None,
        *([integer] * 6), kind, pointer, integer, pointer, integer, kind, pointer, integer,
    )(address)  # fmt: skip
    m, n, k = 3, 5, 4
    for transpose_a in (111, 112):
        for transpose_b in (111, 112):
            a, b = rng.normal(size=(m, k)).astype(dtype), rng.normal(size=(k, n)).astype(dtype)
            by_columns = [
                np.array(x if t == 111 else x.T, order="F")
                for x, t in ((a, transpose_a), (b, transpose_b))
            ]
            out = np.full((m, n), np.nan, dtype, order="F")
            gemm(
                102, transpose_a, transpose_b, m, n, k,
                1.0, by_columns[0].ctypes.data, len(by_columns[0]),
                by_columns[1].ctypes.data, len(by_columns[1]), 0.0, out.ctypes.data, m,
            )  # fmt: skip
            np.testing.assert_allclose(out, a @ b, rtol=1e-5)


def test_numpys_own_blas_is_found_where_its_wheels_bring_one(numba_backend):
    if not list(Path(np.__file__).parent.parent.glob("numpy.libs/*openblas64*")):
        pytest.skip("this NumPy has no BLAS of its own")
    assert numba_blas.address_in_numpy("float32")
    assert numba_blas.address_in_numpy("float64")


# -- batches, activations --------------------------------------------------------------------------


def test_batches_in_any_layout_of_memory(numba_backend, rng):
    net = bp.Network([3, 4, 1], backend=numba_backend)
    theta = net.theta.copy()
    step = bp.train_step(net, bp.SGD(0.1))
    X, Y = rng.normal(size=(6, 3)).astype("f4"), np.ones((6, 1), "f4")
    wanted = step(X, Y)
    by_columns, read_only, every_second = np.asfortranarray(X), X.copy(), np.repeat(X, 2, 0)[::2]
    read_only.flags.writeable = False
    for other in (by_columns, read_only, every_second):
        net.theta = theta
        assert step(other, Y) == wanted


def test_data_that_may_not_be_written_are_trained_on_where_they_are(numba_backend, tmp_path, rng):
    X, Y = rng.normal(size=(40, 3)).astype("f4"), rng.integers(2, size=(40, 1)).astype("f4")
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    thetas = []
    for given in (X, mapped):
        net = bp.Network([3, 4, 1], backend=numba_backend)
        bp.fit(net, given, Y, epochs=2, batch_size=8)
        thetas.append(net.theta)
    np.testing.assert_array_equal(*thetas)


def test_an_activation_that_cannot_be_compiled_runs_as_on_numpy(numba_backend, rng, caplog):
    def branching(xp, z):
        return z if float(xp.sum(z)) > 1e9 else xp.tanh(z)

    own = bp.Activation("own", branching, lambda xp, z, a: 1.0 - a * a)
    X, Y = rng.normal(size=(20, 3)), rng.integers(2, size=20)
    thetas = []
    for backend in ("numpy", numba_backend):
        net = bp.Network([3, 4, 1], own, backend=backend)
        with caplog.at_level(logging.WARNING, "backprop_xp"):
            bp.fit(net, X, Y, epochs=3, batch_size=8)
        thetas.append(net.theta)
    np.testing.assert_array_equal(*thetas)
    said = [record.message for record in caplog.records if "as on NumPy" in record.message]
    assert len(said) == 1
    assert "not compiled" in said[0]


def test_a_function_without_a_compiled_form(numba_backend):
    own = bp.Activation("own", lambda xp, z: xp.arctan(z), lambda xp, z, a: 1.0 / (1.0 + z * z))
    with pytest.raises(NotCompilable, match="arctan"):
        code_of(numba_backend, [3, 4, 1], 8, bp.SGD(0.1), hidden=own)


NETWORKS = {
    "penalties": {"l1": 0.01, "l2": 0.1},
    "dropout": {"dropout": 0.3},
    "softmax": {"output": "softmax"},
    "deep": {"sizes": [6, 5, 5, 5, 3], "hidden": ["elu", "gelu", "silu"]},
    "poisson": {"output": "softplus", "loss": "poisson", "hidden": "leaky_relu"},
    "huber": {"output": "identity", "loss": "huber", "hidden": "softplus"},
    "absolute": {"output": "tanh", "loss": "absolute_error", "hidden": "relu"},
    "population": {"members": 3, "l2": [0.0, 0.1, 0.2], "l1": 0.01, "dropout": 0.2},
    "population with softmax": {"members": 2, "output": "softmax"},
}
FITS = {
    "plain": {},
    "clipping": {"clip_norm": 0.05},
    "weights": {"sample_weight": np.linspace(0.0, 2.0, 80)},
    "a large batch": {"batch_size": 80},
}


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("network", NETWORKS)
def test_50_steps_are_those_of_numpy(numba_backend, rng, network, fit):
    options = {"sizes": [6, 8, 3], "hidden": "tanh", "dtype": "float64", **NETWORKS[network]}
    X, Y = rng.normal(size=(80, 6)), np.eye(3)[rng.integers(3, size=80)]
    thetas, losses = [], []
    for backend in ("numpy", numba_backend):
        net = bp.Network(**options, backend=backend)
        steps = {"batch_size": 16, "epochs": 10, "optimizer": bp.Momentum(0.02), **FITS[fit]}
        history = bp.fit(net, X, Y, **steps)
        thetas.append(net.theta)
        losses.append(history.loss)
    np.testing.assert_allclose(*thetas, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(*losses, rtol=1e-12)


# -- the cache -------------------------------------------------------------------------------------

STEP = """
import logging, sys
logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
import numpy as np
import backprop_xp as bp
net = bp.Network([3, {hidden}, 1], backend="numba")
step = bp.train_step(net, bp.SGD(0.1))
for _ in range(3):
    step(np.ones((64, 3), "f4"), np.ones((64, 1), "f4"))  # large enough for BLAS
print(repr(net.theta.sum().item()))
"""


def process(tmp_path, hidden=64, **environment):
    program = STEP.format(hidden=hidden)
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), **environment}
    return subprocess.Popen(
        [sys.executable, "-c", program], env=env, stdout=subprocess.PIPE, text=True
    )


def last_line(run):
    out, _ = run.communicate(timeout=300)
    assert run.returncode == 0
    return out.splitlines()[-1]


def files(tmp_path, ending):
    return sorted(tmp_path.rglob(f"*{ending}"))


def test_processes_at_once_and_later_ones_share_the_cache(tmp_path):
    sums = {last_line(run) for run in [process(tmp_path) for _ in range(3)]}
    code = files(tmp_path, ".o")
    assert len(code) == 1
    when = [path.stat().st_mtime_ns for path in code]
    sums.add(last_line(process(tmp_path)))
    assert files(tmp_path, ".o") == code
    assert [path.stat().st_mtime_ns for path in code] == when
    assert len(sums) == 1
    assert not files(tmp_path, ".tmp")


@pytest.mark.parametrize("damage", [lambda x: b"", lambda x: b"damaged", lambda x: x[:-9]])
def test_damaged_files_are_compiled_anew(tmp_path, damage):
    wanted = last_line(process(tmp_path))
    (path,) = files(tmp_path, ".o")
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert last_line(process(tmp_path)) == wanted
    assert path.read_bytes() == whole


def test_a_directory_that_cannot_be_written_to(tmp_path):
    place = tmp_path / "a file"
    place.write_text("not a directory")
    out, _ = process(place).communicate(timeout=300)
    assert "not kept on disk" in out
    assert out.splitlines()[-1] == last_line(process(tmp_path / "other"))


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_where_the_cache_is(monkeypatch, platform, tmp_path):
    monkeypatch.setattr(sys, "platform", platform)
    for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    assert numba_cache.directory().is_relative_to(Path.home())
    assert numba_cache.directory().name == "backprop_xp"
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert numba_cache.directory() == tmp_path / "backprop_xp"


def test_a_long_compilation_is_said(numba_backend, monkeypatch, caplog, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(numba_cache, "_PATIENCE", 0.0)
    monkeypatch.setattr(numba_cache, "_runs", {})
    net = bp.Network([3, 2, 1], backend=numba_backend)
    with caplog.at_level(logging.INFO, "backprop_xp"):
        bp.train_step(net, bp.SGD(0.1))(np.ones((4, 3), "f4"), np.ones((4, 1), "f4"))
    assert any("compiling" in record.message for record in caplog.records)


# -- threads and processes -------------------------------------------------------------------------


def train(seed):
    rng = np.random.default_rng(seed)
    net = bp.Network([4, 6, 1], seed=seed, backend="numba")
    X, Y = rng.normal(size=(64, 4)), rng.integers(2, size=64)
    bp.fit(net, X, Y, epochs=5, batch_size=8, seed=seed)
    return net.theta.tolist()


def test_threads_train_networks_of_their_own(numba_backend):
    expected = [train(seed) for seed in range(6)]
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(train, range(6))) == expected


def test_steps_run_in_a_forked_process(numba_backend):
    if not hasattr(os, "fork"):
        pytest.skip("this system has no fork")
    expected = train(0)
    program = (
        "import os, sys\n"
        "sys.path[:0] = " + repr(sys.path) + "\n"
        "from backends.test_numba import train\n"
        "first = train(0)\n"
        "if (pid := os.fork()) == 0:\n"
        "    os._exit(0 if train(0) == first and train(1) else 1)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), first)\n"
    )
    tests = str(Path(__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([tests, *sys.path])},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stdout == f"0 {expected}\n", done.stderr


def test_python_goes_on_while_steps_run(numba_backend):
    """Compiled code holds no lock of the interpreter."""
    net = bp.Network([64, 256, 1], backend=numba_backend)
    X, Y = np.ones((512, 64), "f4"), np.ones((512, 1), "f4")
    step = bp.train_step(net, bp.SGD(0.01))
    step(X, Y)
    turns = threading.Event()

    def turn():
        turns.set()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000.0)  # a thread gives the lock away only where it says so
    try:
        threading.Thread(target=turn).start()
        for _ in range(200):
            step(X, Y)
        assert turns.is_set()
    finally:
        sys.setswitchinterval(interval)
