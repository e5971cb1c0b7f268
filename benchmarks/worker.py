"""The process in which a contender is measured.

Started by the harness as ``python -m benchmarks.worker``. Each line of standard input is JSON that
names a task and its arguments; each outcome is one line of JSON, too.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from typing import Any

from benchmarks import cells, contenders, loops, memory, perceptrons, reference, timing
from benchmarks.contenders.base import Contender
from benchmarks.runner import OUTCOME

CHECKED_STEPS = (2, 20)
"""Steps from the initial weights after which all contenders' losses must agree.

After 20 steps a wide network has all but learnt its batch, and a loss near 0 tells little about
how it came there; after 2 it does.
"""


def fastest(kind: type[Contender], job: cells.Job, budget: timing.Budget) -> str:
    """Return the variant of a contender that runs this job fastest."""
    names = kind.variants(job)
    if len(names) == 1:
        return names[0]
    return min(names, key=lambda name: timing.probe(kind(job, name).run, budget))


def step(spec: dict[str, Any]) -> dict[str, Any]:
    """Time a contender's step; with ``check``, first report its losses on the way."""
    budget = timing.Budget.quick() if spec["quick"] else timing.Budget()
    names = (spec[name] for name in ("contender", "cell", "optimizer", "device"))
    job, variant, contender = built(*names, budget)
    outcome: dict[str, Any] = {"variant": variant, "losses": []}
    if spec["check"]:
        outcome["losses"] = checked_losses(contender, job)
    blocks, per_block = timing.time_blocks(contender.run, budget)
    return outcome | {"blocks": blocks, "steps_per_block": per_block}


@cache
def built(
    name: str, cell: str, optimizer: str, device: str, budget: timing.Budget
) -> tuple[cells.Job, str, Contender]:
    """Build a contender in its fastest variant, once for all rounds of this process."""
    job, kind = cells.make_job(cells.parse(cell), optimizer, device), contenders.load(name)
    variant = fastest(kind, job, budget)
    return job, variant, kind(job, variant)


def checked_losses(contender: Contender, job: cells.Job) -> list[float]:
    """Train, and return the loss of the weights after each checked step; none for a floor."""
    losses, done = [], 0
    for steps in CHECKED_STEPS:
        contender.run(steps - done)
        done = steps
        weights = contender.weights()
        if weights is not None:
            losses.append(reference.loss(job.X, job.Y, *weights))
    return losses


def fit(spec: dict[str, Any]) -> dict[str, Any]:
    """Time a contender's training loop over a whole data set."""
    cell, rows, epochs = cells.parse(spec["cell"]), spec["rows"], spec["epochs"]
    job = cells.make_job(cell, "adam", spec["device"], rows)
    return loops.measure(spec["contender"], job, epochs, repeats=spec["repeats"])


def peak(spec: dict[str, Any]) -> dict[str, Any]:
    """Report the memory of one of our steps."""
    return memory.measure(cells.parse(spec["cell"]), spec["optimizer"])


def on_disk(spec: dict[str, Any]) -> dict[str, Any]:
    """Time a fit of data in one of the forms that are read while it trains."""
    from benchmarks import sources

    return sources.measure(spec)


def population(spec: dict[str, Any]) -> dict[str, Any]:
    """Time the steps of many networks at once."""
    from benchmarks.population import steps

    budget = timing.Budget.quick() if spec["quick"] else timing.Budget()
    return steps.measure(spec["contender"], budget)


def search(spec: dict[str, Any]) -> dict[str, Any]:
    """Time a search over settings."""
    from benchmarks.population import searches

    return searches.measure(spec["contender"], spec["quick"])


TASKS = {
    "step": step,
    "fit": fit,
    "memory": peak,
    "estimator": perceptrons.measure,
    "sources": on_disk,
    "population": population,
    "search": search,
}


def main() -> None:
    """Run the tasks that come in."""
    for line in sys.stdin:
        spec = json.loads(line)
        try:
            outcome = TASKS[spec["task"]](spec)
        except Exception as error:  # whatever stops a contender is its row's entry, not our end
            reason = str(error).strip().splitlines()
            found = reason[0] if reason else "no message"
            outcome = {"missing": f"{type(error).__name__}: {found}"}
        print(OUTCOME + json.dumps(outcome), flush=True)


if __name__ == "__main__":
    main()
