"""The README is true: its code runs and prints what it says, its links lead somewhere."""

from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from layers import LAYERS

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", TEXT, re.M | re.S)
COMMANDS = [
    block
    for block in re.findall(r"^```sh\n(.*?)^```$", TEXT, re.M | re.S)
    if "python -m backprop_xp" in block
]
# Code, and what is said to be printed by it; at most a sentence stands between them.
PRINTED = re.findall(
    r"^```(python|sh)\n([^`]*)^```\n(?:\n[^\n`#]+\n)?\n```text\n(.*?)^```$", TEXT, re.M | re.S
)
PAGES = ["README.md", "CHANGELOG.md", "backprop_xp/datasets/SOURCES.md"]
PAGES += [str(path.relative_to(ROOT)) for path in ROOT.glob("benchmarks/results/*.md")]


def run(block, folder, backend=None):
    """Run a block as a script that a user has pasted into a folder of their own."""
    if "mpi4py" in block:
        pytest.importorskip("mpi4py")
    if ".plot(" in block:
        pytest.importorskip("matplotlib")
    script = folder / "script.py"
    script.write_text(block, encoding="utf-8")
    return finished([sys.executable, str(script)], folder, backend)


def run_commands(block, folder):
    """Run the commands of a block in a folder that looks like a checkout."""
    if ".csv" in block:
        pytest.importorskip("pandas")
        pytest.importorskip("sklearn")
    if "--plot" in block:
        pytest.importorskip("matplotlib")
    shutil.copytree(ROOT / "backprop_xp" / "datasets", folder / "backprop_xp" / "datasets")
    commands = re.split(r"\n|&&", block.replace("\\\n", " "))
    printed = ""
    for command in filter(str.strip, commands):
        words = shlex.split(command)
        if words[:3] == ["python", "-m", "backprop_xp"]:
            # The folder has only the data of the package, so it must not be imported from there.
            program = "import sys; from backprop_xp.cli import main; sys.exit(main())"
            printed += finished([sys.executable, "-P", "-c", program, *words[3:]], folder)
    return printed


def finished(command, folder, backend=None):
    """What a process has printed, if it ended well."""
    environment = {k: v for k, v in os.environ.items() if k != "BACKEND"}
    # The package under test, wherever it was imported from: the script's folder is not here.
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    environment["PYTHONIOENCODING"] = "utf-8"
    if backend:
        environment["BACKEND"] = backend
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    return done.stdout


def without_numbers(printed):
    """What is printed but for its numbers, which differ between machines, and its line breaks."""
    printed = printed.replace(platform.machine(), "x86_64")
    return " ".join(re.sub(r"-?\d[\d.,]*(e[+-]?\d+)?", "#", printed).split())


def anchors(page):
    """The anchors that GitHub makes of the headings of a page."""
    page = re.sub(r"^```.*?^```$", "", page, flags=re.M | re.S)
    found, seen = [], Counter()
    for heading in re.findall(r"^#{1,6} +(.+?) *#*$", page, re.M):
        heading = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.append(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
        seen[anchor] += 1
    return found


def links(page):
    """The targets of the links and pictures of a page, without those in code."""
    page = re.sub(r"^```.*?^```$", "", page, flags=re.M | re.S)
    page = re.sub(r"`[^`\n]*`", "", page)
    inline = re.findall(r"\]\(<?([^)\s>]+)>?(?: \"[^\"]*\")?\)", page)
    return inline + re.findall(r"^\[[^\]]+\]: *(\S+)", page, re.M)


# -- code --------------------------------------------------------------------------------------


def test_there_is_a_script_to_paste():
    assert any("import backprop_xp" in block for block in BLOCKS)
    assert len(COMMANDS) >= 3
    assert len(PRINTED) >= 4


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_runs_without_a_choice(block, tmp_path):
    run(block, tmp_path)


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_runs_on_the_backend_of_the_environment(block, backend, tmp_path):
    run(block, tmp_path, backend.name)


@pytest.mark.parametrize("block", COMMANDS)
def test_commands_run(block, tmp_path):
    run_commands(block, tmp_path)


@pytest.mark.parametrize(("language", "block", "wanted"), PRINTED)
def test_what_is_printed_is_what_the_page_says(language, block, wanted, tmp_path):
    printed = run(block, tmp_path) if language == "python" else run_commands(block, tmp_path)
    assert without_numbers(wanted) in without_numbers(printed)


@pytest.mark.parametrize("session", sorted(set(re.findall(r"nox -s ([\w-]+)", TEXT))))
def test_every_nox_session_exists(session):
    text = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    names = re.findall(r"^@nox\.session(?:\(name=\"([\w-]+)\"\))?\ndef (\w+)", text, re.M)
    assert session in [name or function for name, function in names]


def test_every_extra_is_named():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = set(project["optional-dependencies"])
    rows = re.search(r"^\| extra \| for \|\n(?:\|.*\n)+", TEXT, re.M)
    named = [name for row in rows[0].splitlines()[2:] for name in
             re.findall(r"`([\w-]+)`", row.split("|")[1])]  # fmt: skip
    assert sorted(named) == sorted(extras)
    asked = re.findall(r"pip install '\.\[([\w,]+)\]'", TEXT)
    assert asked
    assert {name for names in asked for name in names.split(",")} <= extras


# -- links -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "wanted"),
    [
        ("## A 60-second tour", ["a-60-second-tour"]),
        ("## Your own table, from it", ["your-own-table-from-it"]),
        ("# `nox -s bench` & C++", ["nox--s-bench--c"]),
        ("## Größe — snake_case", ["größe--snake_case"]),
        ("## [a link](to.md) here ##", ["a-link-here"]),
        ("# Twice\n## Twice\n### twice", ["twice", "twice-1", "twice-2"]),
        ("```sh\n# a comment\n```\n# Heading", ["heading"]),
        ("#no-heading", []),
    ],
)
def test_anchors_are_github_s(page, wanted):
    assert anchors(page) == wanted


