"""The textbook: short, alone, and the same mathematics as the library."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from test_public import imports

import backprop_xp as bp
from backprop_xp import textbook
from backprop_xp.cli import main
from backprop_xp.textbook import Textbook

PATH = Path(textbook.__file__)
TEXT = PATH.read_text(encoding="utf-8")
EQUATIONS = ["I0", *(f"F{n}" for n in range(1, 5)), "J", *(f"B{n}" for n in range(1, 9))]
EQUATIONS += [f"U{n}" for n in range(1, 5)]


def pair(backend, sizes, seed=3):
    """The textbook's network and the library's, from the same seed."""
    options = {"hidden": "tanh", "output": "sigmoid", "dtype": "float64", "backend": backend}
    return Textbook(sizes, seed, backend.xp), bp.Network(sizes, seed=seed, **options)


def theta(backend, book):
    """The textbook's parameters, one after the other as in θ."""
    parts = (book.W1, book.b1, book.W2, book.b2)
    return np.concatenate([backend.to_numpy(part).ravel() for part in parts])


def close(a, b, tolerance=1e-12):
    return np.allclose(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("sizes", [(2, 4, 1), (3, 5, 2), (1, 1, 1)])
def test_a_training_run_is_the_library_s(backend, rng, sizes):
    """J, the gradient and θ agree in every one of 100 epochs."""
    book, net = pair(backend, sizes)
    host_X = rng.normal(size=(20, sizes[0]))
    host_Y = rng.integers(2, size=(20, sizes[2])).astype("float64")
    X, Y = book.xp.asarray(host_X), book.xp.asarray(host_Y)  # where xp itself would put them
    net_X, net_Y = backend.asarray(host_X), backend.asarray(host_Y)
    assert np.array_equal(theta(backend, book), backend.to_numpy(net.theta))
    first = None
    for _ in range(100):
        A1, A2 = book.forward(X)
        trace = net.forward(net_X)
        assert close(backend.to_numpy(A1), backend.to_numpy(trace.A[1]))
        assert close(backend.to_numpy(A2), backend.to_numpy(trace.A[2]))
        J = float(net.cost(trace, net_Y))
        assert close(book.cost(A2, Y), J)
        first = J if first is None else first
        mine, grads = book.backward(X, A1, A2, Y), net.backward(trace, net_Y)
        for part, whole in zip(mine, (grads.W[1], grads.b[1], grads.W[2], grads.b[2]), strict=True):
            assert part.shape == whole.shape
            assert close(backend.to_numpy(part), backend.to_numpy(whole))
        book.update(mine, 0.5)
        bp.SGD(0.5).update(net, grads)
        assert close(theta(backend, book), backend.to_numpy(net.theta))
    assert first - J > 0.02


def test_train_is_these_four_steps(backend):
    book, net = pair(backend, (2, 4, 1))
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    Y = np.array([[0.0], [1.0], [1.0], [0.0]])
    costs = book.train(book.xp.asarray(X), book.xp.asarray(Y), epochs=300, alpha=1.0)
    options = {"epochs": 300, "batch_size": 4, "optimizer": bp.SGD(1.0), "progress": False}
    history = bp.fit(net, X, Y, **options)
    assert close(costs, history.loss)
    assert close(theta(backend, book), backend.to_numpy(net.theta))
    assert costs[-1] < 0.05 < costs[0]


def test_it_is_one_short_page():
    lines = TEXT.splitlines()
    assert len(lines) <= 120
    assert max(map(len, lines)) <= 100
    # So that it can be shown and saved anywhere, whatever the encoding.
    assert TEXT.isascii()


def test_it_imports_nothing_of_the_package():
    assert set(imports(PATH)) == {"typing", "typing.Any", "numpy"}


def test_every_equation_is_there_once_and_in_order():
    """Each name stands in a comment at its line; those of F, J, B and U in the article's order."""
    names = []
    for line in TEXT.partition("class Textbook")[2].splitlines():
        comment = line.partition("#")[2]
        names += [word.strip(":") for word in comment.split() if word.strip(":") in EQUATIONS]
    assert sorted(names) == sorted([*EQUATIONS, "B7"])  # where its chain begins, and its value
    assert list(dict.fromkeys(names)) == EQUATIONS


def test_its_only_options_are_the_sizes():
    tree = ast.parse(TEXT)
    (init,) = (f for f in ast.walk(tree) if getattr(f, "name", "") == "__init__")
    assert [a.arg for a in init.args.args] == ["self", "sizes", "seed", "xp"]


def test_the_command_prints_the_file(capsys):
    assert main(["textbook"]) == 0
    assert capsys.readouterr().out == TEXT


def test_what_is_printed_runs_by_itself(tmp_path, capsys):
    """As `textbook > mine.py` and `python mine.py`, where the package is not installed."""
    main(["textbook"])
    (tmp_path / "mine.py").write_text(capsys.readouterr().out)
    command = [sys.executable, "-I", "mine.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("J = 0.7849 at first, 0.0006 at last\n[0. 0.] -> 0.0")
    assert "-> 0.999, should be 1" in done.stdout
