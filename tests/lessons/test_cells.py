"""Scripts cut into cells, and text as a terminal shows it."""

from __future__ import annotations

import pytest

from backprop_xp.lessons.cells import Cell, cells_of
from backprop_xp.lessons.plain_text import plain

SCRIPT = """# %% [markdown]
# # 1. Title
#
# Text with    spaces.
#
#     indented

# %%
x = 1

y = 2

# %% tags=["task"]


z = 3
"""


def test_cells():
    assert cells_of(SCRIPT) == [
        Cell("# 1. Title\n\nText with    spaces.\n\n    indented", True, "", 2),
        Cell("x = 1\n\ny = 2", False, "", 9),
        Cell("z = 3", False, "task", 16),
    ]
    for cell in cells_of(SCRIPT)[1:]:
        line = SCRIPT.splitlines()[cell.line - 1]
        assert cell.source.startswith(line)


def test_a_marker_that_is_none():
    with pytest.raises(ValueError, match=r"line 1: '# %% \[markdwon\]' begins no cell"):
        cells_of("# %% [markdwon]\n# text")


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("# Title", "Title\n====="),
        ("## Part\n\nText.", "Part\n----\n\nText."),
        ("one\ntwo", "one two"),
        ("a **b c** *d* e", "a b c d e"),
        ("a * b * c", "a * b * c"),
        ("text:\n\n    x  *  y\n    z\n\nmore", "text:\n\n    x  *  y\n    z\n\nmore"),
        ("- one\n  more\n- two", "- one more\n- two"),
        ("aaaa " * 9, "aaaa aaaa aaaa aaaa aaaa\naaaa aaaa aaaa aaaa"),
        ("- " + "aaaa " * 6, "- aaaa aaaa aaaa aaaa\n  aaaa aaaa"),
    ],
)
def test_plain(monkeypatch, markdown, text):
    monkeypatch.setenv("COLUMNS", "26")
    assert plain(markdown) == text
