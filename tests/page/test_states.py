"""What the page says of rules at work: protection, opt-outs, declared lives, who only observes."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.kit.paths import ROOT
from tests.kit.process.site import STEADY, Site

from .test_page import SIZES, accessible

OBSERVE = STEADY.replace("mode: act", "mode: observe")
RESTING = STEADY.replace("rated: 1.5 kW, shed: 100 %", "rated: 1.5 kW, shed: 100 %, min_off: 5 min")
SLOW = STEADY.replace("restore: {every: 300 ms", "restore: {every: 30 s")
BY_HAND = STEADY.replace(
    "rated: 1.5 kW, shed: 100 %", "rated: 1.5 kW, shed: 100 %, comes_back: by_hand"
).replace("rated: 0.4 kW, shed: 70 %", "rated: 0.4 kW, shed: 70 %, meter: none, typical: 0.4 kW")
BUDGET = STEADY.replace(
    "rated: 1.5 kW, shed: 100 %",
    "rated: 1.5 kW, shed: 100 %, max_shed_per_day: 10 min, max_events_per_day: 3",
)
LIFE = """event:
  initial: received
  states:
    received:
    noticed:    {for: 3 s}
    ramping:    {for: 4 s, sheds: 50 %, report: ramping}
    shedding:   {until: end, sheds: 100 %, report: started}
    restoring:  {report: restoring}
    verifying:  {for: 60 s}
    completed:  {final: true, report: completed}
  transitions:
    - {trigger: dr_event, from: received, to: noticed, do: accept}
    - {trigger: elapsed,  from: noticed, to: ramping}
    - {trigger: elapsed,  from: ramping, to: shedding}
    - {trigger: restore,  from: [noticed, ramping, shedding], to: restoring}
    - {trigger: cancel,   from: [noticed, ramping, shedding], to: restoring}
    - {trigger: ended,    from: shedding, to: restoring}
    - {trigger: released, from: restoring, to: verifying}
    - {trigger: elapsed,  from: verifying, to: completed}
