"""The lessons as pages: their text, their code, and what it prints and draws when it runs."""

from __future__ import annotations

import io
import os
import re
import tempfile
import textwrap
from contextlib import chdir, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

from backprop_xp.lessons.catalogue import Lesson, lessons
from backprop_xp.lessons.playing import run

# The picture itself is on the page.
_SAID = re.compile(r"^The picture is in .*\n?", re.M)
_INDEX = """\
# Lessons

Each lesson ends with a task, which checks itself. You see here what a lesson prints and draws. It
is better to run it: `python -m backprop_xp learn 1` goes through it in the terminal, step by step.
`learn 1 --notebook` writes it for Jupyter. VS Code and Spyder show the cells of its file.

| lesson | minutes |
|---|---:|
"""


def write_lessons(pages: Path) -> list[str]:
    """Write a page for every lesson, and one that lists them; the names of the pages."""
    folder = pages / "lessons"
    folder.mkdir()
    index = _INDEX
    for lesson in lessons():
        name = f"{lesson.path.stem}.md"
        (folder / name).write_text(lesson_page(lesson, folder), encoding="utf-8")
        index += f"| [{lesson.number}. {lesson.title}]({name}) | {lesson.minutes} |\n"
    (folder / "index.md").write_text(index, encoding="utf-8")
    return ["index", *(lesson.path.stem for lesson in lessons())]


def lesson_page(lesson: Lesson, folder: Path) -> str:
    """Run a lesson; return its page, and put what it draws into a folder."""
    names: dict[str, Any] = {"__name__": "__main__", "__file__": str(lesson.path)}
    parts = []
    with (
        tempfile.TemporaryDirectory() as place,
        chdir(place),
        mock.patch.object(tempfile, "tempdir", place),
        mock.patch.dict(os.environ, {"BACKEND": "numpy"}),
    ):
        for cell in lesson.cells:
            if cell.is_text:
                parts.append(cell.source)
                continue
            printed, before = io.StringIO(), _files(place)
            with redirect_stdout(printed):
                run(lesson, cell, names)
            shown = [f"```python\n{cell.source.rstrip()}\n```"]
            output = _SAID.sub("", printed.getvalue()).rstrip()
            if output := re.sub(rf"{re.escape(place)}/(tmp\w+/)?", "", output):
                shown.append(f"```text\n{output}\n```")
            for name, _ in sorted(_files(place).items() - before.items()):
                shown.append(_kept(Path(place, name), folder))
            text = "\n\n".join(shown)
            if cell.tag == "solution":
                text = '??? success "A solution"\n\n' + textwrap.indent(text, "    ")
            parts.append(text)
    return "\n\n".join(parts) + "\n"


def _files(place: str) -> dict[str, int]:
    """The pictures and pages of a folder, with the time at which they were written."""
    return {
        path.name: path.stat().st_mtime_ns
        for path in Path(place).iterdir()
        if path.suffix in (".png", ".svg", ".html")
    }


def _kept(made: Path, folder: Path) -> str:
    """Copy a file that a lesson has made beside its page, and show it there."""
    (folder / made.name).write_bytes(made.read_bytes())
    return f"{'' if made.suffix == '.html' else '!'}[{made.stem}]({made.name})"
