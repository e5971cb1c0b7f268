"""The README's pictures: what its own commands and scripts draw.

`nox -s pictures` draws them anew. Each file keeps, as PNG metadata, what was put on it: texts,
lines and their numbers, rounded. The tests compare this with what would be drawn today.
"""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Callable
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

import backprop_xp
from backprop_xp import pictures
from backprop_xp.cli import main as command_line

HERE = Path(__file__).resolve().parent
README = HERE.parent / "README.md"
# The key of the metadata.
DRAWN = "Drawn"


def draw(take: Callable[[str, Any], None]) -> None:
    """Run what the README says, and hand over the name and the Figure of each picture."""
    text = README.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        data = Path("backprop_xp", "datasets", "breast_cancer.csv")
        data.parent.mkdir(parents=True)
        shutil.copy(Path(backprop_xp.__file__).parent.parent / data, data)
        with (
            mock.patch.dict(os.environ, {"BACKEND": "numpy"}),
            mock.patch.object(pictures, "_save", lambda figure, path: take(path.name, figure)),
            redirect_stdout(io.StringIO()),
            redirect_stderr(io.StringIO()),
        ):
            for arguments in commands(text):
                command_line(arguments)
            for script in scripts(text):
                exec(compile(script, str(README), "exec"), {})


def commands(text: str) -> list[list[str]]:
    """The arguments of the commands that draw."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    program = ["python", "-m", "backprop_xp"]
    found = [shlex.split(line, comments=True) for line in lines]
    return [words[3:] for words in found if words[:3] == program and "--plot" in words]


def scripts(text: str) -> list[str]:
    """The Python blocks that draw."""
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S)
    return [block for block in blocks if ".plot(" in block]


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
