"""Whatever writes a file: where the system says no, one error of ours, and no part of a file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from places import locked_directory

import backprop_xp as bp
from backprop_xp.storage.termination import unterminated
from backprop_xp.storage.whole_files import require_writable, write_whole

pytestmark = pytest.mark.skipif(os.name != "posix", reason="devices, links and limits of POSIX")

X, Y = np.eye(4, 2), np.array([0, 1, 1, 0])
SIZES = [2, 40, 1]


def network():
    return bp.Network(SIZES, backend="numpy")


def statistics():
    watched = bp.LayerStatistics()
    bp.fit(network(), X, Y, epochs=1, callbacks=[watched], progress=False)
    return watched


def export(path):
    pytest.importorskip("onnx")
    network().to_onnx(path)


def train(path):
    bp.fit(network(), X, Y, epochs=1, callbacks=[bp.Checkpoint(path)], progress=False)


WRITERS = {
    "save": (lambda path: network().save(path), bp.CheckpointError),
    "checkpoint": (train, bp.CheckpointError),
    "onnx": (export, bp.CheckpointError),
    "history": (lambda path: bp.History(loss=[1.0]).plot(path), bp.ConfigurationError),
    "graph": (lambda path: bp.explain(network(), X, Y).plot(path), bp.ConfigurationError),
    "boundary": (
        lambda path: bp.plot_decision_boundary(network(), X, Y, path=path),
        bp.ConfigurationError,
    ),
    "statistics": (lambda path: statistics().plot(path), bp.ConfigurationError),
}
NAME = "out.png"  # a suffix that pictures take, and the others do not mind


@pytest.fixture(params=WRITERS)
def writer(request):
    if WRITERS[request.param][1] is bp.ConfigurationError:
        pytest.importorskip("matplotlib")
    return WRITERS[request.param]


def missing_directory(place):
    return place / "no" / NAME, "there is no directory .*no; create it first"


def directory(place):
    (place / NAME).mkdir()
    return place / NAME, "it is a directory; name a file in it"


def below_a_file(place):
    (place / "file").touch()
    return place / "file" / NAME, "file is no directory; choose another place"


def long_name(place):
    return place / ("n" * 300 + ".png"), "its name is longer than the system allows"


def link_to_nowhere(place):
    (place / NAME).symlink_to(place / "no" / "model.png")
    return place / NAME, "it is a link to .*model.png, and there is no directory .*no; create it"


def link_to_itself(place):
    (place / NAME).symlink_to(place / NAME)
    return place / NAME, "symbolic links"


def device(place):
    (place / NAME).symlink_to("/dev/full")
    return place / NAME, "it is a device or a pipe, not a file"


def pipe(place):
    os.mkfifo(place / NAME)
    return place / NAME, "it is a device or a pipe, not a file"


PLACES = [
    *(missing_directory, directory, below_a_file, long_name),
    *(link_to_nowhere, link_to_itself, device, pipe),
]


@pytest.mark.parametrize("make", PLACES)
def test_a_place_that_cannot_be_written(writer, make, tmp_path):
    write, error = writer
    path, reason = make(tmp_path)
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(error, match=f"cannot be written: .*{reason}") as refusal:
        write(path)
    assert "\n" not in str(refusal.value)
    assert sorted(os.listdir(tmp_path)) == before


def test_a_directory_that_may_not_be_searched(writer, tmp_path):
    write, error = writer
    write(tmp_path / NAME)  # which imports what it needs
    with locked_directory(tmp_path) as locked:
        with pytest.raises(error, match="there is no permission to write here; choose another"):
            write(locked / NAME)
        with pytest.raises(error, match="there is no permission to write here"):
            require_writable(locked / NAME, error)


def test_a_disk_that_becomes_full_half_way(writer, tmp_path):
    """The system refuses in the midst of writing: the old file stays, and nothing else."""
    import resource

    write, error = writer
    path = tmp_path / NAME
    path.write_bytes(b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(error, match="cannot be written: File too large"):
            write(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert os.listdir(tmp_path) == [NAME]
    assert path.read_bytes() == b"old"


def test_what_can_be_known_is_known_before_anything_is_written(tmp_path):
    path = tmp_path / "file"
    require_writable(path, bp.DataError)
    assert os.listdir(tmp_path) == []
    path.write_bytes(b"old")
    require_writable(path, bp.DataError)
    assert path.read_bytes() == b"old"
    with pytest.raises(bp.DataError, match="--out x cannot be written: there is no directory"):
        require_writable(tmp_path / "no" / "file", bp.DataError, called="--out x")


def test_a_current_directory_that_is_gone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    os.chdir(tmp_path / "here")
    (tmp_path / "here").rmdir()
    with pytest.raises(bp.CheckpointError, match=r"^file cannot be written: there is no dir"):
        write_whole("file", b"", bp.CheckpointError)


# -- signals -----------------------------------------------------------------------------------

WRITER = """
import sys
import numpy as np
from backprop_xp.storage import write

arrays = {"theta": np.zeros(200_000)}
print("ready", flush=True)
while True:
    write(sys.argv[1], arrays, {})
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_terminated_writer_leaves_no_temporary_file(tmp_path, number):
    path = tmp_path / "file"
    for k in range(8):
        command = [sys.executable, "-c", WRITER, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout.readline() == "ready\n"
            time.sleep(0.01 + 0.003 * k)
            process.send_signal(number)
            process.wait(60)
        assert process.returncode == -number
        assert set(os.listdir(tmp_path)) <= {"file"}


def test_a_handler_of_the_users_is_left_alone():
    def handler(number, frame):
        seen.append(number)

    seen = []
    before = signal.signal(signal.SIGTERM, handler)
    try:
        with unterminated():
            os.kill(os.getpid(), signal.SIGTERM)
            assert seen == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_the_handlers_are_put_back():
    before = signal.getsignal(signal.SIGTERM)
    with unterminated():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before
