"""Build a release and check it: `nox -s release`. Nothing is published.

Wheel and sdist are built from a copy of what git tracks, whose README has absolute links, since a
package index shows it away from its files. The text of the tag is the changelog's. What is not
ready for a release is listed at the end.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_LINK = re.compile(r"(!?\[[^\]]*\]\()(?![a-z]+:|#)([^)\s]+)")


def main(dist: Path) -> None:
    """Build into a folder, which is replaced."""
    version = re.search(r'^__version__ = "(.+)"$', _read("backprop_xp/__init__.py"), re.M)[1]
    source = tomllib.loads(_read("pyproject.toml"))["project"].get("urls", {}).get("Source", "")
    shutil.rmtree(dist, ignore_errors=True)
    with tempfile.TemporaryDirectory() as place:
        copy_tracked(Path(place))
        if source:
            readme = Path(place, "README.md")
            readme.write_text(absolute(_read("README.md"), source, version), encoding="utf-8")
        _run("build", "--outdir", str(dist), place)
    _run("twine", "check", "--strict", *map(str, sorted(dist.iterdir())))
    changelog = _read("CHANGELOG.md")
    print(f"\nThe tag is v{version}. Its text:\n\n{tag_text(changelog, version)}\n")
    if problems := not_ready(changelog, _read(".github/CITATION.cff"), source, version):
        sys.exit("Not ready for a release:\n- " + "\n- ".join(problems))


def absolute(readme: str, source: str, version: str) -> str:
    """A README whose relative links lead to the files of a tag."""

    def changed(link: re.Match[str]) -> str:
        kind = "raw" if link[1].startswith("!") else "blob"
        return f"{link[1]}{source.rstrip('/')}/{kind}/v{version}/{link[2]}"

    return _LINK.sub(changed, readme)


def tag_text(changelog: str, version: str) -> str:
    """What the changelog says about a version, or about what is not released yet."""
    for name in (version, "Unreleased"):
        section = rf"^## \[{re.escape(name)}\].*?\n(.*?)(?=^## |\Z)"
        if found := re.search(section, changelog, re.M | re.S):
            return f"backprop_xp {version}\n\n{found[1].strip()}"
    return f"backprop_xp {version}"


def not_ready(changelog: str, citation: str, source: str, version: str) -> list[str]:
    """What somebody has to do before this is released."""
    found = []
    if not re.search(rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", changelog, re.M):
        found.append(f"CHANGELOG.md has no heading '## [{version}] - YYYY-MM-DD'")
    if f"\nversion: {version}\n" not in citation or "\ndate-released: " not in citation:
        found.append(f".github/CITATION.cff does not say version: {version} and date-released:")
    if not source:
        found.append(
            "pyproject.toml names no Source in [project.urls]: on the package index the README's "
            "links and picture would lead nowhere"
        )
    return found


def copy_tracked(place: Path) -> None:
    """Copy the files that git tracks."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, place / name)


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _run(*arguments: str) -> None:
    # Away from the checkout, whose folder build/ would be taken for the program of that name.
    with tempfile.TemporaryDirectory() as elsewhere:
        subprocess.run([sys.executable, "-m", *arguments], cwd=elsewhere, check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
