"""The sources benchmark: whole fits of data on disk, against the same rows in memory."""

from __future__ import annotations

import json
import math
import os
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import cells, machine, runner, source_files
from benchmarks.contenders.ours import build
from benchmarks.markdown import number, page, table
from benchmarks.options import Options

CELL = cells.Cell((784, 128, 10), 128)
ROWS, EPOCHS = 25_600, 8
MEMORY = "in memory"
THREADS = "OPENBLAS_NUM_THREADS"

HOW = """`bp.fit` on {rows:,} rows of 784 float32 numbers and a label, at batch 128 with Adam
(784-128-10), in examples per second: a fit of {epochs} epochs in a process of its own, the median
of all but the first, in {rounds} interleaved rounds; {threads}. The first epoch, in seconds, also
looks at the values and takes the memory of the buffers. Files are in the page cache. The ratio to
memory is that of the same round, and its median. {shards} shards; row groups of {groups:,} rows;
chunks of {chunks:,} rows in Zarr. *Rows at random* is `fit(net, X, Y)` with memory maps, which
orders all rows anew; all the others but the iterable, which shuffles for itself, go by blocks and a
buffer of 32 MiB. Random numbers do not compress: real data may be faster to read, and slower to
decode."""

Found = dict[str, list[dict[str, Any]]]


def run(options: Options) -> None:
    """Measure, and write the table and the raw figures."""
    runner.say("sources")
    rows = ROWS // 10 if options.quick else ROWS
    with tempfile.TemporaryDirectory() as folder:
        job = cells.make_job(CELL, "adam", rows=rows)
        source_files.write(Path(folder), job.X, job.labels)
        del job

        def spec(name: str, _: int) -> dict[str, Any]:
            return {"task": "sources", "contender": name, "folder": folder, "rows": rows}

        found = runner.rounds_of(list(source_files.CONTENDERS), options.rounds, spec)
    about = machine.describe()
    raw = {"machine": about, "rounds": options.rounds, "quick": options.quick, "sources": found}
    (options.out / "sources.json").write_text(json.dumps(raw, indent=1) + "\n")
    how = HOW.format(
        rows=rows,
        epochs=EPOCHS,
        rounds=options.rounds,
        threads="one thread for products" if os.environ.get(THREADS) == "1" else "default threads",
        shards=source_files.SHARDS,
        groups=source_files.GROUP_ROWS,
        chunks=source_files.CHUNK_ROWS,
    )
    text = page("Data that do not fit into memory", how, machine.markdown(about), rates(found))
    (options.out / "sources.md").write_text(text)
    print(rates(found))


def measure(spec: dict[str, Any]) -> dict[str, Any]:
    """Time one form of the data, in the worker's process."""
    import backprop_xp as bp

    data = source_files.CONTENDERS[spec["contender"]](Path(spec["folder"]), CELL.batch)
    net, optimizer = build(cells.make_job(CELL, "adam"))

    history = bp.fit(
        net, *data, epochs=EPOCHS, batch_size=CELL.batch, optimizer=optimizer, progress=False
    )
    first, *others = history.seconds
    return {"rate": spec["rows"] / median(others), "first": first, "loss": history.loss[-1]}


def rates(found: Found) -> str:
    """Return examples per second, spread and ratio to memory of every form."""
    memory = [outcome["rate"] for outcome in found[MEMORY]]
    lines = []
    for name, outcomes in found.items():
        got = [outcome["rate"] for outcome in outcomes if "rate" in outcome]
        if not got:
            lines.append([name, "missing", outcomes[0]["missing"], "–", "–"])
            continue
        spread = f"{min(got):,.0f} … {max(got):,.0f}"
        ratio = median(a / b for a, b in zip(got, memory, strict=False))
        first = median(outcome.get("first", math.nan) for outcome in outcomes)
        lines.append([name, number(median(got), ",.0f"), spread, number(ratio), number(first)])
    return table(["data", "examples/s", "min … max", "over memory", "first epoch, s"], lines)
