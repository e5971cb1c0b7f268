"""`check`: gradient checks on this machine's backends."""

from __future__ import annotations

import argparse
import os

import numpy as np

import backprop_xp as bp
from backprop_xp.backends import survey
from backprop_xp.cli.options import add_backend
from backprop_xp.wording import plural

_ABOUT = """\
Check the formulas of backpropagation against finite differences: a table of
networks with different depths, activations, losses and penalties, on every
backend that is usable here, or on the one that --backend or BACKEND names. The
exit code is 1 if a gradient is wrong.
"""
# The table of networks that `check` runs: sizes, hidden, output, loss, penalties.
_CHECKED: tuple[tuple[list[int], str, str, str | None, float, float], ...] = (
    ([4, 5, 1], "tanh", "sigmoid", None, 0.0, 0.0),
    ([4, 5, 3], "relu", "softmax", None, 0.0, 0.0),
    ([4, 5, 2], "gelu", "identity", None, 0.0, 0.0),
    ([4, 6, 5, 1], "silu", "softplus", "poisson", 0.0, 0.0),
    ([4, 6, 5, 4, 2], "elu", "tanh", "huber", 0.0, 0.0),
    ([4, 5, 1], "tanh", "sigmoid", None, 0.1, 0.01),
    ([30, 64, 32, 3], "leaky_relu", "softmax", "squared_error", 0.0, 0.0),
)


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `check` to the command line."""
    parser = commands.add_parser(
        "check", help="check gradients on every backend that is usable", description=_ABOUT
    )
    add_backend(parser)
    parser.set_defaults(run=check)


def check(options: argparse.Namespace) -> int:
    """Check the table of networks; the exit code is 1 if a gradient is wrong."""
    if options.backend or os.environ.get("BACKEND"):
        names = [bp.get_backend(options.backend).name]
    else:
        names = [status.name for status in survey() if status.usable]
    failed = 0
    for name in names:
        print(f"{name} ({bp.get_backend(name).description})")
        print(f"{'largest relative error':>79}")
        for sizes, hidden, output, loss, l2, l1 in _CHECKED:
            net = bp.Network(sizes, hidden, output, loss, backend=name, l2=l2, l1=l1)
            report = bp.check_gradients(net, *_example(net))
            failed += not report.passed
            layers = "-".join(str(n) for n in sizes)
            penalties = " with penalties" if l2 or l1 else ""
            passed = "ok   " if report.passed else "WRONG"
            formulas = f"{hidden} → {output}, {net.loss.name}{penalties}"
            error = f"{report.max_relative_error:.1e}"
            print(f"  {passed} {layers:11} {formulas:51} {error}", flush=True)
            if not report.passed:
                print(report)
    good = len(names) * len(_CHECKED) - failed
    print(f"{plural(good, 'gradient check')} passed, {failed} failed")
    return 1 if failed else 0


def _example(net: bp.Network) -> tuple[np.ndarray, np.ndarray]:
    """A few random rows with targets that every loss takes."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((12, net.sizes[0]))
    Y = np.zeros((12, net.sizes[-1]))
    Y[np.arange(12), rng.integers(net.sizes[-1], size=12)] = 1.0
    if net.sizes[-1] == 1:
        Y[::2] = 0.0
    return X, Y
