"""`python -m benchmarks`: what runs, and where its results go."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest

from benchmarks import __main__ as cli

PUBLISHED = Path(cli.__file__).parent / "results"


@pytest.fixture
def ran(monkeypatch, tmp_path):
    """What would have run: (module, options) of each benchmark."""
    found = []

    class Module:
        def __init__(self, name):
            self.name = name

        def run(self, options):
            found.append((self.name, options))

    monkeypatch.setattr(cli, "import_module", Module)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return found


def test_without_arguments_it_prints_help_and_runs_nothing(ran, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["python -m benchmarks"])
    assert cli.main() == 0
    assert "usage: python -m benchmarks" in capsys.readouterr().out
    assert ran == []


@pytest.mark.parametrize("task", cli.TASKS)
def test_results_go_to_a_new_temporary_folder_that_is_named(ran, monkeypatch, capsys, task):
    monkeypatch.setattr(cli.machine, "gpu_name", lambda: "a GPU")
    assert cli.main([task]) == 0
    [(module, options)] = ran
    assert module == f"benchmarks.{cli.TASKS[task]}"
    assert options.out.parent == Path(tempfile.tempdir)
    assert options.out.is_dir()
    assert capsys.readouterr().out == f"{task}: the results are in {options.out}\n"


def test_each_run_has_a_folder_of_its_own(ran):
    cli.main(["step"])
    cli.main(["step"])
    assert ran[0][1].out != ran[1][1].out


def test_several_benchmarks_share_a_folder(ran, tmp_path):
    assert cli.main(["fit", "step", "--out", str(tmp_path / "a" / "b")]) == 0
    assert [module for module, _ in ran] == ["benchmarks.fit", "benchmarks.step"]
    assert [options.out for _, options in ran] == [tmp_path / "a" / "b"] * 2
    assert (tmp_path / "a" / "b").is_dir()


def test_only_publish_replaces_the_published_results(ran):
    assert cli.main(["step", "--publish"]) == 0
    assert ran[0][1].out == PUBLISHED


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["step", "--publish", "--quick"], "--publish: the figures of a --quick run"),
        (["step", "--publish", "--out", "x"], "not allowed with argument"),
        (["--quick"], "the following arguments are required: TASK"),
        (["stepp"], "invalid choice: 'stepp'"),
        (["step", "--cells", "31-64-1"], "30-64-1"),
    ],
)
def test_what_is_refused(ran, capsys, tmp_path, arguments, message):
    with pytest.raises(SystemExit, match="2"):
        cli.main(arguments)
    assert message in capsys.readouterr().err
    assert ran == []
    assert list(tmp_path.iterdir()) == []
