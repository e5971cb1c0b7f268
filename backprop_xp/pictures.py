"""What all pictures share: matplotlib, if it is installed, colours, and saving to a file."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from backprop_xp.errors import ConfigurationError, unknown
from backprop_xp.storage.problems import file_name
from backprop_xp.storage.whole_files import require_writable, write_whole

# A matplotlib Figure: matplotlib is an extra, so its types may be absent.
Figure: TypeAlias = Any

# Colours that differ for colour-blind readers too (Okabe and Ito, 2008).
BLUE, VERMILLION, GREEN = "#0072B2", "#D55E00", "#009E73"
ORANGE, PURPLE, SKY, GREY = "#E69F00", "#CC79A7", "#56B4E9", "#6B6B6B"
PALETTE = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, "#000000")

_SUFFIXES = (".pdf", ".png", ".svg")
_STYLE = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.titlesize": 11,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "figure.constrained_layout.h_pad": 0.09,
    "figure.constrained_layout.w_pad": 0.09,
    "svg.hashsalt": "backprop_xp",  # the same picture is the same file
}


@contextmanager
def picture(
    width: float, height: float, path: str | os.PathLike[str] | None, **options: Any
) -> Iterator[Figure]:
    """Hand out an empty Figure to draw on, and save it at the end if there is a path.

    It is shown nowhere: pyplot and the user's choice of a matplotlib backend are not touched.

    Parameters
    ----------
    width, height : float
        In inches.
    path : path-like or None
        .png, .svg or .pdf.
    **options
        For Figure.

    Raises
    ------
    ConfigurationError
        matplotlib is missing, or the path cannot be written to.
    """
    checked = None if path is None else checked_path(path)
    require_matplotlib()
    import matplotlib as mpl
    import matplotlib.style
    from matplotlib.figure import Figure

    with mpl.style.context(["default", _STYLE]):
        figure = Figure(figsize=(width, height), **options)
        yield figure
        if checked is not None:
            _save(figure, checked)


def require_matplotlib() -> None:
    """Raise ConfigurationError if matplotlib is missing, and say how to get it."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise ConfigurationError(
            'pictures are drawn with matplotlib, which is not installed: pip install "'
            'backprop-xp[plot]"'
        ) from None


def checked_path(path: str | os.PathLike[str]) -> Path:
    """Return where to save a picture, or raise ConfigurationError before any work is done."""
    checked = Path(file_name(path))
    if checked.suffix.lower() not in _SUFFIXES:
        asked = f"{str(path)!r} ends in {checked.suffix!r}" if checked.suffix else repr(str(path))
        raise ConfigurationError(unknown("kind of picture", checked.suffix, _SUFFIXES, asked))
    require_writable(checked, ConfigurationError)
    return checked


def _save(figure: Figure, path: Path) -> None:
    kind = path.suffix.lower().removeprefix(".")
    content = io.BytesIO()
    undated = {"Date": None} if kind == "svg" else None
    figure.savefig(content, format=kind, dpi=150, metadata=undated)
    write_whole(path, content.getvalue(), ConfigurationError)
