"""Replacing a file: the order of things, what a failure leaves, permissions, links, rivals."""

from __future__ import annotations

import os
import stat
import sys
import threading

import pytest

import backprop_xp as bp
from backprop_xp.storage import read, write
from backprop_xp.storage.atomic import replacing

fcntl = pytest.importorskip("fcntl")


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    return path


def replace(path, content=b"new"):
    with replacing(os.fspath(path)) as file:
        file.write(content)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_it_takes_the_place_of_the_old_file(path):
    with replacing(os.fspath(path)) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert os.listdir(path.parent) == ["file"]


def test_what_was_written_is_on_the_disk_before_it_gets_the_name(path, monkeypatch):
    events = []
    fsync, rename = os.fsync, os.replace

    def watched_fsync(descriptor):
        kind = os.fstat(descriptor)
        is_directory = stat.S_ISDIR(kind.st_mode)
        events.append("directory" if is_directory else f"file of {kind.st_size} bytes")
        fsync(descriptor)

    def watched_rename(source, target):
        events.append("rename")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "replace", watched_rename)
    replace(path, b"12345")
    assert events == ["file of 5 bytes", "rename", "directory"]


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_a_failure_leaves_the_old_file_and_nothing_else(path, failure):
    def fail():
        with replacing(os.fspath(path)) as file:
            file.write(b"half")
            raise failure

    with pytest.raises(failure):
        fail()
    assert path.read_bytes() == b"old"
    assert os.listdir(path.parent) == ["file"]


@pytest.mark.parametrize("primitive", ["fsync", "replace", "chmod"])
def test_a_failure_of_the_system_leaves_the_old_file(path, monkeypatch, primitive):
    def fail(*args):
        raise OSError("no")

    monkeypatch.setattr(os, primitive, fail)
    with pytest.raises(OSError, match="no"):
        replace(path)
    assert path.read_bytes() == b"old"
    assert os.listdir(path.parent) == ["file"]


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o007])
def test_a_new_file_has_the_permissions_that_the_umask_leaves(path, umask):
    path.unlink()
    before = os.umask(umask)
    try:
        replace(path)
    finally:
        os.umask(before)
    assert mode(path) == 0o666 & ~umask


@pytest.mark.parametrize("permissions", [0o600, 0o640, 0o666, 0o755])
def test_an_old_file_keeps_its_permissions(path, permissions):
    path.chmod(permissions)
    replace(path)
    assert mode(path) == permissions


def test_a_private_file_is_never_public(path):
    path.chmod(0o600)
    with replacing(os.fspath(path)):
        (temporary,) = set(path.parent.iterdir()) - {path}
        assert mode(temporary) == 0o600


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_write_protected_file_is_not_replaced(path):
    path.chmod(0o400)
    with pytest.raises(PermissionError):
        replace(path)
    path.chmod(0o600)
    path.parent.chmod(0o500)
    with pytest.raises(PermissionError):
        replace(path)
    path.parent.chmod(0o700)
    assert path.read_bytes() == b"old"


def test_a_symbolic_link_stays_one(path, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = elsewhere / "link"
    link.symlink_to(path)
    replace(link)
    assert link.is_symlink()
    assert path.read_bytes() == b"new"
    assert os.listdir(elsewhere) == ["link"]


def test_a_symbolic_link_to_nothing_yet(tmp_path):
    link, target = tmp_path / "link", tmp_path / "target"
    link.symlink_to("target")
    replace(link)
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_a_link_to_itself(tmp_path):
    link = tmp_path / "link"
    link.symlink_to("link")
    with pytest.raises(bp.CheckpointError, match="symbolic links"):
        write(link, {}, {})


def test_names_as_long_as_the_system_allows(tmp_path):
    for name in ("n" * 255, "θ" * 127):
        replace(tmp_path / name)
        replace(tmp_path / name)
        assert (tmp_path / name).read_bytes() == b"new"


def test_leftovers_of_the_dead_are_removed_and_nothing_else(path):
    (path.parent / ".file.01234567.tmp").write_bytes(b"half")
    (path.parent / ".file.89abcdef.tmp").write_bytes(b"")
    others = {".file.tmp", ".file.xyz.tmp", ".other.01234567.tmp", "file.01234567.tmp", "notes"}
    for name in others:
        (path.parent / name).write_bytes(b"mine")
    replace(path)
    assert set(os.listdir(path.parent)) == {"file", *others}


def test_a_file_that_is_being_written_is_no_leftover(path):
    with replacing(os.fspath(path)) as file:
        file.write(b"slow")
        replace(path, b"fast")
        assert path.read_bytes() == b"fast"
    assert path.read_bytes() == b"slow"
    assert os.listdir(path.parent) == ["file"]


def test_a_rival_that_takes_a_new_file_for_a_leftover(path, monkeypatch):
    """The rival comes between the making of the file and its lock: another file is made."""
    lock, rivals = fcntl.flock, [lambda name: os.unlink(name), lambda name: hold(name)]
    held = []

    def hold(name):
        held.append(os.open(name, os.O_RDWR))
        lock(held[0], fcntl.LOCK_EX)

    def late(descriptor, operation):
        if rivals:
            names = set(os.listdir(path.parent)) - {"file"}
            rivals.pop(0)(path.parent / max(names, key=lambda n: (path.parent / n).stat().st_ctime))
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    replace(path)
    assert not rivals
    assert path.read_bytes() == b"new"
    os.close(held[0])


def test_without_locks_nothing_is_taken_for_a_leftover(path, monkeypatch):
    def fail(descriptor, operation):
        raise OSError("this file system has no locks")

    leftover = path.parent / ".file.01234567.tmp"
    leftover.write_bytes(b"")
    monkeypatch.setattr(fcntl, "flock", fail)
    replace(path)
    assert path.read_bytes() == b"new"
    assert leftover.exists()


def test_a_directory_that_cannot_be_listed(path, monkeypatch):
    def fail(directory):
        raise PermissionError(directory)

    monkeypatch.setattr(os, "listdir", fail)
    replace(path)
    assert path.read_bytes() == b"new"


def test_many_writers_of_one_file(tmp_path):
    """Threads, each with a content of its own: none fails, and the file is always one of them."""
    import numpy as np

    path = tmp_path / "file"
    write(path, {"a": np.zeros(1000)}, {})
    failures = []

    def work(number):
        try:
            for _ in range(15):
                write(path, {"a": np.full(1000, number)}, {})
                array = read(path)[0]["a"]
                assert np.all(array == array[0])
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of file sizes here")
def test_a_file_that_becomes_too_large(tmp_path):
    """The system refuses in the midst of writing, as on a full disk."""
    import resource

    import numpy as np

    path = tmp_path / "file"
    write(path, {"a": np.zeros(10)}, {})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, before[1]))
    try:
        with pytest.raises(bp.CheckpointError, match="File too large"):
            write(path, {"a": np.ones(1_000_000)}, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert read(path)[0]["a"].size == 10
    assert os.listdir(tmp_path) == ["file"]
