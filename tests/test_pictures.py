"""Where pictures are saved, and what is said if they cannot be."""

from __future__ import annotations

import subprocess
import sys

import pytest

import backprop_xp as bp
from backprop_xp.pictures import checked_path, picture

HISTORY = bp.History(loss=[1.0, 0.5])


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf", ".PNG"])
def test_every_kind_of_picture(tmp_path, suffix):
    pytest.importorskip("matplotlib")
    path = tmp_path / f"picture{suffix}"
    bp.plot_history(HISTORY, path)
    start = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[suffix.lower()]
    assert path.read_bytes().startswith(start)
    bp.plot_history(HISTORY, str(path))


def test_the_same_picture_is_the_same_file(tmp_path):
    pytest.importorskip("matplotlib")
    paths = [tmp_path / "one.svg", tmp_path / "two.svg"]
    for path in paths:
        bp.plot_history(HISTORY, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("picture.jpeg", r"ends in '.jpeg': no such kind of picture.*\.pdf, \.png, \.svg"),
        ("picture.pgn", r"Did you mean '.png'"),
        ("picture", r"no such kind of picture.*\.pdf, \.png, \.svg"),
        ("nowhere/picture.png", r"cannot be written: there is no directory .*nowhere"),
        (".png", r"no such kind of picture"),
    ],
)
def test_a_path_that_cannot_be(tmp_path, name, message):
    with pytest.raises(bp.ConfigurationError, match=message):
        checked_path(tmp_path / name)


def test_a_path_that_is_no_path():
    with pytest.raises(bp.ConfigurationError, match="path=3: expected the name of a file"):
        checked_path(3)


def test_a_directory_in_the_way(tmp_path):
    pytest.importorskip("matplotlib")
    (tmp_path / "taken.png").mkdir()
    with pytest.raises(
        bp.ConfigurationError, match=r"taken.png cannot be written: it is a directory"
    ):
        bp.plot_history(HISTORY, tmp_path / "taken.png")


def test_matplotlib_may_be_missing(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with (
        pytest.raises(bp.ConfigurationError, match=r'pip install "backprop-xp\[plot\]"'),
        picture(3, 3, tmp_path / "picture.png"),
    ):
        pass


def test_the_user_s_matplotlib_is_left_alone(tmp_path):
    """Neither pyplot is imported, nor a setting changed, nor a backend of matplotlib chosen."""
    mpl = pytest.importorskip("matplotlib")
    before = dict(mpl.rcParams)
    bp.plot_history(HISTORY, tmp_path / "picture.png")
    assert dict(mpl.rcParams) == before
    program = (
        "import sys, backprop_xp as bp; assert 'matplotlib' not in sys.modules; "
        "bp.plot_history(bp.History(loss=[1.0])); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
