"""Markdown, as far as lessons use it, as a terminal shows it."""

from __future__ import annotations

import re
import shutil
import textwrap

# Longer lines are hard to read.
_WIDEST = 100
_EMPHASIS = re.compile(r"\*{1,2}([^*\s](?:[^*]*[^*\s])?)\*{1,2}")
_STARTS = ("#", "- ", "    ")


def plain(markdown: str) -> str:
    """Fill paragraphs to the terminal's width, underline headings, drop emphasis."""
    width = min(_WIDEST, shutil.get_terminal_size().columns - 1)
    lines: list[str] = []
    paragraph: list[str] = []
    for line in [*markdown.splitlines(), ""]:
        if paragraph and (not line or line.startswith(_STARTS)):
            lines += _filled(paragraph, width)
            paragraph = []
        if line.startswith("#"):
            signs, _, heading = line.partition(" ")
            lines += [heading, ("=" if signs == "#" else "-") * len(heading)]
        elif not line or line.startswith("    "):
            lines.append(line)
        else:
            paragraph.append(line.strip())
    return "\n".join(lines).rstrip()


def _filled(paragraph: list[str], width: int) -> list[str]:
    text = _EMPHASIS.sub(r"\1", " ".join(paragraph))
    later = "  " if text.startswith("- ") else ""
    return textwrap.wrap(
        text, width, subsequent_indent=later, break_long_words=False, break_on_hyphens=False
    )
