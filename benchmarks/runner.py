"""Starting workers, rounds interleaved.

On the CPU each measurement has a fresh process, on the GPU each contender.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT = 900.0
OUTCOME = "outcome "
"""How a worker's line with an outcome begins; libraries may print lines of their own."""

Item = TypeVar("Item")


def environment(device: str) -> dict[str, str]:
    """Return a worker's environment; thread counts are left to each library."""
    env = {k: v for k, v in os.environ.items() if k != "BACKEND"}
    if device == "cpu":
        env |= {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
    else:
        env["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
    return env


class Worker:
    """A process that measures what it is asked for, one measurement after the other."""

    def __init__(self, device: str) -> None:
        """Start it."""
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed in close
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker"],
            cwd=ROOT,
            env=environment(device),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def ask(self, spec: dict[str, Any], timeout: float = TIMEOUT) -> dict[str, Any]:
        """Return the outcome of one measurement, or why there is none under ``missing``."""
        assert self._process.stdin
        assert self._process.stdout
        late = threading.Timer(timeout, self._process.kill)
        late.start()
        try:
            self._process.stdin.write(json.dumps(spec) + "\n")
            self._process.stdin.flush()
            for line in self._process.stdout:
                if line.startswith(OUTCOME):
                    outcome: dict[str, Any] = json.loads(line.removeprefix(OUTCOME))
                    return outcome
        except BrokenPipeError:
            pass  # it has died before it was asked
        finally:
            in_time = late.is_alive()
            late.cancel()
        return {"missing": self._last_words() if in_time else f"no result within {timeout:.0f} s"}

    def _last_words(self) -> str:
        self._process.wait()
        self._errors.seek(0)
        return last_words(self._process.returncode, self._errors.read())

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()
        self._errors.close()


@cache
def kept(contender: str) -> Worker:
    """Return the one process in which a contender is measured on the GPU.

    To start one takes many seconds there, for the driver and the compilers.
    """
    worker = Worker("gpu")
    atexit.register(worker.close)
    return worker


def launch(spec: dict[str, Any]) -> dict[str, Any]:
    """Return the outcome of one measurement, or why there is none under ``missing``."""
    if spec.get("device") == "gpu":
        return kept(spec["contender"]).ask(spec)
    worker = Worker("cpu")
    try:
        return worker.ask(spec)
    finally:
        worker.close()


def read(returncode: int, stdout: str, stderr: str) -> dict[str, Any]:
    """Return the JSON of the last line, or the last words of a worker that died."""
    try:
        outcome: dict[str, Any] = json.loads(stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        return {"missing": last_words(returncode, stderr)}
    return outcome


def last_words(returncode: int, stderr: str) -> str:
    """Return how a process ended, and its last line."""
    words = stderr.strip().splitlines() or ["no output"]
    return f"exit code {returncode}: {words[-1]}"


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
