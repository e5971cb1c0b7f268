"""Starting workers: each measurement in a fresh process, rounds interleaved."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT = 900.0

Item = TypeVar("Item")


def environment(device: str) -> dict[str, str]:
    """Return a worker's environment; thread counts are left to each library."""
    env = {k: v for k, v in os.environ.items() if k != "BACKEND"}
    if device == "cpu":
        env |= {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
    else:
        env["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
    return env


def launch(spec: dict[str, Any]) -> dict[str, Any]:
    """Run one worker and return its outcome, or why there is none under ``missing``."""
    command = [sys.executable, "-m", "benchmarks.worker", json.dumps(spec)]
    env = environment(spec.get("device", "cpu"))
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        return {"missing": f"no result within {TIMEOUT:.0f} s"}
    return read(done.returncode, done.stdout, done.stderr)


def read(returncode: int, stdout: str, stderr: str) -> dict[str, Any]:
    """Return the JSON of the last line, or the last words of a worker that died."""
    try:
        outcome: dict[str, Any] = json.loads(stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        words = stderr.strip().splitlines() or ["no output"]
        return {"missing": f"exit code {returncode}: {words[-1]}"}
    return outcome


def interleave(items: Iterable[Item], rounds: int) -> Iterator[tuple[int, Item]]:
    """Yield every item in round 0, then every item in round 1, and so on."""
    listed = list(items)
    for number in range(rounds):
        for item in listed:
            yield number, item


def say(message: str) -> None:
    """Tell the person who waits what is being measured."""
    print(message, file=sys.stderr, flush=True)


def rounds_of(
    names: list[str], rounds: int, spec_of: Callable[[str, int], dict[str, Any]]
) -> dict[str, list[dict[str, Any]]]:
    """Run every contender in interleaved rounds; one that is missing is not asked again."""
    outcomes: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for number, name in interleave(names, rounds):
        if any("missing" in outcome for outcome in outcomes[name]):
            continue
        outcomes[name].append(launch(spec_of(name, number)))
    return outcomes
