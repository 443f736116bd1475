"""A real browser in front of a real controller; any console error fails the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.kit.process.site import STEADY, Site
from tests.kit.tools import browser_path

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--hide-scrollbars",
    "--font-render-hinting=none",
    "--force-color-profile=srgb",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = browser_path()
    with sync_playwright() as play:
        one = play.chromium.launch(executable_path=program, args=FLAGS)
        yield one
        one.close()


@pytest.fixture
def text() -> str:
    """The file of the site; a test names another one by `parametrize`."""
    return STEADY


@pytest.fixture
def site(tmp_path: Path, text: str) -> Iterator[Site]:
    one = Site(tmp_path, text).start().connected()
    yield one
    one.close()


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, reduced_motion="reduce", locale="en-GB"
    )
    one = context.new_page()
    bad: list[str] = []
    one.on("pageerror", lambda error: bad.append(str(error)))
    one.on("console", lambda m: bad.append(m.text) if m.type == "error" and _ours(m.text) else None)
    one.goto(site.url)
    one.get_by_test_id("power").wait_for()
    yield one
    context.close()
    assert not bad


def _ours(text: str) -> bool:
    """A lost connection is logged by the browser itself; refusals (4xx) of an action are too."""
    theirs = ("ERR_CONNECTION", "ERR_INCOMPLETE", "ERR_SOCKET_NOT_CONNECTED", "409")
    return not any(word in text for word in theirs)
