"""A release: what its README, its tag and its list of things to do say."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n- new\n\n## [0.2.0] - 2026-12-31\n\n- old\n"
CITATION = "title: x\nversion: 0.2.0\ndate-released: 2026-12-31\n"


@pytest.fixture(scope="module")
def release():
    """The script, from a folder that is no package."""
    spec = importlib.util.spec_from_file_location("release", ROOT / ".ci" / "release.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("link", "wanted"),
    [
        ("[a](b.md#c)", "[a](https://x.org/r/blob/v0.2.0/b.md#c)"),
        ("![a](.readme/b.png)", "![a](https://x.org/r/raw/v0.2.0/.readme/b.png)"),
        ("[a](https://b.org)", "[a](https://b.org)"),
        ("[a](#b)", "[a](#b)"),
    ],
)
def test_links_of_the_readme_become_absolute(release, link, wanted):
    assert release.absolute(f"See {link}.", "https://x.org/r/", "0.2.0") == f"See {wanted}."


def test_the_text_of_a_tag_is_the_changelog_s(release):
    assert release.tag_text(CHANGELOG, "0.2.0") == "backprop_xp 0.2.0\n\n- old"
    assert release.tag_text(CHANGELOG, "0.3.0") == "backprop_xp 0.3.0\n\n- new"
    assert release.tag_text("", "0.3.0") == "backprop_xp 0.3.0"


def test_what_is_not_ready_is_listed(release):
    assert release.not_ready(CHANGELOG, CITATION, "https://x.org/r", "0.2.0") == []
    problems = release.not_ready(CHANGELOG, CITATION, "", "0.3.0")
    assert [problem.split()[0] for problem in problems] == [
        "CHANGELOG.md",
        ".github/CITATION.cff",
        "pyproject.toml",
    ]


def test_no_page_on_the_index_has_a_relative_link(release):
    from examples import links

    readme = release.absolute(
        (ROOT / "README.md").read_text(encoding="utf-8"), "https://x.org", "1"
    )
    assert [link for link in links(readme) if "://" not in link] == []


def test_the_citation_is_of_this_version(release):
    import backprop_xp

    citation = (ROOT / ".github" / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {backprop_xp.__version__}\n" in citation
