"""The sentences that stand on the page while an event runs, and the state in the header.

What a sentence says, given what the controller answers, is tested in tests/page/unit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.kit.process.site import STEADY, Site

from .test_states import row


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    one = Site(tmp_path_factory.mktemp("sentences"), STEADY).start().connected()
    yield one
    one.close()


def test_a_smaller_event_during_a_larger_one_is_said_to_change_nothing_and_asks_nothing(
    page: Page, site: Site
) -> None:
    for id, kw in (("evt-1", "3 kW"), ("evt-2", "1 kW")):
        done = site.venctl("trigger", "event", "--shed", kw, "--for", "10 min", "--id", id)
        assert done.returncode == 0, done.stderr
    expect(row(page, "heater1")).to_contain_text(re.compile(r"Paused by event until \d\d:\d\d"))
    page.get_by_role("button", name="New event").click()
    preview = page.get_by_test_id("preview")
    expect(preview).to_contain_text(
        re.compile("Nothing would change: the running event already sheds 3.kW")
    )
    expect(preview).not_to_contain_text("of 2.00")
    expect(preview.locator("li")).to_have_count(0)
    page.get_by_role("button", name="Trigger DR Event").click()
    expect(page.get_by_text("Event started.")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_text(re.compile("Restore normal ends 3 events early."))).to_be_visible()
    page.get_by_role("button", name="Restore normal").click()
    expect(page.get_by_test_id("power")).to_have_text("10.0")


def test_a_phone_says_that_what_it_shows_is_simulated(page: Page, site: Site) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator(".page-header").get_by_text("Sim", exact=True)).to_be_visible()
    page.set_viewport_size({"width": 1280, "height": 900})
    expect(page.locator(".page-header").get_by_text("Simulated", exact=True)).to_be_visible()


@pytest.mark.parametrize(
    ("ailing", "age_s", "mark"),
    [
        (("heater1", "fridge1"), 0, "Live, 2 circuits need attention"),
        (("heater1",), 0, "Live, 1 circuit needs attention"),
        ((), 95, "Live, no reading for 1 min 35 s"),
        ((), 0, "Live updated just now"),
    ],
)
def test_the_header_is_green_only_where_all_is_well(
    browser: Browser, site: Site, tmp_path: Path, ailing: tuple[str, ...], age_s: int, mark: str
) -> None:
    page = browser.new_context(locale="en-GB").new_page()

    def altered(route: Any) -> None:
        now = route.fetch().json()
        for one in now["circuits"]:
            one["ails"] = "no answer from its driver" if one["id"] in ailing else None
        now["reading_at"] = now["t"] - age_s
        route.fulfill(json=now)

    page.route("**/api/v1/stream", lambda route: route.abort())
    page.route("**/api/v1/state", altered)
    page.goto(site.url)
    live = page.locator(".live")
    expect(live).to_contain_text(re.compile(mark.replace(" ", r"\s")), timeout=15_000)
    expect(live.locator(".dot")).to_have_class("dot ok" if mark.endswith("now") else "dot bad")
    for id in ailing:
        expect(row(page, id)).to_contain_text("No answer from its driver.")
    page.unroute_all(behavior="ignoreErrors")
    page.context.close()
