"""The public names, and the layers behind them."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import pkgutil
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from layers import LAYERS

import backprop_xp as bp

ROOT = Path(bp.__file__).parent
# Imports inside a function that run up, or close a circle, on purpose: (from, to).
UPWARD = {
    # A history draws itself, as users expect of it; drawing is built on training.
    ("training.history", "insight.history_plot"),
}
ERRORS = {
    bp.BackendError: RuntimeError,
    bp.ConfigurationError: ValueError,
    bp.ShapeError: ValueError,
    bp.DataError: ValueError,
    bp.DivergenceError: ArithmeticError,
    bp.CheckpointError: ValueError,
}
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages([str(ROOT)], "backprop_xp.")
    if not module.name.endswith("__main__")  # which runs the command line
    and not module.name.partition("lessons.")[2][:1].isdigit()  # which are scripts
)
PUBLIC = [name for name in bp.__all__ if not inspect.ismodule(getattr(bp, name))]


def imports(path):
    """The dotted names of all that a file imports, wherever it does, but for type checking."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        inside
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inside in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_name(path):
    """The name of a file's module within the package."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


# Lessons are scripts, which nothing imports, and which use all that users have.
FILES = {own_name(path): path for path in sorted(ROOT.rglob("*.py")) if not path.name[0].isdigit()}
# What each file of the package imports of it; a name in a package's __init__ is that package.
IMPORTS = {
    name: {
        imported.removeprefix("backprop_xp.")
        for imported in imports(path)
        if imported.removeprefix("backprop_xp.") in FILES
    }
    - {name}
    - {above for below, above in UPWARD if below == name}
    for name, path in FILES.items()
}


# -- names, docstrings, examples ---------------------------------------------------------------


def test_all_is_complete():
    from_elsewhere = {"TYPE_CHECKING", "Any"}
    public = {
        name
        for name in dir(bp)
        if not name.startswith("_") and not inspect.ismodule(getattr(bp, name))
    } - from_elsewhere
    assert set(bp.__all__) == public | {"datasets", "sources"}


def test_all_is_sorted():
    """Constants, classes, functions, each in the alphabet's order."""
    in_order = sorted(bp.__all__, key=lambda name: (not name.isupper(), name[0].islower(), name))
    assert in_order == bp.__all__


@pytest.mark.parametrize("name", PUBLIC)
def test_everything_public_has_a_docstring_with_an_example(name):
    thing = getattr(bp, name)
    assert thing.__doc__
    if not (inspect.isclass(thing) and issubclass(thing, Exception)):
        assert ">>>" in thing.__doc__


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name, monkeypatch):
    monkeypatch.delenv("BACKEND", raising=False)
    needs = {"strict": "array_api_strict"}
    needs |= dict.fromkeys(("cupy", "cublas", "cuda_graph", "cuda_loop", "nccl", "pinned"), "cupy")
    needs |= {"history_plot": "matplotlib", "decision_boundary": "matplotlib"}
    needs |= {"parquet_files": "pyarrow", "zarr_arrays": "zarr"}
    needs |= {m.rpartition(".")[2]: "llvmlite" for m in MODULES if ".backends.numba" in m}
    library = "sklearn" if ".estimators" in name else needs.get(name.rpartition(".")[2])
    if library:
        pytest.importorskip(library)
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert failed == 0


def test_types_are_shipped():
    assert (ROOT / "py.typed").exists()


# -- errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", ERRORS)
def test_each_error_is_of_the_family_and_a_built_in(error):
    assert issubclass(error, bp.BackpropError)
    assert issubclass(error, ERRORS[error])


def test_no_error_is_left_out():
    family = {getattr(bp, name) for name in bp.__all__ if name.endswith("Error")}
    assert family == {bp.BackpropError, *ERRORS}
    assert not issubclass(bp.BackpropError, (ValueError, RuntimeError, ArithmeticError))


# -- layers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("maths.")])
def test_the_maths_imports_no_array_library(name):
    """Only the standard library and this package: `xp` is handed in."""
    for imported in imports(FILES[name]):
        root = imported.partition(".")[0]
        assert root == "backprop_xp" or root in sys.stdlib_module_names, f"{name}: {imported}"
    assert not IMPORTS[name] & {f"backends.{b}" for b in ("numpy", "cupy", "strict")}


def test_private_names_of_scikit_learn_are_kept_to_one_file():
    private = {
        name
        for name, path in FILES.items()
        for imported in imports(path)
        if imported.startswith("sklearn.") and any(p[0] == "_" for p in imported.split("."))
    }
    assert private == {"estimators.sklearn_private"}


def test_every_file_is_in_a_layer():
    entrances = {"backprop_xp", "__init__", "__main__"}
    assert {name.partition(".")[0] for name in FILES} - entrances == set(LAYERS)


@pytest.mark.parametrize("name", [name for name in FILES if name.partition(".")[0] in LAYERS])
def test_imports_run_down(name):
    layer = LAYERS.index(name.partition(".")[0])
    upward = {i for i in IMPORTS[name] if LAYERS.index(i.partition(".")[0]) > layer}
    assert not upward, f"{name} imports {', '.join(sorted(upward))}, which lie above it"


def test_there_are_no_circles_of_imports():
    try:
        list(TopologicalSorter(IMPORTS).static_order())
    except CycleError as problem:
        pytest.fail(f"a circle of imports: {' → '.join(problem.args[1])}")


def test_exceptions_are_needed():
    for below, above in UPWARD:
        assert f"backprop_xp.{above}" in set(imports(FILES[below]))


def test_cupy_is_imported_by_its_own_files_alone():
    importers = {
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*.py")
        if any("cupy" in name.split(".") for name in imports(path))
    }
    own = ("cupy", "cublas", "cuda_graph", "cuda_loop", "nccl", "pinned")
    assert importers == {f"backends/{name}.py" for name in own}
