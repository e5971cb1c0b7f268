"""Where the command line writes: refused early, whole or not at all, and where it was asked to."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from places import locked_directory

import backprop_xp as bp
from backprop_xp.cli import main
from backprop_xp.training.fit import fit

pd = pytest.importorskip("pandas")
pytest.importorskip("matplotlib")
pytestmark = pytest.mark.skipif(os.name != "posix", reason="devices, links and limits of POSIX")

OPTIONS = ("--out", "--checkpoint", "--plot")


@pytest.fixture(autouse=True)
def no_choice(monkeypatch):
    monkeypatch.delenv("BACKEND", raising=False)


@pytest.fixture
def rows(tmp_path, rng):
    x = rng.normal(size=60)
    frame = pd.DataFrame({"x": x, "z": rng.normal(size=60), "y": np.where(x > 0, "yes", "no")})
    frame.to_csv(tmp_path / "rows.csv", index=False)
    return tmp_path / "rows.csv"


@pytest.fixture
def model(rows, tmp_path, capsys):
    assert run(capsys, *training(rows), "--out", tmp_path / "model")[0] == 0
    return tmp_path / "model"


def training(rows, epochs=2):
    return "train", rows, "--target", "y", "--quiet", "--epochs", epochs


def run(capsys, *arguments):
    """The exit code, the lines on stdout, and the lines on stderr."""
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out.splitlines(), captured.err.splitlines()


def no_directory(place):
    return place / "no" / "f.png", "there is no directory .*no; create it first"


def long_name(place):
    return place / ("n" * 300 + ".png"), "its name is longer than the system allows"


def long_directory(place):
    return place / ("n" * 300) / "f.png", "its name is longer than the system allows"


def link_to_nowhere(place):
    (place / "f.png").symlink_to(place / "no" / "f")
    return place / "f.png", "it is a link to .*, and there is no directory .*no"


def link_to_itself(place):
    (place / "f.png").symlink_to(place / "f.png")
    return place / "f.png", "symbolic links"


def device(place):
    (place / "f.png").symlink_to("/dev/full")
    return place / "f.png", "it is a device or a pipe, not a file|the disk is full"


def below_a_file(place):
    return place / "rows.csv" / "f.png", "rows.csv is no directory"


PLACES = [no_directory, long_name, long_directory, link_to_nowhere, link_to_itself, device]
PLACES.append(below_a_file)


@pytest.mark.parametrize("make", PLACES)
@pytest.mark.parametrize("option", OPTIONS)
def test_train_refuses_a_place_before_training(capsys, monkeypatch, rows, tmp_path, option, make):
    place, reason = make(tmp_path)
    monkeypatch.setattr(bp, "fit", None)  # not reached
    code, out, err = run(capsys, *training(rows), option, place)
    assert (code, out, len(err)) == (2, [], 1)
    assert err[0].startswith(f"backprop-xp: error: {option} {place} cannot be written: ")
    assert pd.Series(err).str.contains(reason).all()


@pytest.mark.parametrize("make", PLACES)
@pytest.mark.parametrize("command", ["predict", "explain"])
def test_other_commands_refuse_a_place(capsys, rows, model, tmp_path, command, make):
    place, reason = make(tmp_path)
    options = [model, rows, "--out"] if command == "predict" else ["--plot"]
    code, out, err = run(capsys, command, *options, place)
    assert (code, out, len(err)) == (2, [], 1)
    assert f"{place} cannot be written: " in err[0]
    assert pd.Series(err).str.contains(reason).all()


def test_a_directory_that_may_not_be_searched(capsys, rows, model, tmp_path):
    commands = [[*training(rows), option] for option in OPTIONS]
    commands += [["predict", model, rows, "--out"], ["explain", "--plot"]]
    for command in commands:  # imports what it needs
        assert run(capsys, *command, tmp_path / "f.png")[0] == 0
    reading = [
        ["train", "{}/f.csv", "--target", "y"],
        ["predict", "{}/f", rows],
        [*training(rows), "--resume", "{}/f"],
    ]
    with locked_directory(tmp_path) as locked:
        for command in commands:
            code, out, err = run(capsys, *command, locked / "f.png")
            assert (code, out, len(err)) == (2, [], 1)
            assert "cannot be written: there is no permission to write here" in err[0]
        for command in reading:
            code, out, err = run(capsys, *(str(word).format(locked) for word in command))
            assert (code, out, len(err)) == (2, [], 1)
            assert "ermission" in err[0]


def test_a_dash_is_no_place_for_a_model_or_a_picture(capsys, rows):
    for command in ([*training(rows), option] for option in OPTIONS):
        code, _, err = run(capsys, *command, "-")
        assert (code, err) == (
            2,
            [f"backprop-xp: error: {command[-1]} -: expected a file, not standard output"],
        )
    assert run(capsys, "explain", "--plot", "-")[0] == 2


def test_no_two_results_in_one_file(capsys, rows, tmp_path):
    (tmp_path / "link.png").symlink_to(tmp_path / "f.png")
    arguments = (*training(rows), "--out", tmp_path / "f.png", "--plot", tmp_path / "link.png")
    code, _, err = run(capsys, *arguments)
    assert (code, len(err)) == (2, 1)
    assert "--out and --plot are the same file" in err[0]


@pytest.mark.parametrize("command", [*OPTIONS, "predict", "explain"])
def test_a_disk_that_becomes_full_half_way(capsys, rows, model, tmp_path, command):
    """One line, and the old file is untouched."""
    import resource

    place = tmp_path / "f.png"
    place.write_bytes(b"old")
    before = sorted(os.listdir(tmp_path))
    others = {"predict": ["predict", model, rows, "--out"], "explain": ["explain", "--plot"]}
    arguments = others.get(command, [*training(rows), command])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        code, _, err = run(capsys, *arguments, place)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (code, len(err)) == (2, 1)
    assert "cannot be written: File too large" in err[0]
    assert place.read_bytes() == b"old"
    assert sorted(os.listdir(tmp_path)) == before


def test_relative_places_are_those_of_the_start(capsys, monkeypatch, rows, tmp_path):
    """Whatever changes the directory while the network trains."""
    (tmp_path / "start").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "start")

    def wander(*arguments, **options):
        os.chdir(tmp_path / "elsewhere")
        return fit(*arguments, **options)

    monkeypatch.setattr(bp, "fit", wander)
    options = ("--out", "m", "--plot", "p.png", "--checkpoint", "c", "--json")
    code, lines, _ = run(capsys, *training(rows), *options)
    assert code == 0
    assert sorted(os.listdir(tmp_path / "start")) == ["c", "m", "p.png"]
    assert os.listdir(tmp_path / "elsewhere") == []
    assert json.loads("\n".join(lines))["out"] == "m"


# -- streams in the place of files ---------------------------------------------------------------


def test_predictions_may_go_to_a_device_or_a_pipe(capsys, rows, model, tmp_path):
    expected = run(capsys, "predict", model, rows)[1]
    pipe, received = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: received.append(pipe.read_text()))
    reader.start()
    code, out, err = run(capsys, "predict", model, rows, "--out", pipe)
    reader.join()
    assert (code, out, received[0].splitlines()) == (0, [], expected)
    assert err[0] == f"60 predictions in {pipe}"
    assert run(capsys, "predict", model, rows, "--out", "/dev/null")[0] == 0
    code, out, err = run(capsys, "predict", model, rows, "--out", "/dev/full")
    assert (code, out) == (2, [])
    assert err == [
        "backprop-xp: error: --out /dev/full cannot be written: the disk is full; free some "
        "space or choose another place"
    ]


# -- the command to copy ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["my model; rm $HOME.st", "a'b\"c", "-m", "n" * 120, "θ  θ"])
def test_the_printed_command_can_be_copied(capsys, monkeypatch, rows, tmp_path, name):
    monkeypatch.chdir(tmp_path)
    words = ["train", "rows.csv", "--target", "y", "--epochs", "1", f"--out={name}"]
    code, lines, _ = run(capsys, *words)
    assert code == 0
    (command,) = (line for line in lines if line.strip().startswith("python -m backprop_xp"))
    python, module, package, *arguments, data = shlex.split(command)
    assert (python, module, package, data) == ("python", "-m", "backprop_xp", "DATA")
    code, out, _ = run(capsys, *arguments, "rows.csv")
    assert (code, len(out)) == (0, 61)


# -- signals -----------------------------------------------------------------------------------


def test_a_terminated_training_leaves_no_temporary_file(rows, tmp_path):
    place = tmp_path / "run"
    place.mkdir()
    command = [sys.executable, "-m", "backprop_xp", *training(rows, epochs=10**6), "--hidden"]
    command += ["400,400", "--checkpoint", place / "c", "--out", place / "m"]
    for k in range(5):
        with subprocess.Popen([*map(str, command)], stderr=subprocess.PIPE, text=True) as process:
            while not (place / "c").exists() and process.poll() is None:
                time.sleep(0.001)
            time.sleep(0.1 + 0.013 * k)
            process.send_signal(signal.SIGTERM)
            _, stderr = process.communicate(timeout=60)
        assert (process.returncode, stderr) == (-signal.SIGTERM, "")
        assert os.listdir(place) == ["c"]
        bp.load(place / "c")
