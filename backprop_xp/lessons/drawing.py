"""Pictures of the lessons: each function draws one, and says where it is or why it is not.

In a notebook the picture is shown as well.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from backprop_xp.errors import ConfigurationError
from backprop_xp.maths.network import Network
from backprop_xp.pictures import PALETTE, Figure, picture

if TYPE_CHECKING:
    from backprop_xp.insight.layer_statistics import LayerStatistics

# Panels beside each other.
_COLUMNS = 3
# Panel title → (x, {what: y}).
Panels: TypeAlias = Mapping[str, tuple[Any, Mapping[str, Any]]]


def lines(name: str, panels: Panels, *, x: str = "", log: bool = False) -> None:
    """Draw a panel of curves for each title, over `x`; with `log`, on a logarithmic scale."""

    def draw(path: Path) -> Figure:
        across = min(_COLUMNS, len(panels))
        down = -(-len(panels) // across)
        size = max(5.0, 3.1 * across), 0.5 + 2.4 * down
        with picture(*size, path, layout="constrained") as figure:
            axes = figure.subplots(down, across, squeeze=False).ravel()
            for axis, (title, (places, curves)) in zip(axes, panels.items(), strict=False):
                for colour, (what, y) in zip(PALETTE, curves.items(), strict=False):
                    axis.plot(places, y, color=colour, lw=2, label=what)
                axis.set_title(title)
                axis.set_xlabel(x)
                axis.set_yscale("log" if log else "linear")
                axis.legend(fontsize=8)
            for axis in axes[len(panels) :]:
                axis.set_axis_off()
        return figure

    _finish(name, draw)


def surface(
    name: str,
    J: Callable[[Any, Any], Any],
    paths: Mapping[str, Any],
    bounds: tuple[float, float, float, float],
) -> None:
    """Draw the level lines of J(u, v), and ways across it: a (steps, 2) array for each name."""

    def draw(path: Path) -> Figure:
        left, right, low, high = bounds
        u, v = np.meshgrid(np.linspace(left, right, 200), np.linspace(low, high, 200))
        with picture(7.2, 5.2, path, layout="constrained") as figure:
            axis = figure.subplots()
            axis.contour(u, v, np.sqrt(J(u, v)), levels=24, cmap="Greys", linewidths=0.8)
            for colour, (what, way) in zip(PALETTE, paths.items(), strict=False):
                way = np.asarray(way)
                axis.plot(way[:, 0], way[:, 1], "o-", color=colour, ms=3, lw=1.5, label=what)
            axis.set(xlim=(left, right), ylim=(low, high), xlabel="u", ylabel="v")
            axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        return figure

    _finish(name, draw)


def images(name: str, pixels: Any, titles: Sequence[str], *, columns: int = 5) -> None:
    """Draw images, (k, height, width), each with its title."""

    def draw(path: Path) -> Figure:
        down = -(-len(titles) // columns)
        with picture(1.5 * columns, 1.8 * down, path, layout="constrained") as figure:
            axes = figure.subplots(down, columns, squeeze=False).ravel()
            for axis in axes:
                axis.set_axis_off()
            for axis, image, title in zip(axes, pixels, titles, strict=False):
                axis.imshow(image, cmap="Greys")
                axis.set_title(title, fontsize=8, loc="center")
        return figure

    _finish(name, draw)


def boundary(name: str, net: Network, X: Any, Y: Any) -> None:
    """Draw what a network with two inputs has learned."""
    from backprop_xp.insight.decision_boundary import plot_decision_boundary

    _finish(name, lambda path: plot_decision_boundary(net, X, Y, path))


def layers(name: str, statistics: LayerStatistics) -> None:
    """Draw how every layer has learned."""
    _finish(name, statistics.plot)


def _finish(name: str, draw: Callable[[Path], Figure]) -> None:
    path = Path(f"{name}.png").absolute()
    try:
        figure = draw(path)
    except ConfigurationError as problem:  # the lesson goes on without it
        print(f"No picture here: {problem}")
        return
    notebook = sys.modules.get("IPython")
    if notebook is not None and notebook.get_ipython() is not None:
        notebook.display.display(figure)
    print(f"The picture is in {path}")
