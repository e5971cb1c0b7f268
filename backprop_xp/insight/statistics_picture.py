"""The statistics of the layers over the epochs as a picture."""

from __future__ import annotations

import math
import os
import textwrap
from collections.abc import Iterable
from typing import Any, NamedTuple

from backprop_xp.errors import ConfigurationError
from backprop_xp.insight.layer_advice import MOST_DEAD, MOST_SATURATED
from backprop_xp.insight.layer_records import DYING, SATURATING, LayerRecord
from backprop_xp.pictures import GREY, PALETTE, VERMILLION, Figure, picture

# A panel whose largest value is so many times its smallest gets a logarithmic axis.
_WIDE = 20.0
# Up to here there are hardly more than two powers of ten to label.
_FEW = 300.0
_PROBLEM = "a problem above"
# Less than this is shown as 0 %.
_NOTHING = 0.005


class _Panel(NamedTuple):
    """What is drawn: an attribute of the records, of which layers, and where a problem begins."""

    name: str
    title: str
    limit: float | None = None
    activations: Iterable[str] | None = None
    quiet: str = ""

    def records(self, records: list[LayerRecord]) -> list[LayerRecord]:
        """The records with something to say here."""
        if self.activations is not None:
            # An output layer is flat where it is sure, which is no problem.
            layers = max(record.layer for record in records)
            hidden = [record for record in records if record.layer < layers]
            return [record for record in hidden if record.activation in self.activations]
        if self.name == "change":
            return [record for record in records if record.epoch > 0]
        return records


_PANELS = (
    _Panel("dead", "Dead units", MOST_DEAD, DYING, "No unit was ever dead."),
    _Panel("saturated", "Saturated outputs", MOST_SATURATED, SATURATING, "No output saturated."),
    _Panel("A", "Activations A[l], root mean square"),
    _Panel("dZ", "Gradients ∂J/∂Z[l], root mean square"),
    _Panel("dW", "Gradients ∂J/∂W[l], root mean square"),
    _Panel("change", "Relative change of W[l]"),
)


def draw_statistics(
    records: list[LayerRecord], advice: list[str], path: str | os.PathLike[str] | None
) -> Figure:
    """Draw the panels that say something, save them if there is a path, and return the Figure."""
    if not records:
        raise ConfigurationError("there are no statistics yet: fit(…, callbacks=[statistics])")
    panels, quiet = [], []
    for panel in _PANELS:
        chosen = panel.records(records)
        values = [getattr(record, panel.name) for record in chosen]
        if panel.limit is None or max(values, default=0.0) >= _NOTHING:
            panels += [(panel, chosen)] if chosen else []
        elif chosen:
            quiet.append(panel.quiet)
    sentences = [*(advice or ["Nothing to advise: every layer learns."]), *quiet]
    words = [textwrap.fill(f"▸ {sentence}", 112, subsequent_indent="   ") for sentence in sentences]
    text = "\n".join(words)
    rows = math.ceil(len(panels) / 2)
    layers = max(record.layer for record in records)
    height = 0.4 + 2.5 * rows + 0.19 * (text.count("\n") + 1) + 0.22 * math.ceil((layers + 1) / 4)
    with picture(8.3, height, path, layout="constrained") as figure:
        axes = figure.subplots(rows, 2, sharex=True, squeeze=False).ravel()
        for axis, (panel, chosen) in zip(axes, panels, strict=False):
            _draw_panel(axis, panel, chosen, layers)
        for axis in axes[len(panels) :]:
            axis.remove()
        _draw_legend(figure)
        colour = VERMILLION if advice else GREY
        figure.supxlabel(text, x=0.01, ha="left", size=10, color=colour)
    return figure


def _draw_panel(axis: Any, panel: _Panel, records: list[LayerRecord], layers: int) -> None:
    from matplotlib.ticker import MaxNLocator

    seen: list[float] = []
    for l in sorted({record.layer for record in records}):
        chosen = [record for record in records if record.layer == l]
        values = [getattr(record, panel.name) for record in chosen]
        seen += values
        axis.plot(
            [record.epoch for record in chosen],
            values,
            color=_colour(l, layers),
            lw=1.8,
            marker="o" if len(chosen) <= 12 else None,
            ms=3.5,
            label=f"layer {l}" + (" (output)" if l == layers else ""),
        )
    axis.set_title(panel.title)
    axis.set_xlabel("epoch")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axis.tick_params(labelbottom=True)
    _scale(axis, panel.limit, seen)


def _scale(axis: Any, limit: float | None, seen: list[float]) -> None:
    """Choose the vertical axis: fractions up to 100 %, or values that may need a logarithm."""
    from matplotlib.ticker import PercentFormatter

    positive = [value for value in seen if 0 < value < math.inf]
    if limit is not None:
        axis.set_ylim(-0.03, 1.03)
        axis.yaxis.set_major_formatter(PercentFormatter(1.0))
        axis.axhline(limit, color=GREY, lw=1.2, ls=(0, (4, 3)), label=_PROBLEM)
    elif positive and max(positive) > _WIDE * min(positive):
        axis.set_yscale("log", nonpositive="mask")
        _label_powers(axis, few=max(positive) < _FEW * min(positive))
        if 0.0 in seen:  # as of a dead layer: it has no place there
            axis.set_xlabel("epoch (a line ends where it falls to 0)")
    else:
        axis.set_ylim(0.0, 1.06 * max(positive, default=1.0))


def _label_powers(axis: Any, few: bool) -> None:
    """Label powers of ten, and where there are few of them 2 and 5 in between."""
    from matplotlib.ticker import LogFormatterSciNotation, LogLocator, NullFormatter

    axis.yaxis.set_minor_formatter(NullFormatter())
    if few:
        always = LogFormatterSciNotation(minor_thresholds=(math.inf, math.inf))
        axis.yaxis.set_minor_locator(LogLocator(subs=(2.0, 5.0)))
        axis.yaxis.set_minor_formatter(always)


def _draw_legend(figure: Figure) -> None:
    """One legend for all panels, above them, where it covers nothing."""
    found: dict[str, Any] = {}
    for axis in reversed(figure.axes):  # the last ones show every layer
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    figure.legend(found.values(), found.keys(), loc="outside upper left", ncols=4)


def _colour(l: int, layers: int) -> Any:
    """A colour per layer; many layers run from dark to light."""
    if layers <= len(PALETTE):
        return PALETTE[l - 1]
    import matplotlib as mpl

    return mpl.colormaps["viridis"](0.92 * (l - 1) / (layers - 1))
