"""Command line of the benchmarks."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

from benchmarks import cells, contenders, machine
from benchmarks.options import Options

TASKS = {
    "step": "step",
    "fit": "fit",
    "import": "imports",
    "estimators": "estimators",
    "sources": "sources",
    "scaling": "scaling",
    "populations": "populations",
    "crossover": "crossover",
}
"""Task and the module that runs it, loaded only when asked for."""

DEFAULT_TASKS = ("step", "fit", "import")
RESULTS = Path(__file__).resolve().parent / "results"
ROUNDS = 5


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    made.add_argument(
        "task", nargs="?", choices=tuple(TASKS), help="default: step, fit and import in turn"
    )
    made.add_argument("--quick", action="store_true", help="a smoke test, its figures mean little")
    made.add_argument("--cells", nargs="+", metavar="CELL", help="such as 30-64-1 or 64-64-1@256")
    names = ", ".join(contenders.MODULES)
    made.add_argument("--contenders", nargs="+", metavar="NAME", help=f"among {names}, floor")
    made.add_argument("--rounds", type=int, help=f"default {ROUNDS}, with --quick 1")
    made.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    made.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    return made


def options_of(arguments: argparse.Namespace) -> Options:
    """Fill the choices that the command line left open."""
    quick = arguments.quick
    device = "gpu" if arguments.task == "crossover" else arguments.device
    everyone = contenders.GPU if device == "gpu" else contenders.CPU
    if quick:
        everyone = tuple(name for name in contenders.QUICK if name in everyone)
    grid = cells.QUICK if quick else cells.GRID
    return Options(
        cells=[cells.parse(text) for text in arguments.cells] if arguments.cells else list(grid),
        contenders=contenders.expand(arguments.contenders or list(everyone), device),
        rounds=arguments.rounds or (1 if quick else ROUNDS),
        device=device,
        out=arguments.out,
        quick=quick,
    )


def main(argv: list[str] | None = None) -> int:
    """Run the chosen benchmarks; 2 where they need a GPU and there is none."""
    reader = parser()
    arguments = reader.parse_args(argv)
    try:
        options = options_of(arguments)
    except ValueError as error:
        reader.error(str(error))
    if options.device == "gpu" and machine.gpu_name() is None:
        what = arguments.task or "--device gpu"
        print(f"{what} needs an NVIDIA GPU, and nvidia-smi finds none here", file=sys.stderr)
        return 2
    options.out.mkdir(parents=True, exist_ok=True)
    for task in [arguments.task] if arguments.task else DEFAULT_TASKS:
        import_module(f"benchmarks.{TASKS[task]}").run(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
