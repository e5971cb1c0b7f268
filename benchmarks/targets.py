"""The project's speed targets, each checked against the measured figures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from benchmarks.cells import GRID, LARGE, OPTIMIZERS, TINY
from benchmarks.markdown import number, table
from benchmarks.rows import OURS, Row

SMALL = tuple(cell.name for cell in GRID if cell.name not in LARGE)
ALL = tuple(cell.name for cell in GRID)
CPU_PEERS = ("torch", "torch-compile", "jax")
GPU_PEERS = ("torch-compile", "jax")


@dataclass(frozen=True)
class Target:
    """A limit and the figures held against it, by row; NaN where a row was not measured."""

    text: str
    figures: dict[str, float]
    limit: float
    at_least: bool = False

    def met_by(self, figure: float) -> bool:
        """Return True when a figure keeps the limit."""
        return figure >= self.limit if self.at_least else figure <= self.limit

    @property
    def known(self) -> dict[str, float]:
        """Return the figures of the rows that were measured."""
        return {row: f for row, f in self.figures.items() if not math.isnan(f)}

    @property
    def verdict(self) -> str:
        """Return met, missed, or how much of it was measured."""
        if not self.known:
            return "not measured"
        if not all(map(self.met_by, self.known.values())):
            return "missed"
        if len(self.known) < len(self.figures):
            return f"met in the {len(self.known)} of {len(self.figures)} rows measured"
        return "met"

    @property
    def detail(self) -> str:
        """Return every figure that breaks the limit, or the one that comes nearest to it."""
        if not self.known:
            return "–"
        broken = {row: f for row, f in self.known.items() if not self.met_by(f)}
        if broken:
            return "; ".join(f"{number(f)} ({row})" for row, f in broken.items())
        worst = (min if self.at_least else max)(self.known, key=self.known.__getitem__)
        return f"{'lowest' if self.at_least else 'highest'} {number(self.known[worst])} ({worst})"


def render(targets: list[Target]) -> str:
    """Return the section of the report."""
    rows = [(t.text, f"**{t.verdict}**", t.detail) for t in targets]
    return "## Targets\n\n" + table(("target", "verdict", "figure"), rows, rule="---|")


class Figures:
    """Looks rows up by cell and optimizer; a void or absent row gives NaN."""

    def __init__(self, rows: list[Row], ours: str = OURS) -> None:
        """Keep the rows that count, and which of our contenders is looked at."""
        self.ours = ours
        self.rows = {(row.cell, row.optimizer): row for row in rows if not row.void}

    def ratio(self, cell: str, optimizer: str, name: str) -> float:
        """Return our step over one contender's."""
        row = self.rows.get((cell, optimizer))
        return row.ratio(name, self.ours) if row else math.nan

    def over_best(self, cell: str, optimizer: str, names: tuple[str, ...]) -> float:
        """Return our step over that of the fastest of several; one that is missing is left out."""
        ratios = [self.ratio(cell, optimizer, name) for name in names]
        return max((r for r in ratios if not math.isnan(r)), default=math.nan)

    def over(
        self, names: tuple[str, ...], cells: tuple[str, ...], optimizers: tuple[str, ...]
    ) -> dict[str, float]:
        """Return our ratio to the fastest of ``names`` in every row asked for."""
        return {f"{c} {o}": self.over_best(c, o, names) for c in cells for o in optimizers}


def step_targets(rows: list[Row], device: str) -> list[Target]:
    """Return the targets of one step on a device."""
    if device == "gpu":
        return gpu_targets(Figures(rows), rows)
    return [*cpu_targets(Figures(rows)), *numba_targets(rows)]


def cpu_targets(figures: Figures) -> list[Target]:
    """Return the CPU targets of a step."""
    both = OPTIMIZERS
    return [
        Target("≤ 1.00 of hand-written NumPy", figures.over(("numpy",), ALL, both), 1.0),
        Target(
            "≤ 0.75 of hand-written NumPy with Adam on 2-4-1 and 30-64-1",
            figures.over(("numpy",), TINY, ("adam",)),
            0.75,
        ),
        Target(
            "≤ 0.95 of the best of PyTorch eager, torch.compile and per-step JAX",
            figures.over(CPU_PEERS, ALL, both),
            0.95,
        ),
        Target(
            "≤ 0.50 of scikit-learn on the three small networks",
            figures.over(("scikit-learn",), SMALL, both),
            0.5,
        ),
        Target(
            "≤ 0.90 of scikit-learn on the two large networks",
            figures.over(("scikit-learn",), LARGE, both),
            0.9,
        ),
        Target(
            "≤ 1.10 of the floor on the two large networks",
            figures.over(("floor",), LARGE, both),
            1.1,
        ),
    ]


