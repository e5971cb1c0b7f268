"""What is measured: the grid of networks, and the data and weights every contender receives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

OPTIMIZERS = ("sgd", "adam")
ADAM_RATE = 1e-3
BETA1 = 0.9
BETA2 = 0.999
EPS = 1e-8

SMALL_WORK = 1e8
"""Multiply-adds of a forward pass below which a pool of threads costs more than it gives."""


@dataclass(frozen=True)
class Cell:
    """One network of the grid and its batch size."""

    sizes: tuple[int, ...]
    batch: int

    @property
    def name(self) -> str:
        """The layer sizes, joined by hyphens."""
        return "-".join(map(str, self.sizes))

    @property
    def key(self) -> str:
        """Sizes and batch, as ``parse`` reads them."""
        return f"{self.name}@{self.batch}"

    @property
    def binary(self) -> bool:
        """True for one sigmoid output with binary cross-entropy, else softmax."""
        return self.sizes[-1] == 1

    @property
    def output(self) -> str:
        """Name of the output activation."""
        return "sigmoid" if self.binary else "softmax"

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return sum((n + 1) * k for n, k in zip(self.sizes, self.sizes[1:], strict=False))

    @property
    def small(self) -> bool:
        """True where one thread may beat a pool of them."""
        products = sum(n * k for n, k in zip(self.sizes, self.sizes[1:], strict=False))
        return self.batch * products < SMALL_WORK


GRID = (
    Cell((2, 4, 1), 4),
    Cell((30, 64, 1), 64),
    Cell((784, 128, 10), 128),
    Cell((784, 1024, 1024, 10), 512),
    Cell((4096, 4096, 1), 1024),
)
TINY = ("2-4-1", "30-64-1")
LARGE = ("784-1024-1024-10", "4096-4096-1")
QUICK = GRID[1:2]


def parse(text: str) -> Cell:
    """Read ``30-64-1`` (a cell of the grid) or ``30-64-1@256`` (any sizes and batch)."""
    name, _, batch = text.partition("@")
    if batch:
        return Cell(tuple(int(n) for n in name.split("-")), int(batch))
    for cell in GRID:
        if cell.name == name:
            return cell
    known = ", ".join(cell.name for cell in GRID)
    raise ValueError(f"no cell {text!r} in the grid ({known}); write SIZES@BATCH for another one")


def sgd_rate(cell: Cell) -> float:
    """Return a rate that keeps the loss finite and moving: it falls with the widest layer."""
    return 1.0 / max(cell.sizes)


@dataclass(frozen=True)
class Job:
    """Everything a contender is given; arrays are float32 on the host.

    ``Y`` is (m, 1) or one-hot (m, k); ``labels`` holds the same targets as (m,) integers, for
    contenders whose usual input they are. ``W[l]`` is (n_out, n_in), the first layer at index 0.
    """

    cell: Cell
    optimizer: str
    device: str
    X: np.ndarray
    Y: np.ndarray
    labels: np.ndarray
    W: list[np.ndarray]
    b: list[np.ndarray]

    @property
    def rate(self) -> float:
        """Learning rate of this job's optimizer."""
        return ADAM_RATE if self.optimizer == "adam" else sgd_rate(self.cell)

    @property
    def gpu(self) -> bool:
        """True when the job is to run on a GPU."""
        return self.device == "gpu"


def draw_data(cell: Cell, rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return seeded random X, Y and labels."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((rows, cell.sizes[0]), dtype=np.float32)
    classes = max(2, cell.sizes[-1])
    labels = rng.integers(classes, size=rows)
    if cell.binary:
        return X, labels[:, None].astype(np.float32), labels
    return X, np.eye(classes, dtype=np.float32)[labels], labels


def draw_weights(cell: Cell, seed: int = 1) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return He-normal weights and zero biases."""
    rng = np.random.default_rng(seed)
    W = []
    for n, k in zip(cell.sizes, cell.sizes[1:], strict=False):
        scale = np.float32(np.sqrt(2.0 / n))
        W.append(rng.standard_normal((k, n), dtype=np.float32) * scale)
    return W, [np.zeros(k, dtype=np.float32) for k in cell.sizes[1:]]


def make_job(cell: Cell, optimizer: str, device: str = "cpu", rows: int | None = None) -> Job:
    """Draw the data and weights of a cell; ``rows`` defaults to one batch."""
    X, Y, labels = draw_data(cell, rows or cell.batch)
    W, b = draw_weights(cell)
    return Job(cell, optimizer, device, X, Y, labels, W, b)
