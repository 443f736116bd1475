"""For who sets the browser's letters twice as large, nothing is cut off or shoved aside."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.kit.tools import browser_path

from .conftest import FLAGS
from .test_page import SIZES, accessible
from .test_shots import BenchSite, bench, look

__all__ = ["bench"]


@pytest.fixture
def page(browser: Browser, bench: BenchSite) -> Iterator[Page]:
    large = browser.browser_type.launch(
        executable_path=browser_path(), args=[*FLAGS, "--blink-settings=defaultFontSize=32"]
    )
    yield large.new_context(reduced_motion="reduce", locale="en-GB").new_page()
    large.close()


@pytest.mark.parametrize("size", SIZES)
def test_letters_twice_as_large_fit_into_any_window(
    page: Page, bench: BenchSite, size: str
) -> None:
    page.set_viewport_size(dict(zip(("width", "height"), SIZES[size], strict=True)))
    look(page, bench)
    assert page.evaluate("() => getComputedStyle(document.documentElement).fontSize") == "32px"
    expect(page.get_by_test_id("preview")).to_contain_text("Heater")
    accessible(page)
    bench.event()
    look(page, bench)
    expect(page.get_by_role("button", name="Restore normal")).to_be_visible()
    accessible(page)
