"""Packed files, pipes and standard input."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import sys
import tarfile
import threading
import zipfile

import numpy as np
import pytest

from backprop_xp.tables.reading import read_table

pytest.importorskip("pandas")

CSV = b"a,b\n1,x\n2,y\n"


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        *(("t.csv.gz", gzip.compress), ("t.csv.bz2", bz2.compress), ("t.csv.xz", lzma.compress)),
        *(("t.csv", gzip.compress), ("T.CSV.GZ", gzip.compress), ("t.gz", gzip.compress)),
    ],
)
def test_packed_files(write, name, pack, refused):
    table = read_table(write(name, pack(CSV)))
    assert table.frame.to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}
    assert table.kind == ".csv"
    assert "cannot be unpacked" in refused(write(name, pack(CSV)[:-9]))


def test_packed_parquet_and_npz(tmp_path):
    np.savez(tmp_path / "t.npz", a=[1, 2])
    (tmp_path / "u.npz.gz").write_bytes(gzip.compress((tmp_path / "t.npz").read_bytes()))
    assert read_table(tmp_path / "u.npz.gz").frame["a"].tolist() == [1, 2]


def test_a_zip_of_one_file(tmp_path, refused):
    for files, fits in ({"t.csv": 1}, True), ({"t.csv": 1, "u.csv": 1}, False):
        with zipfile.ZipFile(tmp_path / "t.csv.zip", "w") as archive:
            for name in files:
                archive.writestr(name, CSV)
        if fits:
            assert read_table(tmp_path / "t.csv.zip").frame["a"].tolist() == [1, 2]
        else:
            assert "holds 2 files, and one is expected" in refused(tmp_path / "t.csv.zip")


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_standard_input(monkeypatch, pack, refused):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(pack(CSV))))
    assert read_table("-").frame["a"].tolist() == [1, 2]
    assert refused("-") == "standard input is empty"
    monkeypatch.setattr(sys, "stdin", None)
    assert "standard input is closed" in refused("-")


@pytest.mark.parametrize("name", ["t.csv", "t.TSV", "t.csv.gz"])
@pytest.mark.parametrize(
    ("start", "what"),
    [
        (b"PAR1", "a Parquet file: give it a name that ends in .parquet"),
        (b"PK\x03\x04", "a workbook or another archive: save the table as CSV"),
        (b"\xd0\xcf\x11\xe0", "an old Excel workbook: save the table as CSV"),
    ],
)
def test_what_is_no_text_under_the_name_of_one(write, name, start, what, refused):
    content = start + CSV
    path = write(name, gzip.compress(content) if name.endswith(".gz") else content)
    assert refused(path) == f"{path} is no text, but {what}"


def test_an_archive_of_files_is_no_text_of_two_bytes(tmp_path, refused):
    (tmp_path / "t.csv").write_bytes(CSV)
    with tarfile.open(tmp_path / "t.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "t.csv", "t.csv")
    message = refused((tmp_path / "t.tar.gz").rename(tmp_path / "u.csv.gz"))
    assert message == f"{tmp_path / 'u.csv.gz'} is not UTF-8 text: it holds zero bytes"


@pytest.mark.parametrize("kind", ["csv", "npz"])
def test_a_pipe_is_known_by_its_first_bytes(tmp_path, kind):
    packed = io.BytesIO()
    np.savez(packed, a=[1, 2])
    content = CSV if kind == "csv" else packed.getvalue()
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(content,))
    writer.start()
    table = read_table(tmp_path / "pipe")
    writer.join()
    assert (table.kind, table.frame["a"].tolist()) == (f".{kind}", [1, 2])
