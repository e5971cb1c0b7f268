"""The build of the site: what it makes of lessons and pages, and what it refuses."""

from __future__ import annotations

import re
from pathlib import Path

import build_site
import pytest
from examples import made_by
from lessons import cells, lesson_page, write_lessons
from public_names import public_names

PAGES = Path(__file__).parent.parent / ".docs" / "pages"
LESSON = """\
# %% [markdown]
# # One
#
# A *text*.
# %%
numbers = [1, 2]
print(sum(numbers))

# %%
from pathlib import Path

Path("line.svg").write_text("<svg/>")
Path("page.html").write_text(str(numbers))
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


def test_cells_are_found():
    assert cells(LESSON)[:2] == [
        (True, "# One\n\nA *text*."),
        (False, "numbers = [1, 2]\nprint(sum(numbers))"),
    ]
    assert cells('"""Words."""\n\n# %%\nx = 1\n') == [(False, '"""Words."""'), (False, "x = 1")]
    assert cells("# %%\n\n# %% [markdown]\n") == []


def test_a_lesson_becomes_a_page_with_its_output_and_pictures(tmp_path):
    lesson = tmp_path / "01_one.py"
    lesson.write_text(LESSON)
    page = lesson_page(lesson, tmp_path)
    assert page.startswith("# One\n\nA *text*.\n\n```python\nnumbers = [1, 2]\nprint(")
    assert "```\n\n```text\n3\n```\n\n```python" in page
    assert page.endswith("```\n\n![line](01_one-line.svg)\n\n[page.html](01_one-page.html)\n")
    assert (tmp_path / "01_one-line.svg").read_text() == "<svg/>"
    assert (tmp_path / "01_one-page.html").read_text() == "[1, 2]"


def test_lessons_are_listed_in_their_order(tmp_path):
    for name, title in (("02_b", "Second"), ("01_a", "First")):
        (tmp_path / f"{name}.py").write_text(f"# %% [markdown]\n# # {title}\n")
    (tmp_path / "helper.py").write_text("raise SystemExit")
    pages = tmp_path / "pages"
    pages.mkdir()
    assert write_lessons(tmp_path, pages) == ["index", "01_a", "02_b"]
    listed = (pages / "lessons" / "index.md").read_text(encoding="utf-8")
    assert listed.endswith("- [First](01_a.md)\n- [Second](02_b.md)\n")


def test_without_lessons_there_is_no_page_of_them(tmp_path):
    assert write_lessons(tmp_path / "none", tmp_path) == []
    assert list(tmp_path.iterdir()) == []
    assert "lessons" not in build_site.with_lessons([]).lower()
    assert "  - Lessons:\n      - lessons/01_a.md\n" in build_site.with_lessons(["01_a"])


def test_a_mistake_in_a_lesson_is_that_of_the_build(tmp_path):
    lesson = tmp_path / "01_wrong.py"
    lesson.write_text("# %%\nraise ValueError('here')\n")
    with pytest.raises(ValueError, match="here"):
        lesson_page(lesson, tmp_path)
