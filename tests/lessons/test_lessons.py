"""Every lesson runs, on every backend; its task is open, and its solution solves it."""

from __future__ import annotations

import importlib.util
import re
import sys
import tempfile

import pytest

from backprop_xp.lessons.catalogue import lessons
from backprop_xp.lessons.playing import play

LESSONS = {lesson.path.stem: lesson for lesson in lessons()}
DRAWING = [name for name, each in LESSONS.items() if "drawing." in each.path.read_text("utf-8")]
NEEDS = {"10": ["pandas"], "11": ["sklearn"]}


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """Pictures are written where the learner is."""
    monkeypatch.chdir(tmp_path)


def runnable(name):
    for library in NEEDS.get(name[:2], []):
        pytest.importorskip(library)
    return LESSONS[name]


@pytest.mark.parametrize("name", LESSONS)
def test_it_runs_and_its_task_can_be_solved(name, backend, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("BACKEND", backend.name)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # however long the machine's own is
    names = play(runnable(name))
    printed = capsys.readouterr().out
    assert names["check"]().startswith("solved")
    assert re.findall(r"^(not yet|solved):", printed, re.M) == ["not yet", "solved"]
    for line in printed.replace(str(tmp_path), "~").splitlines():
        assert len(line) <= 110, line
    drawn = re.findall(r"^The picture is in (.*)$", printed, re.M)
    if importlib.util.find_spec("matplotlib"):
        assert sorted(drawn) == sorted(map(str, tmp_path.glob("*.png")))
        assert "No picture" not in printed


def test_there_are_lessons_that_draw():
    assert len(DRAWING) >= 5


@pytest.mark.parametrize("name", DRAWING)
def test_it_can_be_read_without_matplotlib(name, monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    names = play(runnable(name))
    assert names["check"]().startswith("solved")
    printed = capsys.readouterr().out
    assert "No picture here: pictures are drawn with matplotlib, which is not inst" in printed
    assert 'pip install "backprop-xp[plot]"' in printed
    assert not list(tmp_path.glob("*.png"))


@pytest.mark.parametrize("name", LESSONS)
def test_its_parts(name):
    lesson = LESSONS[name]
    assert lesson.number == list(LESSONS).index(name) + 1
    first = lesson.cells[0]
    assert first.is_text
    assert re.match(rf"# {lesson.number}\. {re.escape(lesson.title)}\n\n[`\w]", first.source)
    assert 5 <= len(lesson.title) <= 62
    assert 5 <= lesson.minutes <= 15
    assert [cell.tag for cell in lesson.cells if cell.tag] == ["task", "check", "solution"]
    assert lesson.cells[-1].tag == "solution"
    headings = [cell.source for cell in lesson.cells if cell.is_text]
    assert "## Task\n" in headings[-2]
    assert headings[-1].startswith("## Solution\n")
    assert all(cell.source for cell in lesson.cells)
