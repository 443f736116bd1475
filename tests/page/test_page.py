"""The Overview in Chromium: what a person sees and does there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.kit.process.site import STEADY, Site

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SIZES = {"desktop": (1280, 900), "phone": (390, 844), "small": (320, 640)}


def accessible(page: Page) -> None:
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}})
    assert not found.response["violations"], found.generate_report()
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def trigger(page: Page, kw: str = "2", seconds: str = "300") -> None:
    page.get_by_role("textbox", name="Shed amount").fill(kw)
    page.get_by_role("textbox", name=re.compile("Duration")).fill(seconds)
    expect(page.get_by_test_id("preview")).to_contain_text("of 2.00 kW")
    page.get_by_role("button", name="Trigger DR Event").click()


def test_an_event_called_on_the_page_brings_the_load_down_and_a_restore_brings_it_back(
    page: Page, site: Site
) -> None:
    expect(page.get_by_test_id("power")).to_have_text("10.0")
    trigger(page)
    expect(page.get_by_test_id("power")).to_have_text("8.00")
    for circuit, drawn in (("heater1", "0.00"), ("lights1", "0.12"), ("misc1", "0.78")):
        expect(page.locator(f"[data-circuit={circuit}]").first).to_contain_text(drawn)
    accessible(page)
    page.get_by_role("button", name="Restore normal").click()
    expect(page.get_by_test_id("power")).to_have_text("10.0")


def test_the_ev_is_switched_by_its_switch(page: Page, site: Site) -> None:
    switch = page.get_by_role("switch", name="EV Charger")
    expect(switch).to_have_attribute("aria-checked", "false")
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "true")
    expect(page.get_by_test_id("power")).to_have_text("17.2")


def test_a_critical_circuit_asks_first(page: Page, site: Site) -> None:
    switch = page.get_by_role("switch", name="Fridge")
    switch.press("Space")
    expect(page.get_by_role("button", name="Keep on")).to_be_focused()
    page.keyboard.press("Escape")
    expect(switch).to_have_attribute("aria-checked", "true")
    expect(switch).to_be_focused()
    switch.click()
    page.get_by_role("button", name="Switch off Fridge").click()
    expect(switch).to_have_attribute("aria-checked", "false")


def test_the_chart_of_states_is_the_one_declared(page: Page, site: Site) -> None:
    chart = next(
        c for c in site.http("GET", "/api/v1/machine")[1]["charts"] if c["name"] == "event"
    )
    page.locator("[data-state]").first.wait_for()
    drawn = set(page.eval_on_selector_all("[data-state]", "all => all.map(e => e.dataset.state)"))
    assert drawn == {state["name"] for state in chart["states"]}
    edges = set(page.eval_on_selector_all("[data-edge]", "all => all.map(e => e.dataset.edge)"))
    declared = {
        f"{source}>{row['to']}"
        for row in chart["rows"]
        for source in row["from"]
        if row["to"] not in (None, "same", source)
    }
    assert declared <= edges


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_it_at_any_size(page: Page, size: str, scheme: str) -> None:
    page.set_viewport_size(dict(zip(("width", "height"), SIZES[size], strict=True)))
    page.emulate_media(color_scheme=scheme)
    expect(page.get_by_test_id("preview")).to_contain_text("kW")
    accessible(page)


def test_a_page_that_lost_its_controller_says_so_and_comes_back(page: Page, site: Site) -> None:
    site.kill()
    lost = page.get_by_role("alert").filter(has_text="No connection")
    expect(lost).to_be_visible(timeout=15_000)
    expect(page.get_by_role("switch", name="EV Charger")).to_be_disabled()
    site.start()
    expect(lost).to_have_count(0, timeout=20_000)
    expect(page.get_by_test_id("power")).to_have_text("10.0")


def test_names_are_shown_as_they_are_written(browser: object, tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>"
    text = STEADY.replace("name: EV Charger", f'name: "{name}"')
    one = Site(tmp_path, text).start()
    try:
        page = browser.new_page()  # type: ignore[attr-defined]
        page.on("dialog", lambda dialog: pytest.fail("a name was run"))
        page.goto(one.url)
        expect(page.get_by_role("switch", name=name)).to_be_visible()
        page.close()
    finally:
        one.close()


def test_a_circuit_of_any_type_has_its_row_and_its_question(
    browser: object, tmp_path: Path
) -> None:
    one = Site(tmp_path, STEADY.replace("type: fridge", "type: constructor")).start()
    try:
        page = browser.new_page()  # type: ignore[attr-defined]
        page.goto(one.url)
        expect(page.locator("[data-circuit=fridge1] .circuit-icon svg")).to_be_visible()
        page.get_by_role("switch", name="Fridge").press("Space")
        text = page.get_by_role("dialog").inner_text()
        assert "function" not in text and "Fridge is marked critical." in text
        page.close()
    finally:
        one.close()
