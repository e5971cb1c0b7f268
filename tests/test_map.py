"""The map of the package and the table of equations on the pages are those of the package."""

from __future__ import annotations

import re
from pathlib import Path

from layers import LAYERS

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / ".docs" / "pages" / "design.md").read_text(encoding="utf-8")
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


# -- the equations -----------------------------------------------------------------------------

EQUATIONS = re.compile(r"^\| name \| equation \|.*\n(?:\|.*\n)+", re.M)


def test_both_tables_of_equations_are_the_same():
    pages = [ROOT / "README.md", ROOT / ".docs" / "pages" / "equations.md"]
    readme, page = (EQUATIONS.search(path.read_text(encoding="utf-8"))[0] for path in pages)
    assert readme == page


def test_all_that_the_table_of_equations_names_exists():
    rows = EQUATIONS.search((ROOT / "README.md").read_text(encoding="utf-8"))[0].splitlines()[2:]
    assert len(rows) == 15
    maths = "".join(path.read_text(encoding="utf-8") for path in (PACKAGE / "maths").glob("*.py"))
    tests = (ROOT / "tests" / "test_equations.py").read_text(encoding="utf-8")
    for row in rows:
        where, test = row.split("|")[3:5]
        for name in re.findall(r"`([^`]+)`", where):
            if name.endswith(".py"):
                assert (PACKAGE / name).is_file()
            else:
                assert re.search(rf"^ *(?:def {name.rpartition('.')[2]}\(|{name} = )", maths, re.M)
        for name in re.findall(r"`([^`]+)`", test):
            assert f"def {name}" in tests
