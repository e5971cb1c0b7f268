"""Command line of the benchmarks."""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
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
    "first-step": "first_step",
}
"""Task and the module that runs it, loaded only when asked for."""

PUBLISHED = Path(__file__).resolve().parent / "results"
ROUNDS = 5

DESCRIPTION = "Time backprop_xp beside its peers. The benchmarks take minutes to hours."
TASK_HELP = f"one or more of {', '.join(TASKS)}"


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = argparse.ArgumentParser(prog="python -m benchmarks", description=DESCRIPTION)
    made.add_argument("tasks", nargs="+", choices=tuple(TASKS), metavar="TASK", help=TASK_HELP)
    made.add_argument("--quick", action="store_true", help="a smoke test, its figures mean little")
    made.add_argument("--cells", nargs="+", metavar="CELL", help="such as 30-64-1 or 64-64-1@256")
    names = ", ".join(contenders.MODULES)
    made.add_argument("--contenders", nargs="+", metavar="NAME", help=f"among {names}, floor")
    made.add_argument("--rounds", type=int, help=f"default {ROUNDS}, with --quick 1")
    made.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    where = made.add_mutually_exclusive_group()
    where.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="folder of the results; default: a new temporary one, whose path is printed",
    )
    where.add_argument(
        "--publish",
        action="store_const",
        dest="out",
        const=PUBLISHED,
        help="replace the published results in benchmarks/results; not with --quick",
    )
    return made


def options_of(arguments: argparse.Namespace, task: str) -> Options:
    """Fill the choices that the command line left open."""
    quick = arguments.quick
    device = "gpu" if task == "crossover" else arguments.device
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
    given = sys.argv[1:] if argv is None else argv
    reader = parser()
    if not given:  # they take long: nothing is run that nobody has asked for
        reader.print_help()
        return 0
    arguments = reader.parse_args(given)
    if arguments.quick and arguments.out == PUBLISHED:
        reader.error("--publish: the figures of a --quick run mean too little to be published")
    try:
        chosen = {task: options_of(arguments, task) for task in arguments.tasks}
    except ValueError as error:
        reader.error(str(error))
    for task, options in chosen.items():
        if options.device == "gpu" and machine.gpu_name() is None:
            what = "crossover" if task == "crossover" else "--device gpu"
            print(f"{what} needs an NVIDIA GPU, and nvidia-smi finds none here", file=sys.stderr)
            return 2
    out = arguments.out or Path(tempfile.mkdtemp(prefix="benchmarks-"))
    out.mkdir(parents=True, exist_ok=True)
    for task, options in chosen.items():
        import_module(f"benchmarks.{TASKS[task]}").run(replace(options, out=out))
        print(f"{task}: the results are in {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
