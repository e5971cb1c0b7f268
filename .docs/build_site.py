"""Build the site: `nox -s docs`, or `python .docs/build_site.py FOLDER`.

The pages are put together in a temporary folder: those of `.docs/pages`, the changelog and other
files of the repository, the lessons, and every picture, drawn by the code that stands beside it.
Zensical makes the site from them, strictly. A broken link, a missing picture or a public name
without its place in the API reference ends the build.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from examples import HERE, MADE, ROOT, links, made_by
from lessons import write_lessons
from public_names import public_names

# Files of the repository that are pages of the site, too.
PAGES = {
    "CHANGELOG.md": "changelog.md",
    ".github/CONTRIBUTING.md": "contributing.md",
    "backprop_xp/datasets/SOURCES.md": "licences.md",
}


def main(site: Path) -> None:
    """Build the site into a folder, which is replaced."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        pages = Path(place, "pages")
        shutil.copytree(HERE / "pages", pages)
        add_files(pages)
        draw_pictures(pages)
        lessons = write_lessons(pages)
        configuration = Path(place, "mkdocs.yml")
        configuration.write_text(with_lessons(lessons), encoding="utf-8")
        require_pictures(pages)
        command = [sys.executable, "-m", "zensical", "build", "--strict", "-f", str(configuration)]
        subprocess.run(command, check=True)
        require_names(Path(place, "site"))
        shutil.rmtree(site, ignore_errors=True)
        shutil.copytree(Path(place, "site"), site)
    print(f"{site / 'index.html'}: built in {time.monotonic() - start:.0f} s")


def add_files(pages: Path) -> None:
    """Add what the repository keeps elsewhere: single files, and the results of the benchmarks."""
    for source, page in PAGES.items():
        shutil.copy(ROOT / source, pages / page)
    page, source = pages / "textbook.md", ROOT / "backprop_xp" / "textbook.py"
    text = page.read_text(encoding="utf-8")
    textbook = source.read_text(encoding="utf-8")
    page.write_text(text.replace("# backprop_xp/textbook.py\n", textbook), encoding="utf-8")
    for path in (ROOT / "benchmarks" / "results").glob("*.*"):
        if path.suffix in (".md", ".png"):
            (pages / "results").mkdir(exist_ok=True)
            shutil.copy(path, pages / "results")


def draw_pictures(pages: Path) -> None:
    """Make what the pages link to and do not have, by the examples on them."""
    for page in sorted(pages.rglob("*.md")):
        with tempfile.TemporaryDirectory() as folder:
            for made in made_by(page.read_text(encoding="utf-8"), Path(folder)):
                shutil.copy(made, page.parent)


def with_lessons(lessons: list[str]) -> str:
    """The configuration, with the lessons in its table of contents."""
    text = (HERE / "mkdocs.yml").read_text(encoding="utf-8")
    entry = "".join(f"      - lessons/{name}.md\n" for name in lessons)
    return text.replace("  # Lessons\n", f"  - Lessons:\n{entry}")


def require_pictures(pages: Path) -> None:
    """Every picture that a page shows exists; Zensical looks at links alone."""
    missing = [
        f"{page.relative_to(pages)}: {link}"
        for page in sorted(pages.rglob("*.md"))
        for link in links(page.read_text(encoding="utf-8"))
        if MADE.search(link) and "://" not in link and not (page.parent / link).is_file()
    ]
    if missing:
        sys.exit(
            "these pictures are not there, and no example on their page makes them:\n  "
            + "\n  ".join(missing)
        )


def require_names(site: Path) -> None:
    """Every public name has its place in the API reference."""
    text = "".join(page.read_text(encoding="utf-8") for page in site.glob("api/*.html"))
    found = set(re.findall(r'id="(backprop_xp[\w.]*)"', text))
    missing = [name for name in public_names() if name not in found]
    if missing:
        sys.exit("these public names are not in .docs/pages/api:\n  " + "\n  ".join(missing))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
