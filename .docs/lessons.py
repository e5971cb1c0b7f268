"""The lessons as pages: their text, their code, and what it prints and draws when it runs.

A lesson is `backprop_xp/lessons/NN_name.py` in the percent format: `# %% [markdown]` begins a cell
of text in comments, `# %%` one of code.
"""

from __future__ import annotations

import io
import os
import re
import tempfile
from contextlib import chdir, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

_CELL = re.compile(r"^# %%(.*)\n", re.M)
_COMMENT = re.compile(r"^# ?", re.M)
_INDEX = """\
# Lessons

Each lesson takes about ten minutes and ends with a task. Run one in the terminal with
`python -m backprop_xp learn 1`, or open its file in an editor that knows cells: VS Code, Spyder,
Jupyter.

"""


def write_lessons(lessons: Path, pages: Path) -> list[str]:
    """Write a page for every lesson of a folder, and one that lists them; the pages' names."""
    found = sorted(lessons.glob("[0-9][0-9]_*.py"))
    if not found:
        return []
    folder = pages / "lessons"
    folder.mkdir()
    lines = []
    for path in found:
        page = lesson_page(path, folder)
        (folder / f"{path.stem}.md").write_text(page, encoding="utf-8")
        title = re.search(r"^# (.+)$", page, re.M)
        lines.append(f"- [{title[1] if title else path.stem}]({path.stem}.md)\n")
    (folder / "index.md").write_text(_INDEX + "".join(lines), encoding="utf-8")
    return ["index", *(path.stem for path in found)]


def lesson_page(path: Path, folder: Path) -> str:
    """Run a lesson; return its page, and put what it draws into a folder."""
    names: dict[str, Any] = {"__name__": "__main__", "__file__": str(path)}
    parts = []
    settings = {"BACKEND": "numpy", "MPLBACKEND": "agg"}
    with (
        tempfile.TemporaryDirectory() as place,
        chdir(place),
        mock.patch.dict(os.environ, settings),
    ):
        for is_text, content in cells(path.read_text(encoding="utf-8")):
            if is_text:
                parts.append(content)
                continue
            printed = io.StringIO()
            before = _files(place)
            with redirect_stdout(printed):
                exec(compile(content, str(path), "exec"), names)
            parts.append(f"```python\n{content}\n```")
            if output := printed.getvalue().rstrip():
                parts.append(f"```text\n{output}\n```")
            for made in sorted(_files(place).items() - before.items()):
                parts.append(_kept(Path(place, made[0]), folder, path.stem))
    return "\n\n".join(part for part in parts if part) + "\n"


def cells(lesson: str) -> list[tuple[bool, str]]:
    """(is it text, content) of each cell; what stands before the first one is code, if anything."""
    before, *rest = _CELL.split(lesson)
    found = [(False, before.strip())] if before.strip() else []
    for kind, content in zip(rest[::2], rest[1::2], strict=True):
        is_text = "[markdown]" in kind
        content = content.strip("\n").rstrip()
        found.append((is_text, _COMMENT.sub("", content) if is_text else content))
    return [(is_text, content) for is_text, content in found if content]


def _files(place: str) -> dict[str, int]:
    """The pictures and pages of a folder, with the time at which they were written."""
    return {
        path.name: path.stat().st_mtime_ns
        for path in Path(place).iterdir()
        if path.suffix in (".png", ".svg", ".html")
    }


def _kept(made: Path, folder: Path, lesson: str) -> str:
    """Copy a file that a lesson has made beside its page, and show it there."""
    name = f"{lesson}-{made.name}"
    (folder / name).write_bytes(made.read_bytes())
    return f"[{made.name}]({name})" if made.suffix == ".html" else f"![{made.stem}]({name})"
