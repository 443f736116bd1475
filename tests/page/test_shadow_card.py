"""The Device shadow card: a wish that was refused is seen with its reason, and a lock is set."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Page, expect

from tests.kit.paths import ROOT
from tests.kit.process.data_plane import iot_data_of
from tests.kit.process.site import Site

from .test_page import SIZES, accessible


def wish(site: Site, **circuits: bool) -> None:
    """Somebody in the cloud wants circuits on or off."""
    desired = {"circuits": {id: {"enabled": on} for id, on in circuits.items()}}
    payload = json.dumps({"state": {"desired": desired}})
    iot_data_of(site).update_thing_shadow(thingName="volttron_local", payload=payload)


def lock(page: Page, name: str) -> None:
    page.get_by_role("button", name=f"{name}, details").click()
    page.get_by_role("button", name="Lock out").click()
    expect(page.get_by_role("button", name="Unlock", exact=True)).to_be_visible()


def test_a_refused_wish_is_shown_with_its_reason(page: Page, site: Site) -> None:
    card = page.locator(".shadow")
    expect(card).to_contain_text("In sync")
    lock(page, "Fridge")
    expect(page.get_by_role("dialog")).to_contain_text("Locked since")
    accessible(page)
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("switch", name="Fridge")).to_be_disabled()
    wish(site, fridge1=False, lights1=False)
    expect(card.locator("[data-refused=fridge1]")).to_contain_text(
        "The cloud asked for Fridge off. Refused"
    )
    expect(card.locator("[data-refused=fridge1]")).to_contain_text("locked by page")
    expect(page.get_by_role("switch", name="Lights")).to_have_attribute("aria-checked", "false")
    expect(page.get_by_role("switch", name="Fridge")).to_have_attribute("aria-checked", "true")
    accessible(page)


def test_desired_and_reported_stand_beside_each_other(page: Page, site: Site) -> None:
    wish(site, nobody=True, hvac1=False)
    card = page.locator(".shadow")
    expect(card.locator("[data-refused=nobody]")).to_contain_text("this site has no such circuit")
    card.get_by_role("button", name="Compare").click()
    row = card.get_by_role("row", name=re.compile("circuits.hvac1.enabled"))
    expect(row).to_contain_text("off")
    expect(row).to_contain_text("In sync")
    accessible(page)


def test_a_lock_is_lifted_where_it_was_set(page: Page, site: Site) -> None:
    lock(page, "EV Charger")
    page.get_by_role("button", name="Unlock", exact=True).click()
    expect(page.get_by_role("button", name="Lock out")).to_be_visible()
    page.get_by_role("button", name="Close").click()
    page.get_by_role("switch", name="EV Charger").click()
    expect(page.get_by_test_id("power")).to_have_text("17.2")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_screenshots_of_the_shadow_are_taken(
    page: Page, site: Site, scheme: str, size: str
) -> None:
    out = ROOT / "docs" / "shots"
    out.mkdir(exist_ok=True)
    page.set_viewport_size(dict(zip(("width", "height"), SIZES[size], strict=True)))
    page.emulate_media(color_scheme=scheme)
    lock(page, "Fridge")
    page.screenshot(path=str(out / f"lock-{size}-{scheme}.png"), animations="disabled")
    page.get_by_role("button", name="Close").click()
    wish(site, fridge1=False, nobody=True)
    expect(page.locator("[data-refused=nobody]")).to_be_visible()
    page.locator(".shadow").get_by_role("button", name="Compare").click()
    expect(page.locator(".shadow tbody")).to_contain_text("Rejected")
    accessible(page)
    page.locator(".shadow").scroll_into_view_if_needed()
    file = out / f"shadow-{size}-{scheme}.png"
    page.screenshot(path=str(file), animations="disabled")
    assert file.stat().st_size > 20_000
