"""Streams: any encoding, a full disk, a closed pipe, a terminal of 80 columns."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from backprop_xp.cli import main

ENCODINGS = ("cp1252", "ascii", "latin-1", "cp437", "utf-16")
COMMANDS = [
    [],
    ["--help"],
    ["--version"],
    ["train"],
    *([command, "--help"] for command in ("train", "predict", "check", "explain", "backends")),
    ["explain"],
    ["check", "--backend", "numpy"],
    ["backends"],
    ["train", "no→file.csv"],
    ["train", "--epochs", "θ"],
    ["explain", "--hidden", "−3"],
    ["predict", "\udce9.safetensors", "no.csv"],  # a name that is no UTF-8, as Linux has them
]


class Stream(io.TextIOWrapper):
    """A stream as Python makes it: what its encoding does not have is an error."""

    def __init__(self, encoding):
        super().__init__(io.BytesIO(), encoding, "strict", newline="", write_through=True)

    def text(self):
        return self.bytes().decode(self.encoding)

    def bytes(self):
        self.flush()
        return self.buffer.getvalue()


@pytest.fixture
def streams(monkeypatch):
    """Give stdout and stderr an encoding."""

    def give(encoding):
        made = Stream(encoding), Stream(encoding)
        monkeypatch.setattr(sys, "stdout", made[0])
        monkeypatch.setattr(sys, "stderr", made[1])
        return made

    monkeypatch.delenv("BACKEND", raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    return give


def run(*arguments):
    try:
        return main([str(argument) for argument in arguments])
    except SystemExit as done:
        return done.code


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_command_on_every_encoding(streams, encoding, arguments):
    stdout, stderr = streams(encoding)
    code = run(*arguments)
    text, said = stdout.text(), stderr.text()
    assert code == (2 if said else 0)
    assert bool(text) != bool(said)
    assert len(said.splitlines()) <= 1
    stdout, stderr = streams("utf-8")
    run(*arguments)
    # As many columns, so that what was aligned is aligned.
    again = re.sub(r" in [\d.]+ s", " in 0 s", stdout.text() + stderr.text())
    assert len(again) == len(re.sub(r" in [\d.]+ s", " in 0 s", text + said))


def test_signs_are_replaced_by_what_looks_like_them(streams):
    stdout, _ = streams("ascii")
    run("explain")
    assert "J = (1/m) S j" in stdout.text()
    assert "4 x 2      0.2000  0.1000" in stdout.text()
    assert re.search(r"central differences: \+", stdout.text())


@pytest.fixture
def cafes(tmp_path, rng):
    """A table whose target and columns no single-byte encoding has."""
    pd = pytest.importorskip("pandas")
    x = rng.normal(size=60)
    frame = pd.DataFrame({"größe→": x, "θ": np.where(x > 0, "café ☕", "naïve 猫")})
    frame.to_csv(tmp_path / "t.csv", index=False)
    return tmp_path / "t.csv"


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_table_of_any_letters(streams, cafes, tmp_path, encoding):
    """The report replaces them; predictions, on stdout and in a file, are UTF-8 as the input is."""
    model, out = tmp_path / "mödel→.st", tmp_path / "p.csv"
    stdout, stderr = streams(encoding)
    assert run("train", cafes, "--target", "θ", "--epochs", 2, "--out", model) == 0
    assert re.match(r"test accuracy [01]\.\d{3} ", stdout.text().splitlines()[-1])
    assert stderr.bytes() in (b"", "".encode(encoding))
    stdout, _ = streams(encoding)
    assert run("train", cafes, "--target", "θ", "--epochs", 2, "--json") == 0
    assert '"target": "\\u03b8"' in stdout.text()
    stdout, stderr = streams(encoding)
    assert run("predict", model, cafes) == 0
    lines = stdout.bytes().decode("utf-8").splitlines()
    assert lines[0] == "prediction,probability_café ☕,probability_naïve 猫"
    assert {line.partition(",")[0] for line in lines[1:]} <= {"café ☕", "naïve 猫"}
    assert stderr.text().startswith("test accuracy")
    streams(encoding)
    assert run("predict", model, cafes, "--out", out) == 0
    assert out.read_bytes() == stdout.bytes()


def test_labels_that_are_no_unicode(streams, tmp_path, rng):
    """An array may hold half a character; pandas may or may not."""
    pytest.importorskip("pandas")
    x = rng.normal(size=60)
    np.savez(tmp_path / "t.npz", X=x[:, None], y=np.where(x > 0, "a\udce9", "b"))
    _, stderr = streams("utf-8")
    code = run("train", tmp_path / "t.npz", "--epochs", 1, "--out", tmp_path / "m")
    assert (code, len(stderr.text().splitlines())) in [(0, 0), (2, 1)]
    if code == 0:
        stdout, _ = streams("utf-8")
        assert run("predict", tmp_path / "m", tmp_path / "t.npz") == 0
        assert stdout.text().splitlines()[0] == "prediction,probability_a?,probability_b"


def test_streams_that_a_caller_has_put_there(monkeypatch, cafes, tmp_path):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert run("train", cafes, "--target", "θ", "--epochs", 1, "--out", tmp_path / "m") == 0
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert run("predict", tmp_path / "m", cafes) == 0
    assert sys.stdout.getvalue().startswith("prediction,probability_café ☕")


# -- real processes ----------------------------------------------------------------------------


def process(*arguments, stdout=subprocess.PIPE, **environment):
    kept = {k: v for k, v in os.environ.items() if k not in ("BACKEND", "PYTHONUNBUFFERED")}
    command = [sys.executable, "-m", "backprop_xp", *map(str, arguments)]
    return subprocess.run(
        command, env=kept | environment, stdout=stdout, stderr=subprocess.PIPE, encoding="utf-8"
    )


def test_a_process_with_an_encoding_of_windows():
    done = process("train", PYTHONIOENCODING="cp1252")
    assert (done.returncode, done.stderr) == (0, "")
    assert "30 features > 16 tanh > 1 sigmoid" in done.stdout


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [[], ["train"], ["explain"], ["train", "--help"]])
def test_a_stdout_that_takes_no_more(arguments, unbuffered):
    with open("/dev/full", "w") as full:
        done = process(*arguments, stdout=full, PYTHONUNBUFFERED=unbuffered)
    assert done.returncode == 2
    assert re.fullmatch(r"backprop-xp: error: .*No space left on device\n", done.stderr)


def test_a_reader_that_has_seen_enough():
    read, write = os.pipe()
    os.close(read)
    done = process("explain", stdout=write)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


def test_no_stdout_at_all(monkeypatch, cafes, tmp_path, capsys):
    assert run("train", cafes, "--target", "θ", "--epochs", 1, "--out", tmp_path / "m") == 0
    with monkeypatch.context() as without:
        without.setattr(sys, "stdout", None)
        codes = [run("backends"), run("predict", tmp_path / "m", cafes)]
    assert codes == [0, 2]
    assert capsys.readouterr().err == (
        "backprop-xp: error: there is no standard output to write to: use --out FILE\n"
    )


@pytest.mark.skipif(os.name != "posix", reason="no pseudo-terminals here")
def test_the_bar_on_a_terminal_of_80_columns(cafes):
    """On a terminal the bar is there without being asked for, and wide enough to be read."""
    import fcntl
    import pty
    import struct
    import termios

    for arguments, name in [
        (["train"], None),
        (["train", cafes, "--target", "θ"], "test"),
        (["train", cafes, "--target", "θ", "--patience", "200"], "val"),
    ]:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        command = [sys.executable, "-m", "backprop_xp", *map(str, arguments)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs) as running:
            os.close(theirs)
            shown = b""
            while running.poll() is None or shown[-1:] != b"\n":
                try:
                    shown += os.read(ours, 4096)
                except OSError:  # Linux says so at the end
                    break
        os.close(ours)
        last = [line for line in shown.decode().split("\r") if "loss=" in line][-1]
        assert len(last.rstrip("\n")) <= 80
        epochs, bar, figures = last.split("|")
        assert re.fullmatch(r"epoch (\d+)/\1 ", epochs)
        assert len(bar) >= 10
        assert (f"{name}_loss=" in figures and f"{name}_acc=" in figures) == (name is not None)
