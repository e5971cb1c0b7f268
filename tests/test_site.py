"""The build of the site: what it makes of lessons and pages, and what it refuses."""

from __future__ import annotations

import re
from pathlib import Path

import build_site
import lessons
import pytest
from examples import made_by
from lessons import lesson_page
from public_names import public_names

from backprop_xp.lessons.catalogue import Lesson

PAGES = Path(__file__).parent.parent / ".docs" / "pages"
LESSON = """\
# %% [markdown]
# # 1. One
#
# A *text*.
# %%
numbers = [1, 2]
print(sum(numbers))
print("The picture is in /tmp/line.svg")

# %%
from pathlib import Path

Path("line.svg").write_text("<svg/>")
Path("page.html").write_text(str(numbers))

# %% tags=["solution"]
print(4)
"""


# -- the reference -----------------------------------------------------------------------------


def test_every_public_name_is_in_the_reference():
    pytest.importorskip("sklearn")
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES.glob("api/*.md"))
    named = re.findall(r"^::: (\S+)$", text, re.M)
    top = [name for name in public_names() if name.rpartition(".")[0] not in public_names()]
    assert sorted(named) == sorted(top)


def test_methods_are_public_names_if_they_have_a_docstring_of_their_own():
    pytest.importorskip("sklearn")
    names = public_names()
    assert "backprop_xp.Network.forward" in names
    assert "backprop_xp.Network.save" in names  # of its base
    assert "backprop_xp.EarlyStopping.on_epoch_end" not in names  # described at Callback
    assert len(names) > 150


def test_a_name_without_its_place_ends_the_build(tmp_path, monkeypatch):
    monkeypatch.setattr(build_site, "public_names", lambda: ["backprop_xp.fit", "backprop_xp.new"])
    (tmp_path / "api").mkdir()
    page = tmp_path / "api" / "training.html"
    page.write_text('<h2 id="backprop_xp.fit">')
    with pytest.raises(SystemExit, match=r"not in .*:\n  backprop_xp\.new$"):
        build_site.require_names(tmp_path)
    page.write_text('<h2 id="backprop_xp.fit"><h2 id="backprop_xp.new">')
    build_site.require_names(tmp_path)


# -- pictures ----------------------------------------------------------------------------------


def test_pictures_are_made_by_the_code_on_their_page(tmp_path):
    page = "```python\nopen('a.svg', 'w').write('<svg/>')\n```\n![a](a.svg) ![b](b.svg)\n"
    assert made_by(page, tmp_path) == [tmp_path / "a.svg"]


def test_code_whose_picture_is_not_shown_does_not_run(tmp_path):
    page = "```python\nopen('a.svg', 'w').write('<svg/>')\n```\n"
    assert made_by(page, tmp_path) == []
    assert not (tmp_path / "a.svg").exists()


def test_a_missing_picture_ends_the_build(tmp_path):
    (tmp_path / "a.md").write_text("![a](a.png) ![far](https://example.org/b.png) `c.png`")
    with pytest.raises(SystemExit, match=r"\n  a\.md: a\.png$"):
        build_site.require_pictures(tmp_path)
    (tmp_path / "a.png").touch()
    build_site.require_pictures(tmp_path)


# -- lessons -----------------------------------------------------------------------------------


def lesson(tmp_path, text=LESSON):
    path = tmp_path / "01_one.py"
    path.write_text(text)
    return Lesson(path)


def test_a_lesson_becomes_a_page_with_its_output_and_pictures(tmp_path):
    page = lesson_page(lesson(tmp_path), tmp_path)
    assert page.startswith("# 1. One\n\nA *text*.\n\n```python\nnumbers = [1, 2]\nprint(")
    assert "```\n\n```text\n3\n```\n\n```python" in page  # without where the picture is
    assert "```\n\n![line](line.svg)\n\n[page](page.html)\n" in page
    assert (tmp_path / "line.svg").read_text() == "<svg/>"
    assert (tmp_path / "page.html").read_text() == "[1, 2]"


def test_the_solution_is_folded(tmp_path):
    page = lesson_page(lesson(tmp_path), tmp_path)
    folded = (
        '??? success "A solution"\n\n    ```python\n    print(4)\n    ```\n\n    ```text\n    4\n'
    )
    assert page.endswith(folded + "    ```\n")


def test_a_page_does_not_name_the_folder_of_the_build(tmp_path):
    code = "import tempfile\nprint(tempfile.mkdtemp() + '/a.csv', tempfile.gettempdir() + '/b')\n"
    page = lesson_page(lesson(tmp_path, f"# %%\n{code}"), tmp_path)
    assert page.endswith("```text\na.csv b\n```\n")


def test_a_mistake_in_a_lesson_is_that_of_the_build(tmp_path):
    with pytest.raises(ValueError, match="here"):
        lesson_page(lesson(tmp_path, "# %%\nraise ValueError('here')\n"), tmp_path)


def test_lessons_are_listed_in_their_order(tmp_path, monkeypatch):
    monkeypatch.setattr(lessons, "lessons", lambda: [lesson(tmp_path)])
    pages = tmp_path / "pages"
    pages.mkdir()
    assert lessons.write_lessons(pages) == ["index", "01_one"]
    listed = (pages / "lessons" / "index.md").read_text(encoding="utf-8")
    assert listed.endswith("|---:|\n| [1. One](01_one.md) | 3 |\n")
    entry = "  - Lessons:\n      - lessons/index.md\n      - lessons/01_one.md\n"
    assert entry in build_site.with_lessons(["index", "01_one"])
