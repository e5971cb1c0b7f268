"""The README's picture: what its own command draws. The site's are drawn by its build.

`nox -s pictures` draws it anew. The file keeps, as PNG metadata, what was put on it: texts,
lines and their numbers, rounded. The tests compare this with what would be drawn today.
"""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import tempfile
from collections.abc import Callable
from contextlib import chdir, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

from backprop_xp import pictures
from backprop_xp.cli import main as command_line

HERE = Path(__file__).resolve().parent
README = HERE.parent / "README.md"
# The key of the metadata.
DRAWN = "Drawn"


def draw(take: Callable[[str, Any], None]) -> None:
    """Run the commands of the README that draw, and hand over name and Figure of each picture."""
    with (
        tempfile.TemporaryDirectory() as folder,
        chdir(folder),
        mock.patch.dict(os.environ, {"BACKEND": "numpy"}),
        mock.patch.object(pictures, "_save", lambda figure, path: take(path.name, figure)),
        redirect_stdout(io.StringIO()),
    ):
        for arguments in commands(README.read_text(encoding="utf-8")):
            command_line(arguments)


def commands(text: str) -> list[list[str]]:
    """The arguments of the commands that draw."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    program = ["python", "-m", "backprop_xp"]
    found = [shlex.split(line, comments=True) for line in lines]
    return [words[3:] for words in found if words[:3] == program and "--plot" in words]


def drawn(figure: Any) -> str:
    """What was put on a Figure, without what matplotlib adds: ticks and layout."""
    panels = [
        {
            "labels": [axis.get_title(loc="left"), axis.get_xlabel(), axis.get_ylabel()],
            "scale": axis.get_yscale(),
            "texts": [[*_text(text), *_rounded(text.get_position())] for text in axis.texts],
            "lines": [_line(line) for line in axis.lines],
        }
        for axis in figure.axes
    ]
    legends = [text for legend in figure.legends for text in legend.get_texts()]
    return json.dumps(
        {
            "width": round(float(figure.get_figwidth()), 2),
            "texts": [_text(text) for text in [*figure.texts, *legends]],
            "panels": panels,
        }
    )


def _text(text: Any) -> list[Any]:
    return [text.get_text(), text.get_size(), text.get_color()]


def _line(line: Any) -> list[Any]:
    style = [line.get_label(), line.get_color(), line.get_linewidth(), line.get_marker()]
    return [*style, _rounded(line.get_xdata()), _rounded(line.get_ydata())]


def _rounded(values: Any) -> list[float]:
    return [float(f"{float(value):.4g}") for value in values]


def _save(name: str, figure: Any) -> None:
    figure.savefig(HERE / name, dpi=150, metadata={DRAWN: drawn(figure)})


if __name__ == "__main__":
    draw(_save)
