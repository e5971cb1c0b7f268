"""The page of the scaling benchmark."""

from __future__ import annotations

from statistics import median

from benchmarks import machine, targets
from benchmarks.cells import parse
from benchmarks.markdown import microseconds, number, page, table
from benchmarks.options import Options
from benchmarks.scaling_model import INTERCONNECTS, Compute, Network, efficiency, step_time

RANKS = tuple(2**k for k in range(1, 13))
SHOWN = (2, 4, 16, 64, 256, 1024, 4096)
STRONG_ROWS = 4096
"""Rows of the whole batch in the predictions with a fixed batch: one per rank at the end."""

EFFICIENCY = 0.85
TARGET_CELL = "784-1024-1024-10@1024"

Steps = dict[str, dict[str, list[float]]]
HeldOut = dict[str, tuple[float, float]]

HOW = """One training step (forward, loss, backward, all-reduce, update) in float32, each rank with
one thread of BLAS; the median over {rounds} interleaved rounds of the median block. *1 rank* is the
step without MPI on the whole batch, *2 ranks* has half of the same batch on each. Parallel
efficiency is T₁ / (2 T₂): 1 is ideal. Blocks in which other programs took more than 3 % of a rank's
core are measured again, up to six times. *In buckets* sums each layer's gradient by a non-blocking
all-reduce while the layers before it are on their way back; the library sums the flat gradient at
once, after backward."""

MODEL = """A step of N ranks takes t(b) + s(N), where b is the local batch.

- **Compute**, t(b) = fixed + per row · b, fitted by relative least squares to steps of one rank
  without communication while the other core runs the same: {compute_points} local batches per
  network. The held-out check leaves the local batch of two ranks out.
- **The all-reduce** of n bytes, after Hockney (1994) and Rabenseifner (2004): the smaller of a
  tree, ⌈log₂N⌉ (α + nβ), and halving and doubling, 2⌈log₂N⌉ α + 2 (N−1)/N · nβ. Fitted to
  all-reduces of {elements} sizes between two ranks in shared memory: α = {alpha:.1f} µs,
  1/β = {bandwidth:.1f} GB/s.

Assumed: one core of this machine per rank, and nodes that do not disturb each other; an
interconnect without contention, whose latency and bandwidth are those of the table below (usual
values, not measured here); the sum of what arrives is part of β; N a power of two; nothing
overlaps; ranks do not wait for a straggler. The model knows neither the algorithms that an MPI
library really chooses by size, nor NUMA, nor a shared network card: where ranks share a node,
divide the bandwidth by their number."""


def render(
    options: Options,
    about: dict[str, object],
    steps: Steps,
    network: Network,
    sums: dict[int, float],
    computes: dict[str, Compute],
    rows: dict[str, dict[int, float]],
    held_out: HeldOut,
) -> str:
    """Return the page."""
    return page(
        f"Ranks on the {options.device.upper()}",
        "**A quick run: its figures are only a smoke test.**" if options.quick else "",
        HOW.format(rounds=options.rounds),
        machine.markdown(about),
        "## One rank and two\n\n" + efficiency_table(steps),
        targets.render([efficiency_target(steps)]),
        "## The model\n\n"
        + MODEL.format(
            compute_points=max(map(len, rows.values())),
            elements=len(sums),
            alpha=network.alpha * 1e6,
            bandwidth=1e-9 / max(network.beta, 1e-15),
        ),
        compute_table(computes),
        sums_table(network, sums),
        "### Two ranks, predicted and measured\n\nNo step of two ranks was used for the fit.\n\n"
        + held_out_table(held_out),
        interconnect_table(),
        "## Predicted parallel efficiency, local batch fixed\n\nEvery rank has the batch of the "
        "network's name: the whole batch grows with the ranks.\n\n" + weak_table(computes),
        f"## Predicted step time, whole batch of {STRONG_ROWS:,} rows\n\nµs, with the speed-up "
        "over one rank.\n\n" + strong_table(computes),
        f"![Predicted efficiency](scaling-{options.device}.png)",
    )


