"""The public face, and the shape of the house behind it."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import pkgutil
import sys
from pathlib import Path

import pytest

import backprop_xp as bp

ROOT = Path(bp.__file__).parent
# From the ground up: a wing imports from itself and from those before it.
WINGS = [
    "errors",
    "wording",
    "backends",
    "storage",
    "maths",
    "sources",
    "training",
    "insight",
    "estimators",
    "tables",
]
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
)
PUBLIC = [name for name in bp.__all__ if not inspect.ismodule(getattr(bp, name))]


def imports(path):
    """The dotted names of all that a file imports, wherever it does."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            yield node.module


def rooms(wing):
    return sorted((ROOT / wing).glob("*.py"))


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


# -- the house ---------------------------------------------------------------------------------


@pytest.mark.parametrize("path", rooms("maths"), ids=lambda path: path.stem)
def test_the_maths_imports_no_array_library(path):
    """Only the standard library and this package: `xp` is handed in."""
    for name in imports(path):
        root = name.partition(".")[0]
        assert root == "backprop_xp" or root in sys.stdlib_module_names, f"{path.name}: {name}"
        assert name not in {f"backprop_xp.backends.{b}" for b in ("numpy", "cupy", "strict")}


@pytest.mark.parametrize(
    "path",
    [path for wing in WINGS[2:] for path in rooms(wing)],
    ids=lambda path: f"{path.parent.name}.{path.stem}",
)
def test_a_wing_imports_only_from_wings_below(path):
    allowed = WINGS[: WINGS.index(path.parent.name) + 1]
    for name in imports(path):
        package, _, rest = name.partition(".")
        if package == "backprop_xp":
            assert rest.partition(".")[0] in allowed, f"{path.parent.name}/{path.name}: {name}"


@pytest.mark.parametrize("name", ["errors", "wording"])
def test_what_all_may_use_is_at_the_bottom(name):
    used = imports(ROOT / f"{name}.py")
    assert not [module for module in used if module.startswith("backprop_xp")]


def test_cupy_is_imported_in_its_rooms_alone():
    importers = {
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*.py")
        if any("cupy" in name.split(".") for name in imports(path))
    }
    rooms = ("cupy", "cublas", "cuda_graph", "cuda_loop", "nccl", "pinned")
    assert importers == {f"backends/{room}.py" for room in rooms}
