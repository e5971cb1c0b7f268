"""Sessions: `nox -s tests` runs the test suite on every backend that is usable here."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nox

nox.options.sessions = ["tests", "lint", "types"]
nox.options.reuse_existing_virtualenvs = True

TEST_NEEDS = [
    "pytest>=8",
    "pytest-cov",
    "pytest-xdist",
    "hypothesis",
    "sympy",
    "array-api-strict>=2.4",
    "matplotlib>=3.8",
    "mpi4py>=4",
    "mpich",
    "nbformat>=5.10",
    "onnx>=1.16",
    "onnxruntime",
    "pandas>=2.2",
    "polars",
    "pyarrow>=16",
    "scikit-learn>=1.9",
    "scipy",
    "zarr>=3",
]
PEERS = ["torch==2.13.0", "scikit-learn>=1.9"]
COVERAGE = ["--cov", "--cov-report=term-missing", "--cov-fail-under=97"]
# A CUDA device emulated on the CPU, which runs the real CuPy: right or wrong, never how fast.
EMULATOR = Path(os.environ.get("CUDA_ON_CPU", "../shared/cuda_on_cpu")).resolve()
# When the emulated device does asynchronous work, and how strict its memory is.
EMULATED_MODES = [
    {"CUDA_ON_CPU_MODE": "lazy"},
    {"CUDA_ON_CPU_MODE": "lazy-default"},
    {"CUDA_ON_CPU_MODE": "random:1"},
    {"CUDA_ON_CPU_POOL": "poison"},
]
# What depends on the order of work: graphs, steps, streams and sources, estimators.
ASYNCHRONOUS = [
    "tests/backends",
    "tests/data/test_batches.py",
    "tests/data/test_row_weights.py",
    "tests/data/test_rows.py",
    "tests/estimators/test_arrays.py",
    "tests/estimators/test_beyond.py",
    "tests/estimators/test_conversion.py",
    "tests/maths/test_dropout.py",
    "tests/maths/test_members.py",
    "tests/model_selection",
    "tests/sources",
    "tests/training/populations",
    "tests/training/streaming/test_prefetch.py",
    "tests/training/streaming/test_stream_batches.py",
    "tests/training/streaming/test_streams.py",
    *(
        f"tests/training/test_{name}.py"
        for name in (
            "checkpoint",
            "divergence",
            "early_stopping",
            "evaluation",
            "fit",
            "own_methods",
            "step",
            "step_loop",
            "weight_scales",
        )
    ),
]
# Only these know CUDA; NCCL needs several devices.
COVERAGE_OF_CUDA = """\
[run]
branch = true
include =
    */backprop_xp/backends/cu*.py
    */backprop_xp/backends/pinned.py
"""
# A process of tests for each core, with BLAS on one thread: they would only wait for each other.
PARALLEL = ["-n", "auto", "--dist", "worksteal"]
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}


@nox.session
def tests(session: nox.Session) -> None:
    """Run the whole suite on every usable backend, with coverage."""
    session.install(".[numba]", *TEST_NEEDS)
    session.run("pytest", *PARALLEL, *COVERAGE, *session.posargs, env=ONE_THREAD)


@nox.session(name="tests-numpy")
def tests_numpy(session: nox.Session) -> None:
    """Run the suite on NumPy alone."""
    session.install(".", *TEST_NEEDS)
    session.run("pytest", *PARALLEL, *session.posargs, env=ONE_THREAD | {"BACKEND": "numpy"})


@nox.session(name="tests-numba")
def tests_numba(session: nox.Session) -> None:
    """Run the suite on Numba alone."""
    session.install(".[numba]", *TEST_NEEDS)
    session.run("pytest", *PARALLEL, *session.posargs, env=ONE_THREAD | {"BACKEND": "numba"})


@nox.session(name="tests-cupy")
def tests_cupy(session: nox.Session) -> None:
    """Run the suite on CuPy alone; fail where there is no usable GPU."""
    session.install(".[cuda13]", *TEST_NEEDS)
    session.run("pytest", *session.posargs, env={"BACKEND": "cupy"})


@nox.session(name="tests-emulated")
def tests_emulated(session: nox.Session) -> None:
    """Run the suite with CuPy on an emulated device, which CUDA_ON_CPU names; it needs gcc."""
    if not EMULATOR.is_dir():
        session.skip(f"no emulated device: CUDA_ON_CPU={EMULATOR} is no directory")
    if not (shutil.which("gcc") and shutil.which("g++")):
        session.skip("the emulated device is compiled when it is first used, and needs gcc and g++")
    session.install(".[cuda13]", "cupy-cuda13x==14.2.0", *TEST_NEEDS)
    session.install("--no-deps", "nvidia-cuda-crt")  # headers, for the emulated device alone
    emulated = ("python", "-m", EMULATOR.name, "python", "-m", "pytest", *PARALLEL)
    required = "--require-backend=cupy"
    settings = ONE_THREAD | {"BACKEND": "cupy", "PYTHONPATH": str(EMULATOR.parent)}
    if session.posargs:
        session.run(*emulated, required, *session.posargs, env=settings)
        return
    config = Path(session.create_tmp(), "coverage.ini")
    config.write_text(COVERAGE_OF_CUDA)
    coverage = [f"--cov-config={config}", *COVERAGE]
    session.run(*emulated, required, *coverage, env=settings)
    for mode in EMULATED_MODES:
        session.log(f"the tests of what is asynchronous, with {mode}")
        session.run(*emulated, required, *ASYNCHRONOUS, env=settings | mode)


@nox.session(name="tests-tracing")
def tests_tracing(session: nox.Session) -> None:
    """Trace every kernel with CuPy's fusion, which needs CuPy but no GPU."""
    # CuPy alone: the extra would bring gigabytes of CUDA libraries, which tracing does not touch.
    session.install(".", "cupy-cuda13x>=14", "pytest>=8", "array-api-strict>=2.4")
    session.run("pytest", "tests/backends", *session.posargs)