def step_efficiency(found: dict[str, list[float]], way: str) -> float:
    """Return T₁ / (2 T₂) of one row."""
    return median(found["1"]) / (2 * median(found[way]))


def efficiency_target(steps: Steps) -> targets.Target:
    """Return the target on the efficiency of the large network."""
    figures = {
        key: step_efficiency(found, "2")
        for key, found in steps.items()
        if key.startswith(TARGET_CELL)
    }
    name = f"parallel efficiency of two ranks on {TARGET_CELL} ≥ {EFFICIENCY}"
    return targets.Target(name, figures, EFFICIENCY, at_least=True)


def efficiency_table(steps: Steps) -> str:
    """Return times and efficiencies, one row per network and optimizer."""
    lines = []
    for key, found in steps.items():
        times = [microseconds(median(found[way])) for way in ("1", "2", "2, in buckets")]
        values = [number(step_efficiency(found, way)) for way in ("2", "2, in buckets")]
        lines.append([key, *times, *values])
    header = ["network", "1 rank, µs", "2 ranks, µs", "in buckets, µs", "efficiency", "in buckets"]
    return table(header, lines)


def compute_table(computes: dict[str, Compute]) -> str:
    """Return the fitted compute terms."""
    lines = [
        [key, number(c.fixed * 1e6, ",.1f"), number(c.per_row * 1e6, ",.3f")]
        for key, c in computes.items()
    ]
    return table(["t(b)", "fixed, µs", "per row, µs"], lines)


def sums_table(network: Network, sums: dict[int, float]) -> str:
    """Return measured and fitted all-reduces."""
    lines = [
        [f"{n:,}", microseconds(took), microseconds(network.allreduce(4 * n, 2))]
        for n, took in sums.items()
    ]
    return table(["float32 of an all-reduce, 2 ranks", "measured, µs", "fitted, µs"], lines)


def held_out_table(held_out: HeldOut) -> str:
    """Return measured and predicted steps of two ranks."""
    lines = [
        [key, microseconds(took), microseconds(said), f"{said / took - 1:+.0%}"]
        for key, (took, said) in held_out.items()
    ]
    return table(["two ranks", "measured, µs", "predicted, µs", "error"], lines)


def interconnect_table() -> str:
    """Return the assumed interconnects."""
    lines = [
        [n.name, number(n.alpha * 1e6, ".0f"), number(1e-9 / n.beta, ".1f")] for n in INTERCONNECTS
    ]
    return table(["assumed interconnect", "latency, µs", "bandwidth, GB/s"], lines)


def weak_table(computes: dict[str, Compute]) -> str:
    """Return predicted efficiencies with a fixed local batch."""
    lines = []
    for key, compute in computes.items():
        cell = parse(key.partition(" ")[0])
        for network in INTERCONNECTS:
            values = [
                weak_efficiency(compute, network, cell.parameters, cell.batch, n) for n in SHOWN
            ]
            lines.append([f"{key}, {network.name}", *(number(value) for value in values)])
    return table(["network, interconnect", *(f"{n:,}" for n in SHOWN)], lines)


def weak_efficiency(
    compute: Compute, network: Network, parameters: int, local: int, ranks: int
) -> float:
    """Return the efficiency on a batch of ``local`` rows per rank."""
    alone = step_time(compute, network, parameters, local, 1)
    return alone / step_time(compute, network, parameters, local * ranks, ranks)


def strong_table(computes: dict[str, Compute]) -> str:
    """Return predicted step times and speed-ups with a fixed whole batch."""
    lines = []
    for key, compute in computes.items():
        cell = parse(key.partition(" ")[0])
        for network in INTERCONNECTS:
            entries = []
            for n in SHOWN:
                took = step_time(compute, network, cell.parameters, STRONG_ROWS, n)
                speed = n * efficiency(compute, network, cell.parameters, STRONG_ROWS, n)
                entries.append(f"{microseconds(took)} ({speed:,.1f}×)")
            name = f"{cell.name} {key.partition(' ')[2]}, {network.name}"
            lines.append([name, *entries])
    return table(["network, interconnect", *(f"{n:,}" for n in SHOWN)], lines)
