"""The command `learn`: the list, a lesson in the terminal, a notebook."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys

import pytest

from backprop_xp.cli import learn as command
from backprop_xp.cli import main
from backprop_xp.lessons.catalogue import Lesson, lesson, lessons
from backprop_xp.lessons.playing import play


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BACKEND", raising=False)


@pytest.fixture
def short(tmp_path):
    """A lesson of a few cells."""
    path = tmp_path / "07_short.py"
    path.write_text(
        "# %% [markdown]\n# # 7. Short\n#\n# Hello *you*.\n\n# %%\nx = 1\nprint('x is', x)\n\n"
        '# %% [markdown]\n# ## Task\n\n# %% tags=["task"]\ny = 0\n\n'
        "# %% tags=[\"check\"]\ndef check():\n    return 'solved' if y == x else 'not yet'\n\n\n"
        'print(check())\n\n# %% [markdown]\n# ## Solution\n\n# %% tags=["solution"]\ny = x\n'
        "print(check())\n",
        encoding="utf-8",
    )
    return Lesson(path)


def run(capsys, *arguments):
    code = main(list(arguments))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


# -- the list ------------------------------------------------------------------------------------


def test_the_list_names_every_lesson_in_a_line(capsys):
    code, out, _ = run(capsys, "learn")
    assert code == 0
    rows = [line for line in out.splitlines() if re.match(r" +\d", line)]
    assert len(rows) == len(lessons())
    for each, row in zip(lessons(), rows, strict=True):
        assert re.fullmatch(rf" *{each.number}  {re.escape(each.title)} +\d+ min", row)
        assert len(row) <= 80
    assert "python -m backprop_xp learn 1" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["learn", "99"], r"lesson 99: expected a number from 1 to \d+"),
        (["learn", "0"], "lesson 0: expected"),
        (["learn", "--notebook"], "learn: expected the number of a lesson, as in learn 1"),
        (["learn", "--all"], "learn: expected the number of a lesson"),
        (["learn", "1", "--notebook", "a.txt"], r"a\.txt: expected a name that ends in \.ipynb"),
    ],
)
def test_what_makes_no_sense(capsys, arguments, message):
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert re.match(f"backprop-xp: error: .*{message}", err)
    assert len(err.splitlines()) == 1


# -- step by step --------------------------------------------------------------------------------


def test_without_a_learner_nobody_waits(short, capsys):
    assert play(short)["y"] == 1
    lines = capsys.readouterr().out.split("\n")
    assert lines[:12] == [
        *["", "7. Short", "========", "", "Hello you.", ""],
        *["  | x = 1", "  | print('x is', x)", "", "x is 1", "", "Task"],
    ]


def test_it_waits_before_each_cell_and_before_the_solution(short, capsys):
    seen = []

    def ask(question):
        seen.append((question, capsys.readouterr().out))
        return True

    play(short, ask)
    questions = [question.strip() for question, _ in seen]
    runs, shows = "Enter runs this, q ends:", "Enter shows a solution, q ends:"
    assert questions == [runs, runs, runs, shows, runs]
    assert "print('x is', x)" in seen[0][1]
    assert "x is 1" not in seen[0][1]
    assert "x is 1" in seen[1][1]
    assert "python -m backprop_xp learn 7 --notebook" in seen[3][1]
    assert str(short.path) in seen[3][1]
    assert "y = x" not in seen[3][1]


@pytest.mark.parametrize(("last", "defined"), [(1, set()), (2, {"x"}), (4, {"x", "y", "check"})])
def test_the_learner_may_end_it(short, last, defined):
    answers = [True] * (last - 1) + [False]
    names = play(short, lambda question: answers.pop(0))
    assert set(names) - {"__name__", "__file__", "__builtins__"} == defined


@pytest.mark.parametrize(
    ("typed", "goes_on"),
    [("\n", True), ("x\n", True), ("q\n", False), (" Q \n", False), ("", False)],
)
def test_enter_goes_on_and_q_or_the_end_of_input_ends(monkeypatch, typed, goes_on):
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    assert command._ask("? ") is goes_on


def test_a_library_that_is_missing_is_one_line(short, capsys):
    text = short.path.read_text(encoding="utf-8").replace("x = 1", "import no_such_library")
    short.path.write_text(text, encoding="utf-8")
    from backprop_xp.errors import ConfigurationError

    with pytest.raises(ConfigurationError, match="lesson 7 goes no further: No module named 'no_s"):
        play(short)


def test_a_traceback_has_the_lines_of_the_file(short):
    text = short.path.read_text(encoding="utf-8").replace("print('x is', x)", "1 / 0")
    short.path.write_text(text, encoding="utf-8")
    with pytest.raises(ZeroDivisionError) as caught:
        play(short)
    assert caught.traceback[-1].lineno + 1 == text.splitlines().index("1 / 0") + 1


@pytest.mark.skipif(os.name != "posix", reason="no pseudo-terminals here")
@pytest.mark.parametrize("options", [[], ["--all"]])
def test_on_a_terminal(options):
    """It waits for Enter, unless it is to run at once."""
    import pty

    ours, theirs = pty.openpty()
    started = [sys.executable, "-m", "backprop_xp", "learn", "2", *options]
    with subprocess.Popen(started, stdin=theirs, stdout=theirs, stderr=theirs) as running:
        os.close(theirs)
        shown = b""
        while running.poll() is None or shown[-1:] != b"\n":
            try:
                shown += os.read(ours, 4096)
            except OSError:
                break
            if shown.endswith(b"q ends: "):
                os.write(ours, b"\n" if shown.count(b"q ends: ") < 3 else b"q\n")
    os.close(ours)
    assert running.returncode == 0
    assert shown.count(b"q ends: ") == (0 if options else 3)
    assert (b"solved: all differences agree" in shown) == bool(options)


# -- notebooks -----------------------------------------------------------------------------------


def test_a_notebook(capsys, tmp_path):
    nbformat = pytest.importorskip("nbformat")
    code, out, _ = run(capsys, "learn", "2", "--notebook")
    assert (code, out) == (0, "lesson 2 is in 02_chain_rule.ipynb\n")
    notebook = nbformat.read(tmp_path / "02_chain_rule.ipynb", as_version=4)
    nbformat.validate(notebook)
    cells = lesson(2).cells
    assert [cell.source for cell in notebook.cells] == [cell.source for cell in cells]
    kinds = ["markdown" if cell.is_text else "code" for cell in cells]
    assert [cell.cell_type for cell in notebook.cells] == kinds
    solution = notebook.cells[-1].metadata
    assert (solution["tags"], solution["jupyter"]) == (["solution"], {"source_hidden": True})
    names = {"__name__": "__main__"}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            exec(cell.source, names)
    assert names["check"]().startswith("solved")


def test_the_same_lesson_is_the_same_file(capsys, tmp_path):
    pytest.importorskip("nbformat")
    for name in ("a.ipynb", "b.ipynb"):
        assert run(capsys, "learn", "1", "--notebook", name)[0] == 0
    assert (tmp_path / "a.ipynb").read_bytes() == (tmp_path / "b.ipynb").read_bytes()


def test_a_notebook_with_work_in_it_is_kept(capsys, tmp_path):
    pytest.importorskip("nbformat")
    (tmp_path / "mine.ipynb").write_text("work")
    code, out, err = run(capsys, "learn", "1", "--notebook", "mine.ipynb")
    assert (code, out) == (2, "")
    assert "mine.ipynb: there is such a file, perhaps with work of yours in it" in err
    assert (tmp_path / "mine.ipynb").read_text() == "work"


def test_without_nbformat(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "nbformat", None)
    code, _, err = run(capsys, "learn", "1", "--notebook")
    assert code == 2
    assert 'nbformat, which is not installed: pip install "backprop-xp[docs]"' in err
    assert "a.txt: expected a name" in run(capsys, "learn", "1", "--notebook", "a.txt")[2]
