"""What a gradient check found, for people and programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class ParameterCheck(NamedTuple):
    """One line of the report: a W[l] or b[l].

    Attributes
    ----------
    name : str
        "W[1]", "b[1]" …
    layer : int
        l.
    shape : tuple of int
    checked : int
        How many entries, or random directions, were compared.
    kinks : int
        How many of them sit on a kink of J, where the gradient is one of several right answers.
    max_relative_error : float
    worst : str
        The entry, "W[1][2, 0]", or direction with that error.
    backward, difference : float
        What `backward` and the central difference gave there.
    passed : bool
    differences : tuple of float
        Every central difference, in the order of the entries (or directions).
    """

    name: str
    layer: int
    shape: tuple[int, ...]
    checked: int
    kinks: int
    max_relative_error: float
    worst: str
    backward: float
    difference: float
    passed: bool
    differences: tuple[float, ...]

    def __str__(self) -> str:
        mark = "ok   " if self.passed else "WRONG"
        shape = " × ".join(str(n) for n in self.shape)
        line = (
            f"{mark} {self.name:6} {shape:>12}  {self.checked:6} checked, largest relative error "
            f"{self.max_relative_error:.1e}"
        )
        if self.kinks:
            line += f", {self.kinks} at a kink"
        if not self.passed:
            line += (
                f" at {self.worst}: backward {self.backward:.6e}, difference {self.difference:.6e}"
            )
        return line


@dataclass(frozen=True)
class GradientReport:
    """What `check_gradients` found; `print(report)` shows it.

    Attributes
    ----------
    lines : tuple of ParameterCheck
        One per W[l] and b[l].
    tolerance : float

    Examples
    --------
    >>> import backprop_xp as bp
    >>> net = bp.Network([2, 3, 1], seed=0, backend="numpy")
    >>> report = bp.check_gradients(net, [[0.0, 1.0], [1.0, 1.0]], [0, 1])
    >>> report.passed, report.layer, [line.name for line in report.lines]
    (True, None, ['W[1]', 'b[1]', 'W[2]', 'b[2]'])
    """

    lines: tuple[ParameterCheck, ...]
    tolerance: float

    @property
    def worst(self) -> ParameterCheck:
        """The parameter with the largest relative error."""
        return max(self.lines, key=lambda line: line.max_relative_error)

    @property
    def max_relative_error(self) -> float:
        """The largest relative error of all parameters."""
        return self.worst.max_relative_error

    @property
    def passed(self) -> bool:
        """Whether every parameter is within the tolerance."""
        return all(line.passed for line in self.lines)

    @property
    def layer(self) -> int | None:
        """The layer at fault: the wrong one that is first on the way back. None if all is right."""
        return max((line.layer for line in self.lines if not line.passed), default=None)

    def __str__(self) -> str:
        if self.passed:
            verdict = f"passed: largest relative error {self.max_relative_error:.1e}"
        else:
            verdict = (
                f"FAILED: the gradient is wrong from layer {self.layer} on the way back; the worst "
                f"parameter is {self.worst.worst}"
            )
        body = "\n".join(f"  {line}" for line in self.lines)
        return f"gradient check {verdict} (tolerance {self.tolerance:.0e})\n{body}"
