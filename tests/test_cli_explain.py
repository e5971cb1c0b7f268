"""`python -m backprop_xp explain`: the chain rule in a terminal and as a picture."""

from __future__ import annotations

import sys

import pytest

from backprop_xp.cli import main


@pytest.fixture(autouse=True)
def no_choice(monkeypatch):
    monkeypatch.delenv("BACKEND", raising=False)


def run(capsys, *arguments):
    """The exit code, the lines on stdout, and stderr."""
    code = main(["explain", *arguments])
    captured = capsys.readouterr()
    return code, captured.out.splitlines(), captured.err


def test_the_article_s_network(capsys, backend):
    code, lines, _ = run(capsys, "--backend", backend.name)
    assert code == 0
    assert "a 2-3-1 network (tanh → sigmoid, binary cross entropy)" in lines[0]
    assert lines[1].startswith("m = 4 examples")
    assert sum("central differences: ✓" in line for line in lines) == 4
    assert lines[-1] == "and the products of the factors are the gradients of net.backward."
    for name in ("F1", "F2", "F3", "F4", "J", "B1", "B2", "B5", "B6", "B7", "B8", "U1", "U4"):
        assert any(line.startswith(f" {name} ") for line in lines), name
    assert max(map(len, lines)) <= 100


def test_options(capsys):
    _, lines, _ = run(capsys, "--hidden", "4,3", "--rows", "7")
    assert "a 2-4-3-1 network" in lines[0]
    assert lines[1].startswith("m = 7 examples")
    assert "a 2-1 network" in run(capsys, "--hidden", "")[1][0]
    assert run(capsys, "--seed", "1")[1] == run(capsys, "--seed", "1")[1]
    assert run(capsys, "--seed", "1")[1] != run(capsys, "--seed", "2")[1]


def test_no_example_is_trivial(capsys):
    """No coordinate is 0, where factors would vanish."""
    _, lines, _ = run(capsys, "--rows", "6")
    start = next(i for i, line in enumerate(lines) if line.startswith(" X "))
    rows = [line.split()[-2:] for line in lines[start : start + 6]]
    assert all(0 < float(x) < 1 for row in rows for x in row)


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_plot(capsys, tmp_path, suffix):
    pytest.importorskip("matplotlib")
    path = tmp_path / f"graph.{suffix}"
    code, lines, _ = run(capsys, "--plot", str(path))
    assert (code, lines[-1]) == (0, f"The computational graph is in {path}")
    assert path.stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--plot", "graph.jpeg"], "no such kind of picture"),
        (["--plot", "graph"], "The choices are: .pdf, .png, .svg"),
        (["--plot", "/nowhere/at/all/graph.png"], "there is no directory /nowhere/at/all"),
        (["--rows", "0"], "--rows=0: expected a positive integer"),
        (["--hidden=-3"], "expected two or more positive integers"),
        (["--seed=-1"], "seed=-1"),
        (["--backend", "nmupy"], "no such backend"),
    ],
)
def test_bad_input_is_one_line(capsys, arguments, message):
    code, lines, stderr = run(capsys, *arguments)
    assert (code, lines) == (2, [])
    assert stderr.startswith("backprop-xp: error: ")
    assert len(stderr.splitlines()) == 1
    assert message in stderr


def test_widths_that_are_no_numbers(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["explain", "--hidden", "three"])
    assert "'three': expected widths such as 3 or 4,3" in capsys.readouterr().err


def test_no_matplotlib(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, lines, stderr = run(capsys, "--plot", "graph.png")
    assert (code, lines) == (2, [])
    assert 'pip install "backprop-xp[plot]"' in stderr


def test_a_wrong_gradient_is_an_exit_code(capsys, monkeypatch):
    import backprop_xp as bp
    from backprop_xp.maths.activations import ACTIVATIONS

    wrong = bp.Activation("tanh", lambda xp, z: xp.tanh(z), lambda xp, z, a: 1.0 - a)
    monkeypatch.setitem(ACTIVATIONS, "tanh", wrong)
    code, lines, _ = run(capsys)
    assert code == 1
    assert any("✗ WRONG" in line for line in lines)
