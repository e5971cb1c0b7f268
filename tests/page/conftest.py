"""A real headless browser; the tests here are skipped where there is none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@pytest.fixture(scope="session")
def browser(request):
    """Chromium, that of the system or the one that Playwright has installed."""
    missing = pytest.fail if request.config.getoption("--require-browser") else pytest.skip
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("the tests of the page need playwright: python -m pip install playwright")
    with sync_playwright() as playwright:
        found = next(filter(None, map(shutil.which, _NAMES)), playwright.chromium.executable_path)
        if not Path(found).exists():
            missing(f"there is no Chromium: none of {', '.join(_NAMES)}, nor Playwright's own")
        chromium = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser, tmp_path):
    """A function that writes an explanation's page and opens it; it must stay without a fault."""
    faults, contexts = [], []

    def open_page(explanation, *, width=1280, height=720, scheme="light", **options):
        path = tmp_path / f"page{len(contexts)}.html"
        explanation.to_html(path, **options)
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "request",
            lambda asked: asked.url.startswith(("file:", "data:")) or faults.append(asked.url),
        )
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []
