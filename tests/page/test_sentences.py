"""Every sentence about what is and what is to come, given what the controller says of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.kit.process.site import STEADY, Site

from .test_states import row

AT = 1_764_000_000  # 16:00:00 in UTC
NOW: dict[str, Any] = {
    "t": AT,
    "mode": "act",
    "site": {"timezone": "UTC"},
    "circuits": [{"id": "oven", "name": "Bread oven"}, {"id": "heat", "name": "Heater"}],
    "events": [{"scheduled": False}],
}
EVENT: dict[str, Any] = {
    "requested_kw": 3,
    "required_kw": 3,
    "possible_kw": 3,
    "on_target": True,
    "delivery": "achieved",
    "source": "operator",
    "end": AT + 300,
    "restore_reports": ["restoring", "completed"],
}
RESTORE: dict[str, Any] = {
    "ends": ["a"],
    "back_at": AT + 90,
    "by_hand": [],
    "kept_down": [],
    "unknown": [],
}
PLAN: dict[str, Any] = {
    "asked_kw": 2,
    "shed_kw": 2,
    "more_kw": 2,
    "running_kw": 0,
    "covered_until": None,
    "starts_at": None,
    "ends_at": AT + 120,
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    one = Site(tmp_path_factory.mktemp("sentences"), STEADY).start().connected()
    yield one
    one.close()


@pytest.fixture(scope="module")
def say(browser: Browser, site: Site) -> Iterator[Any]:
    """What a function of `core/outlook.js` answers."""
    page = browser.new_context(locale="en-GB").new_page()
    page.goto(site.url)

    def ask(name: str, *given: Any) -> Any:
        code = "([name, given]) => import('/static/core/outlook.js').then((m) => m[name](...given))"
        answer = page.evaluate(code, [name, list(given)])
        return answer.replace("\u00a0", " ") if isinstance(answer, str) else answer

    yield ask
    page.context.close()


@pytest.mark.parametrize(
    ("left", "gone", "sentence"),
    [
        (90, 0, "Event running."),
        (290, 10, ""),
        (300, 0, "Event running."),
        (300, 1, "Five minutes remaining."),
        (250, 200, ""),
        (60, 540, "One minute remaining."),
        (20, 0, "Event running."),
        (15, 5, "Event running."),
        (40, 80, ""),
    ],
)
def test_what_is_said_aloud_of_an_event_is_true_then(
    say: Any, left: int, gone: int, sentence: str
) -> None:
    assert say("milestone", left, gone) == sentence


def test_who_is_kept_out_is_not_said_to_come_back_where_only_a_person_switches_it_on(
    say: Any,
) -> None:
    oven, heat = ({**one} for one in NOW["circuits"])
    assert say("staysOff", [heat], NOW) == ""
    oven["comes_back"] = "by_hand"
    assert say("staysOff", [heat, oven], NOW) == (
        "Bread oven stays off until someone switches it on."
    )


@pytest.mark.parametrize(
    ("held_kw", "how", "after_s", "sentence"),
    [
        (0, "event", 300, "Paused by event until 16:05"),
        (1, "event", 320, "Turned down by event until 16:05:20"),
        (0, "turn", 320, "Paused by event until 16:05:20"),
        (0, "following", 900, "Paused by event until 16:15: another event needs it"),
        (0, "max_off", 600, "Paused by event until 16:10, the longest it may be off"),
        (0, "budget", 600, "Paused by event until 16:10: it may give no longer today"),
        (0, "rest", 600, "Paused by event until 16:10, when it has rested"),
        (0, "room", None, "Paused by event until there is room below the main breaker"),
        (0, "by_hand", None, "Paused by event: stays off until someone switches it on"),
        (0, "later", None, "Paused by event"),
        (0, None, None, "Paused by event"),
    ],
)
def test_until_when_a_circuit_gives(
    say: Any, held_kw: float, how: str | None, after_s: int | None, sentence: str
) -> None:
    at = None if after_s is None else AT + after_s
    circuit = {"held_kw": held_kw, "back_how": how, "back_at": at}
    assert say("givingWay", circuit, NOW) == sentence


@pytest.mark.parametrize(
    ("how", "at", "sentence"),
    [
        ("turn", AT + 8, "Comes back in 8 s"),
        ("following", AT + 900, "Stays down for another event, until 16:15"),
        ("room", None, "Comes back when there is room below the main breaker"),
        ("by_hand", None, "Stays off until someone switches it on"),
        ("later", None, "Comes back when no event needs it any more"),
    ],
)
def test_how_a_circuit_that_is_on_its_way_comes_back(
    say: Any, how: str, at: int | None, sentence: str
) -> None:
    assert say("onItsWay", {"back_how": how, "back_at": at}, NOW, "8 s") == sentence


@pytest.mark.parametrize(
    ("news", "short_kw", "sentence"),
    [
        ({}, 0, "Achieved"),
        ({"on_target": False, "delivery": None}, 0, None),
        ({"possible_kw": 1.58}, 0, "Only 1.58 kW of 3 kW is possible now"),
        ({"on_target": False, "delivery": None}, 1.42, "Short by 1.42 kW"),
        ({"on_target": None, "delivery": None}, 0, "Not measured now"),
        ({"required_kw": 1.5, "possible_kw": 1.5}, 0, "On target for now: 1.5 kW of 3 kW"),
        ({"delivery": "superseded"}, 0, "Another event asks for more"),
        ({"required_kw": 0, "possible_kw": 0, "on_target": None}, 0, None),
    ],
)
def test_how_an_event_is_served_now(
    say: Any, news: dict[str, Any], short_kw: float, sentence: str | None
) -> None:
    said = say("served", {**EVENT, **news}, False, short_kw)
    assert (said and said[2].replace("\u00a0", " ")) == sentence
    assert (said is not None and said[0] == "ok") == (
        sentence in ("Achieved",) or bool(sentence and sentence.startswith("On target"))
    ), "only what is on target is green"


@pytest.mark.parametrize(
    ("news", "scheduled", "sentence"),
    [
        ({}, 0, "Restore ends this event early. Load is back at 16:01:30."),
        ({"ends": ["a", "b"], "back_at": AT + 2}, 0,
         "Restore ends 2 events early. Load returns at once."),
        ({"by_hand": ["oven"]}, 0, "Restore ends this event early. Load is back at 16:01:30. "
         "Bread oven stays off until someone switches it on."),
        ({"by_hand": ["oven", "heat"], "back_at": None}, 0, "Restore ends this event early. "
         "Bread oven and Heater stay off until someone switches them on."),
        ({"kept_down": ["heat"]}, 1, "Restore ends this event early. "
         "Heater stays down for another event. One scheduled event stays."),
        ({"unknown": ["heat"], "back_at": None}, 2, "Restore ends this event early. "
         "Heater waits for room below the main breaker. 2 scheduled events stay."),
    ],
)  # fmt: skip
def test_what_restore_would_do(
    say: Any, news: dict[str, Any], scheduled: int, sentence: str
) -> None:
    events = [*NOW["events"], *([{"scheduled": True}] * scheduled)]
    said = say("restoring", {**NOW, "events": events, "restore": {**RESTORE, **news}})
    assert said == sentence


@pytest.mark.parametrize(
    ("news", "sentence"),
    [
        ({}, "2.00 kW of 2.00 kW asked"),
        ({"shed_kw": 1.58}, "1.58 kW of 2.00 kW asked"),
        ({"shed_kw": 2.26},
         "2.00 kW of 2.00 kW asked: 2.26 kW are shed, as circuits give in steps"),
        ({"running_kw": 1, "more_kw": 1}, "2.00 kW of 2.00 kW asked, 1.00 kW more than now"),
        ({"running_kw": 1, "more_kw": 1, "starts_at": AT + 60},
         "2.00 kW of 2.00 kW asked, 1.00 kW more than without it"),
        ({"shed_kw": 3, "running_kw": 3, "more_kw": 0, "covered_until": AT + 300},
         "Nothing would change: what runs sheds 3 kW until 16:05."),
        ({"shed_kw": 3, "running_kw": 3, "more_kw": 0, "covered_until": AT + 60},
         "Nothing would change until 16:01: what runs sheds 3 kW. Then 2 kW until 16:02."),
    ],
)  # fmt: skip
def test_what_an_event_would_do(say: Any, news: dict[str, Any], sentence: str) -> None:
    assert say("outcome", {**PLAN, **news}, NOW) == sentence


def test_a_smaller_event_during_a_larger_one_is_said_to_change_nothing_and_asks_nothing(
    page: Page, site: Site
) -> None:
    for id, kw in (("evt-1", "3 kW"), ("evt-2", "1 kW")):
        done = site.venctl("trigger", "event", "--shed", kw, "--for", "10 min", "--id", id)
        assert done.returncode == 0, done.stderr
    expect(row(page, "heater1")).to_contain_text(re.compile(r"Paused by event until \d\d:\d\d"))
    page.get_by_role("button", name="New event").click()
    preview = page.get_by_test_id("preview")
    expect(preview).to_contain_text(re.compile("Nothing would change: what runs sheds 3.kW"))
    expect(preview).not_to_contain_text("of 2.00")
    expect(preview.locator("li")).to_have_count(0)
    page.get_by_role("button", name="Trigger DR Event").click()
    expect(page.get_by_text("Event started.")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_text(re.compile("Restore ends 3 events early."))).to_be_visible()
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
    page.context.close()
