"""The README and the site are true: code runs and prints what they say, links lead somewhere."""

from __future__ import annotations

import platform
import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from examples import commands, links, printed, run_commands, run_script, scripts

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SITE = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in sorted((ROOT / ".docs" / "pages").rglob("*.md"))
}
CONTRIBUTING = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
GALLERY = ".docs/pages/gallery.md"
TEXTS = [README, CONTRIBUTING, *SITE.values()]
# An example that is on two pages runs once. Those of the gallery, which train longer, run on one
# backend.
SCRIPTS = list(dict.fromkeys(b for text in TEXTS for b in scripts(text)))
EVERYWHERE = [block for block in SCRIPTS if block not in scripts(SITE[GALLERY])]
COMMANDS = list(dict.fromkeys(block for text in TEXTS for block in commands(text)))
PRINTED = list(dict.fromkeys(found for text in TEXTS for found in printed(text)))
# Those of the site are looked at by its build.
PAGES = ["README.md", "CHANGELOG.md", "backprop_xp/datasets/SOURCES.md"]
PAGES += [str(path.relative_to(ROOT)) for path in ROOT.glob("benchmarks/results/*.md")]
NEEDS = {
    "mpi4py": "mpi4py",
    r"\.plot\(|plot_|--plot": "matplotlib",
    r"sklearn|estimators": "sklearn",
    r"\.csv": "pandas",
}


def run(block, folder, backend=None):
    """Run a Python block, if what it needs is installed."""
    require(block)
    return run_script(block, folder, backend)


def require(block):
    for pattern, library in NEEDS.items():
        if re.search(pattern, block):
            pytest.importorskip(library)


def without_numbers(text):
    """What is printed but for its numbers, which differ between machines, and its line breaks."""
    text = text.replace(platform.machine(), "x86_64")
    return " ".join(re.sub(r"-?\d[\d.,]*(e[+-]?\d+)?", "#", text).split())


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


# -- code --------------------------------------------------------------------------------------


def test_there_is_something_to_run():
    assert any("import backprop_xp" in block for block in scripts(README))
    assert len(commands(README)) >= 3
    assert len(EVERYWHERE) >= 10
    assert len(PRINTED) >= 5


def test_the_commands_of_the_readme_are_the_owner_s():
    blocks = re.findall(r"^```sh\n(.*?)^```$", README, re.M | re.S)
    assert "python -m pip install . && python -m backprop_xp train\n" in blocks
    assert "python -m pip install nox && nox -s tests\n" in blocks


def test_the_central_lines_are_those_of_the_textbook():
    """Each of them once, in their order; lines between them are left out."""
    (shown,) = re.findall(r"^```py\n(.*?)^```$", README, re.M | re.S)
    textbook = (ROOT / "backprop_xp" / "textbook.py").read_text(encoding="utf-8").splitlines()
    lines = [line.strip() for line in textbook]
    assert 20 <= shown.count("\n") <= 24
    order = [lines.index(line) for line in shown.splitlines()]
    assert order == sorted(set(order))


@pytest.mark.parametrize("block", SCRIPTS)
def test_a_block_runs_without_a_choice(block, tmp_path):
    run(block, tmp_path)


@pytest.mark.parametrize("block", EVERYWHERE)
def test_a_block_runs_on_the_backend_of_the_environment(block, backend, tmp_path):
    run(block, tmp_path, backend.name)


@pytest.mark.parametrize("block", COMMANDS)
def test_commands_run(block, tmp_path):
    require(block)
    run_commands(block, tmp_path)


@pytest.mark.parametrize(("language", "block", "wanted"), PRINTED)
def test_what_is_printed_is_what_the_page_says(language, block, wanted, tmp_path):
    require(block)
    output = run_script(block, tmp_path) if language == "python" else run_commands(block, tmp_path)
    assert without_numbers(wanted) in without_numbers(output)


@pytest.mark.parametrize(
    "session", sorted({name for text in TEXTS for name in re.findall(r"nox -s ([\w-]+)", text)})
)
def test_every_nox_session_exists(session):
    text = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    names = re.findall(r"^@nox\.session(?:\(name=\"([\w-]+)\"\))?\ndef (\w+)", text, re.M)
    assert session in [name or function for name, function in names]


def test_every_extra_is_named():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = set(project["optional-dependencies"])
    rows = re.search(r"^\| extra \| for \|\n(?:\|.*\n)+", SITE[".docs/pages/guide/index.md"], re.M)
    named = [name for row in rows[0].splitlines()[2:] for name in
             re.findall(r"`([\w-]+)`", row.split("|")[1])]  # fmt: skip
    assert sorted(named) == sorted(extras)
    asked = [found for text in TEXTS for found in re.findall(r"pip install '\.\[([\w,]+)\]'", text)]
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


@pytest.mark.parametrize(
    "name", sorted({name for text in TEXTS for name in re.findall(r"\btests/[\w/]+\.py", text)})
)
def test_every_test_file_that_is_named_exists(name):
    assert (ROOT / name).is_file()


def test_every_file_beside_the_readme_is_used():
    files = [path for path in (ROOT / ".readme").rglob("*") if path.is_file()]
    names = {str(path.relative_to(ROOT)) for path in files if path.suffix not in (".py", ".pyc")}
    assert names == {link for link in links(README) if link.startswith(".readme/")}