def numba_targets(rows: list[Row]) -> list[Target]:
    """Return the targets of the compiled backend: its steps, and its loop over steps."""
    step, loop = Figures(rows, "ours-numba"), Figures(rows, "ours-numba-loop")
    peers = ("numpy", *CPU_PEERS)
    gather = ("jax-scan-gather",)

    def target(figures: Figures, names: tuple[str, ...], cells: Any, limit: float) -> Target:
        text = f"numba: ≤ {limit:.2f} of {' and '.join(names)} on {', '.join(cells)}"
        return Target(text, figures.over(names, cells, OPTIMIZERS), limit)

    over_floor = [
        Target(
            f"numba: ≤ {limit:.2f} of the floor with {optimizer} on the two large networks",
            step.over(("floor",), LARGE, (optimizer,)),
            limit,
        )
        for optimizer, limit in zip(OPTIMIZERS, (1.05, 1.10), strict=True)
    ]
    return [
        target(loop, gather, TINY[:1], 0.25),
        target(loop, gather, TINY[1:], 0.75),
        target(step, peers, SMALL, 0.95),
        target(step, peers, LARGE, 1.0),
        *over_floor,
        target(step, (OURS,), ALL, 1.0),
        target(step, (OURS,), TINY, 0.4),
    ]


def gpu_targets(figures: Figures, rows: list[Row]) -> list[Target]:
    """Return the GPU targets of a step."""
    took = {f"{r.cell} {r.optimizer}": r.seconds(OURS) * 1e6 for r in rows if not r.void}
    tiny = {f"{c} {o}": took.get(f"{c} {o}", math.nan) for c in TINY for o in OPTIMIZERS}
    over_floor = figures.over(("floor",), LARGE[-1:], OPTIMIZERS)
    return [
        Target(
            'the faster of torch.compile ("reduce-overhead") and JAX jit: ≤ 1.00',
            figures.over(GPU_PEERS, ALL, OPTIMIZERS),
            1.0,
        ),
        Target("< 60 µs per step on 2-4-1 and 30-64-1", tiny, 60.0),
        Target(
            "≥ 0.85 of the floor's speed on 4096-4096-1",
            {row: 1.0 / ratio for row, ratio in over_floor.items()},
            0.85,
            at_least=True,
        ),
    ]


def memory_target(extra: dict[str, float]) -> Target:
    """Return the memory target; ``extra`` is in MiB by row."""
    text = "peak memory of a step beyond the accounted arrays, in MiB: < 32"
    return Target(text, extra, 32.0)


def fit_targets(overhead: dict[str, float], lead: dict[str, float]) -> list[Target]:
    """Return the targets of a fit: its time over its steps', its rate over scikit-learn's."""
    limits = (("784-128-10", 1.05, 1.5), ("30-64-1", 1.15, 3.0))
    targets = []
    for cell, most, least in limits:
        figure = {cell: overhead.get(cell, math.nan)}
        targets.append(Target(f"fit ≤ {most} of its bare steps on {cell}", figure, most))
        figure = {cell: lead.get(cell, math.nan)}
        text = f"≥ {least}× scikit-learn's examples per second on {cell}"
        targets.append(Target(text, figure, least, at_least=True))
    return targets


ESTIMATOR_LIMITS = {
    "breast cancer, 100": 0.35,
    "digits, 100": 0.35,
    "mnist-5k, 256": 0.6,
    "mnist-5k, 1024-1024": 0.8,
    "predict_proba, 1 row": 1.0,
    "predict_proba, 10,000 rows": 0.9,
}
"""The largest ratio to scikit-learn's time, by case."""


def numba_fits(ratios: dict[str, float]) -> Target:
    """Return the target of the estimators on the compiled backend."""
    small = ("breast cancer, 100", "digits, 100")
    figures = {name: r for name, r in ratios.items() if name.startswith(small)}
    return Target("numba: ≤ 0.25 of scikit-learn on the two small data sets", figures, 0.25)


def estimator_targets(ratios: dict[str, float]) -> list[Target]:
    """Return the targets of the estimators, for ratios by case and dtype."""
    found = []
    for case, limit in ESTIMATOR_LIMITS.items():
        figures = {name: r for name, r in ratios.items() if name.startswith(f"{case}, float")}
        found.append(Target(f"≤ {limit:.2f} of scikit-learn: {case}", figures, limit))
    found.append(Target("never slower than scikit-learn", ratios, 1.0))
    return found