def test_links_are_found():
    page = '[a](b.md#c) ![d](e.png "f") [g](<h.md>) `[x](y)`\n\n[i]: j.md\n```\n[k](l)\n```'
    assert links(page) == ["b.md#c", "e.png", "h.md", "j.md"]


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page):
    path = ROOT / page
    missing = []
    for link in links(path.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.exists() or (
            anchor and anchor not in anchors(target.read_text(encoding="utf-8"))
        ):
            missing.append(link)
    assert missing == []


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\btests/[\w/]+\.py", TEXT))))
def test_every_test_file_that_is_named_exists(name):
    assert (ROOT / name).is_file()


# -- the map of the package --------------------------------------------------------------------

PACKAGE = ROOT / "backprop_xp"
MAP = re.search(r"^```text\nbackprop_xp/\n(.*?)^```$", TEXT, re.M | re.S)[1]


def on_the_map(drawn):
    """The packages and the modules that a map names, as paths below the package's root."""
    packages, modules, above = [], [], []  # above: the packages that a line is in, by their indent
    for line in drawn.splitlines():
        indent = len(line) - len(line.lstrip())
        above = [(depth, path) for depth, path in above if depth < indent]
        inside = above[-1][1] if above else ""
        if package := re.match(r" *(\w+)/", line):
            inside += f"{package[1]}/"
            above.append((indent, inside))
            packages.append(inside)
        modules += [inside + name for name in re.findall(r"\b\w+\.py\b", line)]
    return packages, modules


def test_a_map_is_read_as_it_is_drawn():
    drawn = "  a/    (b.py: what)\n    c.py\n      d.py, e.py\n    f/\n      g.py\n  h/\n  i.py\n"
    assert on_the_map(drawn) == (
        ["a/", "a/f/", "h/"],
        ["a/b.py", "a/c.py", "a/d.py", "a/e.py", "a/f/g.py", "i.py"],
    )


def test_every_module_of_the_map_exists():
    modules = on_the_map(MAP)[1]
    assert modules
    assert [name for name in modules if not (PACKAGE / name).is_file()] == []


def test_every_package_is_on_the_map():
    found = [path.parent.relative_to(PACKAGE) for path in PACKAGE.rglob("*/__init__.py")]
    assert sorted(on_the_map(MAP)[0]) == sorted(f"{path.as_posix()}/" for path in found)


def test_the_map_is_drawn_from_the_ground_up():
    """In the order in which packages may import each other, which test_public.py looks at."""
    names = [line.split()[0] for line in MAP.splitlines() if re.match(r"  \w", line)]
    drawn = [name.strip("/").removesuffix(".py") for name in names]
    assert [name for name in drawn if name in LAYERS] == [n for n in LAYERS if n in drawn]
    assert set(LAYERS) - set(drawn) == {"wording"}  # beside errors.py


def test_every_file_beside_the_page_is_used():
    files = [path for path in (ROOT / ".readme").rglob("*") if path.is_file()]
    names = {str(path.relative_to(ROOT)) for path in files if path.suffix != ".pyc"}
    assert names == {link for link in links(TEXT) if link.startswith(".readme/")}
