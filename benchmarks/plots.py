"""Pictures of the results."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.cells import OPTIMIZERS
from benchmarks.report import columns
from benchmarks.rows import Row

# Colours that differ for colour-blind readers too (Okabe and Ito).
COLOURS = {
    "numpy": "#0072B2",
    "torch": "#D55E00",
    "torch-compile": "#E69F00",
    "jax": "#009E73",
    "scikit-learn": "#CC79A7",
    "floor": "#555555",
    "jax-scan": "#8FD3BF",
}
LABELS = {
    "numpy": "hand-written NumPy",
    "torch": "PyTorch eager",
    "torch-compile": "torch.compile",
    "jax": "JAX, jit per step",
    "scikit-learn": "scikit-learn",
    "floor": "floor: matrix products alone",
    "jax-scan": "JAX, whole loop compiled (lax.scan)",
}
STYLE: Any = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
}


def ratios(rows: list[Row], device: str, path: Path) -> None:
    """Draw our step over theirs as bars that leave the line at 1, one panel per optimizer."""
    names = columns(rows)
    cells = list(dict.fromkeys(row.cell for row in rows))
    with mpl.rc_context(STYLE):
        height = 1.9 + len(cells) * (0.2 * len(names) + 0.25)
        figure = Figure(figsize=(12, height), layout="constrained")
        axes = figure.subplots(1, 2, sharex=True, sharey=True)
        for axis, optimizer in zip(axes, OPTIMIZERS, strict=True):
            chosen = {row.cell: row for row in rows if row.optimizer == optimizer}
            draw_panel(axis, chosen, cells, names)
            axis.set_title("Adam" if optimizer == "adam" else "SGD", loc="left", weight="bold")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
        figure.suptitle(
            f"One training step on the {device.upper()}: time of backprop_xp over each contender's",
            weight="bold",
        )
        figure.savefig(path, dpi=150)


def draw_panel(axis: Any, rows: dict[str, Row], cells: list[str], names: list[str]) -> None:
    """Draw one optimizer's bars, grouped by network."""
    thick = 0.84 / max(1, len(names))
    for place, name in enumerate(names):
        values = [known_ratio(rows[cell], name) if cell in rows else math.nan for cell in cells]
        heights = [k - 0.42 + thick * (place + 0.5) for k in range(len(cells))]
        widths = [value - 1 for value in values]
        axis.barh(
            heights,
            widths,
            thick * 0.9,
            left=1,
            color=COLOURS.get(name, "black"),
            label=LABELS.get(name, name),
            hatch="///" if name == "jax-scan" else None,
            edgecolor="white" if name == "jax-scan" else "none",
        )
        label_bars(axis, heights, values)
    finish_panel(axis, cells)


def known_ratio(row: Row, name: str) -> float:
    """Return a ratio, NaN in a void row."""
    return math.nan if row.void else row.ratio(name)


def label_bars(axis: Any, heights: list[float], values: list[float]) -> None:
    """Write each ratio at the free end of its bar."""
    for height, value in zip(heights, values, strict=True):
        absent = math.isnan(value)
        right = absent or value >= 1
        axis.annotate(
            "missing or void" if absent else f"{value:.{2 if value >= 0.095 else 3}f}",
            (1 if absent else value, height),
            xytext=(3 if right else -3, 0),
            textcoords="offset points",
            ha="left" if right else "right",
            va="center",
            fontsize=7.5,
            color="#333333",
        )


def finish_panel(axis: Any, cells: list[str]) -> None:
    """Put the log axis, the line at 1 and the names of the networks in place."""
    axis.set_xscale("log")
    axis.margins(x=0.12)
    axis.set_yticks(range(len(cells)), cells)
    axis.set_ylim(len(cells) - 0.5, -0.5)
    axis.tick_params(axis="y", length=0)
    ticks = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)
    low, high = axis.get_xlim()
    axis.set_xticks([t for t in ticks if low <= t <= high])
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter("")
    axis.grid(axis="x", color="#dddddd", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.axvline(1, color="black", linewidth=1.2)
    for k in range(1, len(cells)):
        axis.axhline(k - 0.5, color="#eeeeee", linewidth=0.8, zorder=0)
    axis.set_xlabel("◀ ours is faster        time ratio (log scale)        theirs is faster ▶")


def speedups(grid: dict[tuple[int, int], float], path: Path) -> None:
    """Draw GPU over CPU speed by width, a line per batch size; ``grid`` is keyed (width, batch)."""
    with mpl.rc_context(STYLE | {"axes.spines.left": True}):
        figure = Figure(figsize=(7.5, 4.8), layout="constrained")
        axis = figure.subplots()
        for batch in sorted({batch for _, batch in grid}):
            widths = sorted(width for width, other in grid if other == batch)
            values = [grid[width, batch] for width in widths]
            axis.plot(widths, values, marker="o", label=f"batch {batch}")
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
        axis.xaxis.set_major_formatter("{x:g}")
        axis.yaxis.set_major_formatter("{x:g}")
        axis.axhline(1, color="black", linewidth=1.2)
        axis.grid(color="#dddddd", linewidth=0.6)
        axis.set_xlabel("width of the hidden layer")
        axis.set_ylabel("CPU time over GPU time: above 1, the GPU is faster")
        axis.set_title("Where the GPU overtakes the CPU, one Adam step", weight="bold")
        axis.legend(frameon=False)
        figure.savefig(path, dpi=150)


def rates(found: dict[str, dict[str, float]], device: str, path: Path) -> None:
    """Draw examples per second, one panel per network."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.2 * max(1, len(found)), 3.2), layout="constrained")
        panels = figure.subplots(1, max(1, len(found)), squeeze=False)[0]
        for axis, (cell, by_name) in zip(panels, found.items(), strict=False):
            names = list(by_name)
            values = [0.0 if math.isnan(by_name[n]) else by_name[n] for n in names]
            bars = axis.barh(names, values, color=[COLOURS.get(n, "black") for n in names])
            words = [f"{value:,.0f}" if value else "missing" for value in values]
            axis.bar_label(bars, words, padding=3, fontsize=9)
            axis.invert_yaxis()
            axis.margins(x=0.18)
            axis.tick_params(axis="y", length=0)
            axis.xaxis.set_major_formatter("{x:,.0f}")
            axis.locator_params(axis="x", nbins=5)
            axis.set_title(cell, loc="left", weight="bold")
            axis.set_xlabel("examples per second")
        figure.suptitle(f"Whole fits with Adam on the {device.upper()}", weight="bold")
        figure.savefig(path, dpi=150)
