"""What the command line chose."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.cells import Cell


@dataclass(frozen=True)
class Options:
    """Choices of one benchmark run."""

    cells: list[Cell]
    contenders: list[str]
    rounds: int
    device: str
    out: Path
    quick: bool

    def path(self, stem: str, suffix: str) -> Path:
        """Return the path of an output file, such as step-cpu.md."""
        return self.out / f"{stem}-{self.device}.{suffix}"
