"""The picture of the scaling benchmark."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.cells import parse
from benchmarks.plots import STYLE
from benchmarks.scaling_model import INTERCONNECTS, Compute
from benchmarks.scaling_page import RANKS, weak_efficiency

COLOURS = ("#0072B2", "#56B4E9", "#E69F00", "#D55E00")


def draw(computes: dict[str, Compute], path: Path) -> None:
    """Draw the predicted efficiency by ranks, a panel per network, for Adam."""
    chosen = {key: compute for key, compute in computes.items() if key.endswith("adam")}
    with mpl.rc_context(STYLE | {"axes.spines.left": True}):
        figure = Figure(figsize=(3.1 * len(chosen), 3.6), layout="constrained")
        panels = figure.subplots(1, len(chosen), sharey=True, squeeze=False)[0]
        for axis, (key, compute) in zip(panels, chosen.items(), strict=True):
            cell = parse(key.partition(" ")[0])
            for network, colour in zip(INTERCONNECTS, COLOURS, strict=True):
                values = [
                    weak_efficiency(compute, network, cell.parameters, cell.batch, n) for n in RANKS
                ]
                axis.plot(RANKS, values, color=colour, marker=".", label=network.name)
            axis.set_xscale("log", base=2)
            axis.set_xticks([2, 16, 128, 1024], ["2", "16", "128", "1,024"])
            axis.set_ylim(0, 1.03)
            axis.grid(color="#dddddd", linewidth=0.6)
            axis.set_title(f"{cell.name}\n{cell.batch:,} rows per rank", fontsize=9.5)
            axis.set_xlabel("ranks")
        panels[0].set_ylabel("parallel efficiency")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
        figure.suptitle("Predicted: an Adam step of N ranks, one core each", weight="bold")
        figure.savefig(path, dpi=150)