@nox.session(name="tests-minimal")
def tests_minimal(session: nox.Session) -> None:
    """Run the main job and the core tests with the run-time dependencies alone."""
    session.install(".", "pytest>=8")
    session.run("python", "-m", "backprop_xp", "train")
    session.run("pytest", *session.posargs, env={"BACKEND": "numpy"})


@nox.session(name="tests-peers")
def tests_peers(session: nox.Session) -> None:
    """Compare with PyTorch autograd and scikit-learn."""
    session.install(".", *TEST_NEEDS, *PEERS)
    session.run("pytest", *PARALLEL, "tests/peers", *session.posargs, env=ONE_THREAD)


@nox.session(name="tests-page")
def tests_page(session: nox.Session) -> None:
    """Test the page of explain in headless Chromium: the system's, or one that is downloaded."""
    session.install(".", "pytest>=8", "playwright")
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))):
        session.run("playwright", "install", "chromium")
    required = ("--require-browser", "tests/page", "tests/insight/test_page.py")
    session.run("pytest", *required, *session.posargs, env=ONE_THREAD | {"BACKEND": "numpy"})


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.install("ruff")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    session.install("mypy", "numpy>=2", "array-api-compat", "array-api-strict", "safetensors>=0.8")
    session.run("mypy")


@nox.session
def bench(session: nox.Session) -> None:
    """Time backprop_xp and its peers: `nox -s bench -- step --quick`, or step, fit and import."""
    session.install(".[mpi,parquet,zarr]", *PEERS, "jax", "matplotlib")
    session.run("python", "-m", "benchmarks", *(session.posargs or ["step", "fit", "import"]))


@nox.session
def pictures(session: nox.Session) -> None:
    """Draw the README's picture anew."""
    session.install(".[plot]")
    session.run("python", ".readme/pictures.py")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site into build/docs; a broken link or a public name without its place fails."""
    session.install(".[plot,sklearn,tables]", "zensical>=0.0.73", "mkdocstrings-python", "ruff")
    session.run("python", ".docs/build_site.py", "build/docs", env=ONE_THREAD)


@nox.session
def demo(session: nox.Session) -> None:
    """Run the main job as a newcomer would, then the gradient checks."""
    session.install(".")
    session.run("python", "-m", "backprop_xp", "train", *session.posargs)
    session.run("python", "-m", "backprop_xp", "check")
    session.run("python", "-m", "backprop_xp", "backends")


@nox.session
def package(session: nox.Session) -> None:
    """Build the sdist and, from it, the wheel; the installed wheel runs the main job."""
    session.install("build")
    dist = session.create_tmp()
    session.run("python", "-m", "build", "--outdir", dist)
    session.run("python", "-m", "pip", "install", "--find-links", dist, "backprop-xp")
    with session.chdir(dist):  # away from the checkout, so that the installed package runs
        session.run("python", "-m", "backprop_xp", "train")
        session.run("python", "-m", "backprop_xp", "explain", "--html", "page.html")


@nox.session
def release(session: nox.Session) -> None:
    """Build a release into dist, check it and print the text of its tag; publish nothing."""
    session.install("build", "twine")
    session.run("python", ".ci/release.py", "dist")