"""
OWN_LIFE = STEADY[: STEADY.index("event:\n  initial")] + LIFE


WIDE = STEADY
for ending in ("completed", "cancelled", "failed"):
    longer = f"{ending}_and_told_the_operator"
    WIDE = WIDE.replace(f"    {ending}: ", f"    {longer}: ").replace(
        f"to: {ending}", f"to: {longer}"
    )
MANY = STEADY.replace(
    "  misc1:",
    "".join(f"  desk{n}: {{name: Desk {n}, rated: 0.5 kW, shed: 50 %}}\n" for n in range(1, 21))
    + "  misc1:",
)


def call(site: Site, kw: str = "2 kW", length: str = "5 min") -> None:
    done = site.venctl("trigger", "event", "--shed", kw, "--for", length, "--id", "evt-1")
    assert done.returncode == 0, done.stderr


def row(page: Page, circuit: str):  # type: ignore[no-untyped-def]
    return page.locator(f"[data-circuit={circuit}]")


def shoot(page: Page, name: str) -> None:
    """Every size in both looks, each without a fault of access, for a maintainer to look at."""
    out = ROOT / "docs" / "shots"
    out.mkdir(exist_ok=True)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for size in ("desktop", "phone"):
            width, height = SIZES[size]
            page.set_viewport_size({"width": width, "height": height})
            accessible(page)
            file = out / f"{name}-{size}-{scheme}.png"
            page.screenshot(path=str(file), animations="disabled", full_page=True)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})


@pytest.mark.parametrize("text", [OBSERVE])
def test_a_site_that_only_observes_says_so_and_what_it_would_do(page: Page, site: Site) -> None:
    expect(page.get_by_text("Observe only")).to_be_visible()
    expect(page.get_by_text("This site only observes. It plans")).to_be_visible()
    expect(page.get_by_test_id("preview")).to_contain_text("would fall from 10.0 kW to 8.00 kW")
    expect(page.get_by_role("switch", name="Heater")).to_be_disabled()
    call(site)
    line = "Heater, Lights and House Load would be turned down; nothing is switched."
    expect(page.get_by_text(line)).to_be_visible()
    expect(page.get_by_text("Would shed", exact=True)).to_be_visible()
    expect(row(page, "heater1")).to_contain_text("Would be turned down by 1.50 kW")
    expect(page.get_by_test_id("power")).to_have_text("10.0")
    expect(page.get_by_role("button", name="Opt out")).to_have_count(0)
    shoot(page, "observe")


@pytest.mark.parametrize("text", [RESTING])
def test_a_resting_circuit_says_when_it_comes_on(page: Page, site: Site) -> None:
    call(site)
    expect(row(page, "heater1")).to_contain_text("Paused by event until")
    page.get_by_role("button", name="Restore normal").click()
    expect(row(page, "heater1")).to_contain_text(re.compile(r"Comes on in 4:\d\d \(it must rest\)"))
    expect(
        page.get_by_text(re.compile(r"Restoring: 2 of 3 back, Heater in 4:\d\d"))
    ).to_be_visible()
    page.get_by_role("button", name="Heater, details").click()
    expect(page.get_by_role("dialog")).to_contain_text(re.compile(r"Rests for 4:\d\d"))
    shoot(page, "resting")


@pytest.mark.parametrize("text", [SLOW])
def test_load_that_comes_back_is_counted_and_the_next_one_named(page: Page, site: Site) -> None:
    call(site)
    expect(page.get_by_test_id("power")).to_have_text("8.00")
    page.get_by_role("button", name="Restore normal").click()
    line = page.get_by_text(re.compile(r"Restoring: 1 of 3 back, Lights in \d+\ss"))
    expect(line).to_be_visible()
    expect(row(page, "lights1")).to_contain_text(re.compile(r"Comes back in \d+\ss"))
    expect(row(page, "heater1")).to_contain_text(re.compile(r"Comes back in \d"))
    shoot(page, "restoring")


@pytest.mark.parametrize("text", [BY_HAND])
def test_what_comes_back_by_hand_and_what_has_no_meter_is_marked(page: Page, site: Site) -> None:
    expect(row(page, "heater1")).to_contain_text("By hand")
    expect(row(page, "lights1")).to_contain_text("No meter")
    call(site, "1 kW")
    expect(row(page, "heater1")).to_contain_text("Turned down by event")
    site.venctl("trigger", "event", "--shed", "1.5 kW", "--for", "5 min", "--id", "evt-2")
    expect(row(page, "heater1")).to_contain_text("Paused by event")
    page.get_by_role("button", name="Restore normal").click()
    expect(row(page, "heater1")).to_contain_text("Switch it on by hand")
    shoot(page, "by-hand")


@pytest.mark.parametrize("text", [BUDGET])
def test_budgets_are_counted_in_the_sheet_and_shown_in_the_preview(page: Page, site: Site) -> None:
    page.get_by_role("textbox", name=re.compile("Duration")).fill("900")
    expect(page.get_by_test_id("preview")).to_contain_text(
        "Not for the whole time: Heater for at most 10 min."
    )
    call(site)
    page.get_by_role("button", name="Heater, details").click()
    expect(page.get_by_role("dialog")).to_contain_text(
        re.compile(r"Shed 1 of 3 times, \d+\ss of 10\smin")
    )
    accessible(page)


def test_an_occupant_opts_out_one_circuit_and_then_the_whole_event(page: Page, site: Site) -> None:
    call(site)
    expect(page.get_by_test_id("power")).to_have_text("8.00")
    page.get_by_role("button", name="Opt out").click()
    shoot(page, "opt-out")
    page.get_by_role("button", name="Keep Heater out").click()
    expect(page.get_by_role("button", name="Include Heater again")).to_be_visible()
    expect(page.get_by_role("dialog")).to_contain_text("kept out")
    page.keyboard.press("Escape")
    expect(row(page, "heater1")).to_contain_text("1.50 kW")
    expect(row(page, "heater1")).to_contain_text("Kept out")
    expect(page.get_by_text("Kept out of this event: Heater.")).to_be_visible()
    page.get_by_role("button", name="Opt out").click()
    page.get_by_role("button", name="Opt out of the whole event").click()
    page.get_by_role("button", name="Opt out", exact=True).last.click()
    expect(page.get_by_test_id("power")).to_have_text("10.0")
    again = site.venctl("trigger", "event", "--shed", "2 kW", "--for", "5 min", "--id", "evt-1")
    assert again.returncode == 1 and "opted out" in again.stderr


def test_an_event_that_delivers_says_achieved(page: Page, site: Site) -> None:
    call(site)
    expect(page.get_by_text("Achieved", exact=True)).to_be_visible()


@pytest.mark.parametrize("text", [OWN_LIFE])
def test_a_declared_life_is_drawn_and_told_state_by_state(page: Page, site: Site) -> None:
    states = {"received", "noticed", "ramping", "shedding", "restoring", "verifying", "completed"}
    page.locator("[data-state]").first.wait_for()
    drawn = page.eval_on_selector_all("[data-state]", "all => all.map(e => e.dataset.state)")
    assert set(drawn) == states
    call(site)
    card = page.get_by_role("region", name="DR event control")
    expect(card).to_contain_text(re.compile(r"Noticed, until .*: 0:0\d left"))
    expect(card).to_contain_text("Ramping: 1 kW of it for now.")
    expect(page.get_by_test_id("power")).to_have_text("9.00")
    expect(page.get_by_test_id("power")).to_have_text("8.00", timeout=15_000)
    shoot(page, "life")
    page.get_by_role("button", name="Restore normal").click()
    expect(card).to_contain_text(re.compile(r"Verifying, until .*: 0:\d\d left"), timeout=15_000)
    expect(page.locator(".node.current")).to_have_attribute("data-state", "verifying")
    shoot(page, "verifying")


def test_an_edited_chart_that_waits_is_told(page: Page, site: Site) -> None:
    call(site)
    (site.folder / "ven.yaml").write_text(STEADY.replace("shedding", "curtailed"))
    assert site.venctl("reload").returncode == 0
    line = page.get_by_text(
        re.compile("The edited file takes effect when no event is live: event chart")
    )
    expect(line).to_be_visible()
    accessible(page)
    page.get_by_role("button", name="Restore normal").click()
    expect(line).to_have_count(0)
    expect(page.locator("[data-state=curtailed]")).to_be_visible()


@pytest.mark.parametrize("text", [WIDE])
def test_a_chart_too_wide_for_a_phone_is_scrolled_in_its_card(page: Page, site: Site) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    scrolled = page.get_by_role("group", name="States of an event")
    expect(scrolled).to_be_visible()
    assert scrolled.evaluate("one => one.scrollWidth > one.clientWidth")
    accessible(page)


@pytest.mark.parametrize("text", [MANY])
def test_many_circuits_are_counted_where_they_cannot_all_be_named(page: Page, site: Site) -> None:
    call(site, "6 kW")
    card = page.get_by_role("region", name="DR event control")
    expect(card).to_contain_text("Heater, Lights, Desk 1 and 16 more are turned down.")
    expect(card).to_contain_text("12 others")
    expect(card.locator(".legend li")).to_have_count(8)
    accessible(page)


def test_who_switched_a_circuit_last_is_told_in_its_sheet(page: Page, site: Site) -> None:
    site.venctl("trigger", "circuit", "ev1", "on")
    page.get_by_role("button", name="EV Charger, details").click()
    expect(page.get_by_role("dialog")).to_contain_text(
        re.compile(r"Last switched\d\d:\d\d, by the command line")
    )


@pytest.mark.parametrize("text", [STEADY + "always:\n  - {site_below: 9 kW}\n"])
def test_a_broken_rule_of_the_site_is_told_above_all_else(page: Page, site: Site) -> None:
    pytest.importorskip("statemachine.curtail.site_rules")
    alert = page.get_by_role("alert").filter(has_text="A rule of this site is broken.")
    expect(alert).to_contain_text("The site always draws less than 9.00 kW.")
    expect(page.get_by_text("Now: 10.00 kW.")).to_be_visible()
    accessible(page)
    call(site)
    expect(alert).to_have_count(0)
