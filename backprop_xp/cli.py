"""The command line: `backprop-xp` or `python -m backprop_xp`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence

import numpy as np

import backprop_xp as bp
from backprop_xp.backends import survey
from backprop_xp.training.split import stratified_split


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 a check failed, 2 wrong use."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except bp.BackpropError as error:
        print(f"backprop-xp: error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of a pipe, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("backprop-xp: interrupted", file=sys.stderr)
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="backprop-xp",
        description="Backpropagation for fully connected networks, on NumPy or CuPy.",
    )
    parser.add_argument("--version", action="version", version=f"backprop-xp {bp.__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    train = commands.add_parser("train", help="train the article's two-layer network on real data")
    train.add_argument(
        "--seed", type=int, default=0, help="draws weights, split and batches (default: 0)"
    )
    _add_backend(train)
    train.set_defaults(run=_train)

    check = commands.add_parser("check", help="check gradients on every backend that is usable")
    _add_backend(check)
    check.set_defaults(run=_check)

    backends = commands.add_parser("backends", help="list the backends, and what is usable here")
    backends.set_defaults(run=_backends)
    return parser


def _add_backend(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--backend", metavar="NAME", help="numpy, cupy or strict (default: BACKEND, else numpy)"
    )


def _train(options: argparse.Namespace) -> int:
    backend = bp.get_backend(options.backend)
    data = bp.datasets.breast_cancer()
    training, test = stratified_split(data.Y, 0.2, options.seed)
    mean, deviation = data.X[training].mean(axis=0), data.X[training].std(axis=0)
    X = (data.X - mean) / deviation
    net = bp.Network(
        [X.shape[1], 16, 1], hidden="tanh", output="sigmoid", seed=options.seed, backend=backend
    )
    print(f"data      {data.name}: {len(training)} rows to train on, {len(test)} held out")
    print(
        f"network   {X.shape[1]} features → 16 tanh → 1 sigmoid, binary cross-entropy, "
        f"{net.theta.shape[0]} parameters"
    )
    print(f"backend   {backend.name} ({backend.description})", flush=True)
    start = time.perf_counter()
    history = bp.fit(
        net,
        X[training],
        data.Y[training],
        epochs=100,
        batch_size=32,
        optimizer=bp.SGD(0.1),
        seed=options.seed,
        progress=True,
    )
    seconds = time.perf_counter() - start
    predicted = backend.to_numpy(net.predict(backend.asarray(X[test])))[:, 0] > 0.5
    right = int(np.sum(predicted == data.Y[test]))
    print(
        f"trained   {len(history.loss)} epochs of gradient descent in {seconds:.1f} s, "
        f"cost {history.loss[0]:.4f} → {history.loss[-1]:.4f}"
    )
    print(f"test accuracy {right / len(test):.3f} ({right} of {len(test)} rows right)")
    return 0


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


def _check(options: argparse.Namespace) -> int:
    if options.backend or os.environ.get("BACKEND"):
        names = [bp.get_backend(options.backend).name]
    else:
        names = [status.name for status in survey() if status.usable]
    failed = 0
    for name in names:
        print(f"{name} ({bp.get_backend(name).description})")
        for sizes, hidden, output, loss, l2, l1 in _CHECKED:
            net = bp.Network(sizes, hidden, output, loss, backend=name, l2=l2, l1=l1)
            report = bp.check_gradients(net, *_example(net))
            failed += not report.passed
            layers = "-".join(str(n) for n in sizes)
            penalties = " with penalties" if l2 or l1 else ""
            print(
                f"  {'ok   ' if report.passed else 'WRONG'} {layers:11} {hidden:10} → "
                f"{output + ', ' + net.loss.name + penalties:48} "
                f"largest relative error {report.max_relative_error:.1e}",
                flush=True,
            )
            if not report.passed:
                print(report)
    print(f"{len(names) * len(_CHECKED) - failed} gradient checks passed, {failed} failed")
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


def _backends(options: argparse.Namespace) -> int:
    asked = os.environ.get("BACKEND", "").strip()
    statuses = survey()
    for status in statuses:
        mark = "usable    " if status.usable else "not usable"
        why = f"BACKEND={asked}" if asked else "the default"
        chosen = f"  ← {why}" if status.name == (asked or "numpy") else ""
        print(f"{status.name:8}{mark}  {status.detail}{chosen}")
    if asked and asked not in [status.name for status in statuses]:
        print(f"BACKEND={asked} names none of these")
    return 0
