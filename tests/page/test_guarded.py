"""What the page asks before an event ends, what can be taken back, and where the focus goes."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.kit.process.site import STEADY, Backend, Site, until

from .test_page import SIZES, accessible, trigger

KEYBOARDS = (
    *("\u0662\u066b\u0665", "\u06f2\u066b\u06f5", "\u0968.\u096b", "\u09e8.\u09eb", "2,5"),
)  # Arabic, Persian, Devanagari, Bengali
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbea"
NAMES = (
    STEADY.replace("name: Heater,", f"name: {LONG},")
    .replace("name: Lights,", 'name: "מקרר (גדול)",')
    .replace("name: House Load,", 'name: "👩🏽‍🌾🏡 pumpe",')
)
MANY = STEADY.replace(
    "  misc1:",
    "".join(f"  desk{n}: {{name: Desk {n}, rated: 0.3 kW, shed: 50 %}}\n" for n in range(1, 41))
    + "  misc1:",
)
NOW = {"op": "event", "event_id": "evt-now", "shed_kw": 2.0, "duration_sec": 900}


def later() -> dict[str, Any]:
    return {**NOW, "event_id": "evt-later", "start_ts": int(time.time()) + 7_200}


def focused(page: Page) -> str:
    """What has the focus, in a word; nothing has it where this is `body`."""
    word: str = page.evaluate(
        "() => { const e = document.activeElement;"
        " return e === document.body ? 'body' : e.textContent.trim() || e.tagName; }"
    )
    return word


def told(backend: Backend, id: str) -> list[dict[str, Any]]:
    return [one for one in backend.on("ven/status/") if one.get("event_id") == id]


# -- the operator's --------------------------------------------------------------------------------


def test_to_cancel_what_the_operator_scheduled_asks_and_says_what_it_will_be_told(
    page: Page, site: Site, backend: Backend
) -> None:
    backend.ask(later())
    page.get_by_role("button", name="Cancel evt-later").click()
    dialog = page.get_by_role("dialog", name="Cancel the grid operator's event?")
    expect(dialog).to_contain_text("Called by the grid operator: 2 kW, ")
    expect(dialog).to_contain_text("The operator is told “cancelled”, and that it was ended here.")
    expect(page.get_by_role("button", name="Keep it scheduled")).to_be_focused()
    accessible(page)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Cancel evt-later")).to_be_focused()
    assert [event["id"] for event in site.state()["events"]] == ["evt-later"]
    page.get_by_role("button", name="Cancel evt-later").click()
    page.get_by_role("textbox", name="Reason").fill("guests")
    page.get_by_role("button", name="Cancel the event").click()
    expect(page.get_by_role("button", name="Cancel evt-later")).to_have_count(0)
    until(lambda: told(backend, "evt-later"), "it is told")
    [said] = told(backend, "evt-later")
    assert (said["state"], said["ended_by"], said["ended_because"]) == (
        *("cancelled", "page"),
        "guests",
    )
    assert focused(page) == "DR event control"


def test_to_end_what_the_operator_runs_asks_and_the_focus_stays_on_the_card(
    page: Page, site: Site, backend: Backend
) -> None:
    backend.ask(NOW)
    page.get_by_role("button", name="Restore normal").click()
    dialog = page.get_by_role("dialog", name="End the grid operator's event early?")
    expect(dialog).to_contain_text("told “restoring” and “completed”")
    page.get_by_role("button", name="End early").click()
    expect(page.get_by_test_id("power")).to_have_text("10.0")
    assert focused(page) == "DR event control"


def test_the_whole_opt_out_is_asked_for_a_second_time(
    page: Page, site: Site, backend: Backend
) -> None:
    backend.ask(NOW)
    page.get_by_role("button", name="Opt out").click()
    expect(page.get_by_role("dialog")).to_contain_text("Called by the grid operator: 2 kW, ")
    page.get_by_role("button", name="Opt out of the whole event").click()
    dialog = page.get_by_role("dialog", name="Opt out of the whole event?")
    expect(dialog).to_contain_text("cannot be called here again")
    expect(page.get_by_role("button", name="Stay in")).to_be_focused()
    assert site.state()["binding"] == "evt-now"
    page.get_by_role("button", name="Opt out", exact=True).last.click()
    expect(page.get_by_test_id("power")).to_have_text("10.0")
    assert focused(page) != "body"


def test_a_circuit_that_was_kept_out_is_let_give_again(
    page: Page, site: Site, backend: Backend
) -> None:
    backend.ask(NOW)
    page.get_by_role("button", name="Opt out").click()
    page.get_by_role("button", name="Keep Heater out").focus()
    page.keyboard.press("Enter")
    again = page.get_by_role("button", name="Include Heater again")
    expect(again).to_be_focused()
    accessible(page)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Keep Heater out")).to_be_focused()
    until(lambda: site.state()["events"][0]["opted_out"] == [], "it gives again")


@pytest.mark.parametrize("text", [MANY])
@pytest.mark.parametrize("size", SIZES)
def test_a_dialog_opens_at_its_top_and_its_buttons_stay_in_sight(
    page: Page, site: Site, backend: Backend, size: str
) -> None:
    page.set_viewport_size(dict(zip(("width", "height"), SIZES[size], strict=True)))
    backend.ask({**NOW, "shed_kw": 8.0})
    for name in ("Opt out", "HVAC, details"):
        page.get_by_role("button", name=name).click()
        heading = page.locator("#dialog-title")
        expect(heading).to_be_focused()
        expect(heading).to_be_in_viewport(ratio=1)
        expect(page.get_by_role("dialog").get_by_role("button", name="Close")).to_be_in_viewport()
        accessible(page)
        page.keyboard.press("Escape")


# -- one's own -------------------------------------------------------------------------------------


def test_ones_own_event_ends_at_once_and_comes_back_by_undo(page: Page, site: Site) -> None:
    trigger(page)
    expect(page.get_by_test_id("power")).to_have_text("8.00")
    [event] = site.state()["events"]
    page.get_by_role("button", name="Restore normal").click()
    expect(page.get_by_test_id("power")).to_have_text("10.0")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_test_id("power")).to_have_text("8.00")
    expect(page.get_by_text("The event runs again.")).to_be_visible()
    assert abs(site.state()["events"][0]["end"] - event["end"]) <= 2
    assert focused(page) != "body"


def test_ones_own_scheduled_event_is_cancelled_at_once_and_comes_back_by_undo(
    page: Page, site: Site
) -> None:
    body = {"shed_kw": 2.0, "duration_s": 300, "start_at": "2030-01-01T18:00", "id": "own"}
    body["start_at"] = time.strftime("%Y-%m-%dT%H:%M:00Z", time.gmtime(time.time() + 7_200))
    assert site.http("POST", "/api/v1/events", body)[0] == 201
    [was] = site.state()["events"]
    page.get_by_role("button", name="Cancel own").click()
    expect(page.get_by_role("button", name="Cancel own")).to_have_count(0)
    assert focused(page) == "DR event control"
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("The event is scheduled again.")).to_be_visible()
    [now] = site.state()["events"]
    same = ("requested_kw", "start", "end", "scheduled")
    assert [now[name] for name in same] == [was[name] for name in same]


def test_enter_leaves_the_amount_and_starts_nothing(page: Page, site: Site) -> None:
    for name in ("Shed amount", re.compile("Duration")):
        page.get_by_role("textbox", name=name).press("Enter")
        expect(page.get_by_test_id("preview")).to_be_focused()
    expect(page.get_by_test_id("preview")).to_contain_text("2.00 kW of 2.00 kW asked")
    assert site.state()["events"] == []


# -- in every language, and with every name --------------------------------------------------------


@pytest.mark.parametrize("locale", ["ar-EG", "fa-IR", "bn-BD", "mr-IN", "de-DE", "my-MM"])
def test_the_form_reads_what_it_writes_in_every_language(
    browser: Browser, site: Site, locale: str
) -> None:
    context = browser.new_context(locale=locale, reduced_motion="reduce")
    page = context.new_page()
    page.goto(site.url)
    amount = page.get_by_role("textbox", name="Shed amount")
    page.get_by_role("button", name="More", exact=True).click()
    expect(amount).to_have_value(re.compile(r"^2[.,]1$"))
    expect(amount).to_have_attribute("aria-invalid", "false")
    expect(page.get_by_test_id("preview")).to_contain_text("asked")
    shown = page.evaluate("() => document.body.innerText")
    assert not re.search(r"[^\x00-\x7f](?<=\d)", shown), "one kind of digits"
    page.get_by_role("button", name="Trigger DR Event").click()
    until(lambda: [event["requested_kw"] for event in site.state()["events"]] == [2.1], "2.1 kW")
    context.close()


@pytest.mark.parametrize("typed", KEYBOARDS)
def test_digits_of_any_keyboard_are_read(page: Page, site: Site, typed: str) -> None:
    page.get_by_role("textbox", name="Shed amount").fill(typed)
    expect(page.get_by_test_id("preview")).to_contain_text("of 2.50 kW asked")


@pytest.mark.parametrize("text", [NAMES])
@pytest.mark.parametrize("size", SIZES)
def test_no_name_overflows_anything(page: Page, site: Site, backend: Backend, size: str) -> None:
    page.set_viewport_size(dict(zip(("width", "height"), SIZES[size], strict=True)))
    expect(page.get_by_test_id("preview")).to_contain_text("asked")
    accessible(page)
    backend.ask({**NOW, "event_id": "x" * 128})
    expect(page.get_by_test_id("power")).to_have_text("8.00")
    accessible(page)
    assert overflowing(page) == []
    page.get_by_role("button", name="Opt out").click()
    accessible(page)
    assert overflowing(page) == []


@pytest.mark.parametrize("locale", ["ar-EG", "en-US"])
def test_no_time_overflows_anything_in_any_language(
    browser: Browser, site: Site, backend: Backend, locale: str
) -> None:
    backend.ask(NOW)
    backend.ask(later())
    context = browser.new_context(locale=locale, viewport={"width": 360, "height": 740})
    page = context.new_page()
    page.goto(site.url)
    expect(page.get_by_test_id("power")).to_have_text("8.00")
    accessible(page)
    assert overflowing(page) == []
    context.close()


def overflowing(page: Page) -> list[str]:
    """Texts that stick out of the box they are in, to the right."""
    return page.evaluate(  # type: ignore[no-any-return]
        """() => [...document.querySelectorAll('.card *, dialog *')].filter((one) => {
          const box = one.closest(
            '.circuit-name, .legend, .preview, .opt-outs li, .sentence, .dialog, .note, .card');
          const scrolls = one.closest(
            '.state-chart-scroll, .table-scroll, .plot, .visually-hidden, .switch');
          return box && !scrolls && one.clientWidth
            && one.getBoundingClientRect().right > box.getBoundingClientRect().right + 1;
        }).map((one) => one.className + ': ' + one.textContent.slice(0, 40))"""
    )


@pytest.mark.parametrize("text", [NAMES])
def test_a_name_from_right_to_left_moves_nothing_beside_it(page: Page, site: Site) -> None:
    trigger(page)
    expect(page.locator(".sentence")).to_contain_text("\u2068מקרר (גדול)\u2069")
    expect(page.get_by_role("switch", name="\u2068מקרר (גדול)\u2069")).to_be_visible()


@pytest.mark.parametrize(
    "text", [(Path(__file__).parents[2] / "examples/building.yaml").read_text()]
)
def test_a_chart_of_states_that_is_scrolled_is_reached_by_keys(page: Page, site: Site) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator("[data-state]").first.wait_for()
    scrolled = page.locator(".state-chart-scroll")
    if scrolled.evaluate("one => one.scrollWidth > one.clientWidth"):
        expect(scrolled).to_have_attribute("tabindex", "0")
    accessible(page)


def test_what_has_the_focus_never_lies_under_the_header(page: Page, site: Site) -> None:
    page.set_viewport_size({"width": 1280, "height": 500})
    page.get_by_role("button", name="Compare").focus()
    for _ in range(30):
        page.keyboard.press("Shift+Tab")
        top = page.evaluate("() => document.activeElement.getBoundingClientRect().top")
        in_header = page.evaluate("() => !!document.activeElement.closest('.page-header, .skip')")
        if in_header:
            break
        assert top >= 59, focused(page)


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_the_focus_never_falls_to_the_body_when_the_controller_is_lost(
    page: Page, site: Site, size: str
) -> None:
    page.set_viewport_size(dict(zip(("width", "height"), SIZES[size], strict=True)))
    page.get_by_role("switch", name="EV Charger").focus()
    site.kill()
    expect(page.get_by_role("switch", name="EV Charger")).to_be_disabled(timeout=15_000)
    page.wait_for_function("() => document.activeElement.textContent === 'Circuits'")
