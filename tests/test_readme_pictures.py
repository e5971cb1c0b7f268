"""The README's picture shows what would be drawn today, whatever the last bits of this machine."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")
from PIL import Image

FOLDER = Path(__file__).parent.parent / ".readme"
NUMBER = re.compile(r"(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)")
TOLERANCE = 0.03  # of a number


def load():
    """The script that draws, from a folder that is no package."""
    spec = importlib.util.spec_from_file_location("pictures", FOLDER / "pictures.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


pictures = load()


def difference(one, two):
    """The first place where two descriptions differ by more than rounding; empty if none does."""
    parts = [NUMBER.split(text) for text in (one, two)]
    for i, (a, b) in enumerate(zip(*parts, strict=False)):
        same = float(a) == pytest.approx(float(b), rel=TOLERANCE) if i % 2 else a == b
        if not same:
            return " instead of ".join("".join(part[max(0, i - 8) : i + 8]) for part in parts)
    return "" if len(parts[0]) == len(parts[1]) else "one has more than the other"


@pytest.fixture(scope="module")
def today():
    """{name: what would be drawn}."""
    found = {}
    pictures.draw(lambda name, figure: found.setdefault(name, pictures.drawn(figure)))
    return found


def test_every_picture_is_drawn_by_the_page(today):
    assert sorted(today) == sorted(path.name for path in FOLDER.glob("*.png"))


@pytest.mark.parametrize("name", [path.name for path in FOLDER.glob("*.png")])
def test_no_picture_is_stale(today, name):
    with Image.open(FOLDER / name) as image:
        then = image.text.get(pictures.DRAWN, "")
    found = difference(then, today[name])
    assert not found, f"{name} is stale, draw it with `nox -s pictures`: {found}"


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ('["loss", 0.1234, 5]', '["loss", 0.1235, 5]', True),
        ('["loss", 0.1234, 5]', '["loss", 0.1300, 5]', False),
        ('["loss", 0.0]', '["loss", 1e-05]', False),
        ('["loss", 1.0]', '["cost", 1.0]', False),
        ("[1.0, 2.0]", "[1.0, 2.0, 3.0]", False),
        ("[1.0, 2.0]", "[1.0]", False),
        ("[1e-05]", "[1.01e-05]", True),
        ("[-1.0]", "[1.0]", False),
        ("", "[1.0]", False),
    ],
)
def test_what_counts_as_a_difference(one, two, same):
    assert (difference(one, two) == "") == same


def test_a_description_tells_what_is_drawn():
    """A picture that differs in a word, a number, a colour or its size is another one."""
    import backprop_xp as bp

    def described(change=lambda figure: None, **other):
        history = bp.History(**({"loss": [1.0, 0.5], "validation_loss": [1.0, 0.7]} | other))
        figure = bp.plot_history(history)
        change(figure)
        return pictures.drawn(figure)

    changes = [
        lambda figure: figure.axes[0].set_ylabel("cost"),
        lambda figure: figure.suptitle("another"),
        lambda figure: figure.axes[0].lines[0].set_color("red"),
        lambda figure: figure.set_figwidth(9),
        lambda figure: figure.axes[0].text(1, 1, "a label"),
        lambda figure: figure.axes[0].set_yscale("log"),
        lambda figure: figure.axes[0].lines[0].remove(),
    ]
    assert difference(described(), described()) == ""
    assert difference(described(), described(loss=[1.0, 0.6]))
    for change in changes:
        assert difference(described(), described(change))
