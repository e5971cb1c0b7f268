"""The statistics of the layers over the epochs as a picture."""

from __future__ import annotations

import math
import os
import textwrap
from typing import TYPE_CHECKING, Any

from backprop_xp.errors import ConfigurationError
from backprop_xp.insight.layer_advice import MOST_DEAD, MOST_SATURATED
from backprop_xp.training.figures import GREY, PALETTE, VERMILLION, Figure, picture

if TYPE_CHECKING:
    from backprop_xp.insight.layer_statistics import LayerRecord

# What is drawn: an attribute of the records, a title, and from where on it is a problem.
_PANELS = (
    ("dead", "Dead units (relu and kin)", MOST_DEAD),
    ("saturated", "Saturated (sigmoid, tanh)", MOST_SATURATED),
    ("A", "Activations A[l], RMS", None),
    ("dZ", "Gradients ∂J/∂Z[l], RMS", None),
    ("dW", "Gradients ∂J/∂W[l], RMS", None),
    ("change", "Relative change of W[l]", None),
)

# A panel whose largest value is so many times its smallest gets a logarithmic axis.
_WIDE = 20.0


def draw(
    records: list[LayerRecord], advice: list[str], path: str | os.PathLike[str] | None
) -> Figure:
    """Draw the panels, save them if there is a path, and return the Figure."""
    if not records:
        raise ConfigurationError("there are no statistics yet: fit(…, callbacks=[statistics])")
    words = [textwrap.fill(f"▸ {sentence}", 118, subsequent_indent="   ") for sentence in advice]
    text = "\n".join(words) or "▸ Nothing to advise: every layer learns."
    height = 6.4 + 0.18 * (text.count("\n") + 1)
    with picture(11.0, height, path, layout="constrained") as figure:
        axes = figure.subplots(2, 3, sharex=True)
        for axis, (name, title, limit) in zip(axes.flat, _PANELS, strict=True):
            _draw_panel(axis, records, name, limit)
            axis.set_title(title, size=10.5)
        for axis in axes[1]:
            axis.set_xlabel("\n".join(filter(None, ["epoch", axis.get_xlabel()])), size=9)
        handles, labels = axes[0, 2].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right upper")
        colour = VERMILLION if advice else GREY
        figure.supxlabel(text, x=0.01, ha="left", size=9.5, color=colour)
    return figure


def _draw_panel(axis: Any, records: list[LayerRecord], name: str, limit: float | None) -> None:
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    layers = max(record.layer for record in records)
    seen: list[float] = []
    zeros = False
    for l in range(1, layers + 1):
        chosen = [r for r in records if r.layer == l and not (name == "change" and r.epoch == 0)]
        values = [getattr(r, name) for r in chosen]
        seen += [value for value in values if 0 < value < math.inf]
        zeros |= 0.0 in values
        axis.plot(
            [r.epoch for r in chosen],
            values,
            color=_colour(l, layers),
            lw=1.8,
            marker="o" if len(chosen) <= 12 else None,
            ms=3.5,
            label=f"layer {l}" + (" (output)" if l == layers else ""),
        )
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if limit is not None:
        words = "problem above" if name == "dead" else "problem above, but for the output"
        white = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none"}
        axis.set_ylim(-0.03, 1.03)
        axis.yaxis.set_major_formatter(PercentFormatter(1.0))
        axis.axhline(limit, color=GREY, lw=1.0, ls=(0, (4, 3)))
        axis.annotate(
            words, (1, limit), (-3, 3), ("axes fraction", "data"),
            "offset points", ha="right", size=8, color=GREY, bbox=white | {"alpha": 0.8}, zorder=3,
        )  # fmt: skip
    elif seen and max(seen) > _WIDE * min(seen):  # a zero, as of a dead layer, has no place there
        axis.set_yscale("log", nonpositive="mask")
        if zeros:
            axis.set_xlabel("(a line ends where it falls to 0)")
    else:
        axis.set_ylim(bottom=0.0)


def _colour(l: int, layers: int) -> Any:
    """A colour per layer; many layers run from dark to light."""
    if layers <= len(PALETTE):
        return PALETTE[l - 1]
    import matplotlib as mpl

    return mpl.colormaps["viridis"](0.92 * (l - 1) / (layers - 1))
