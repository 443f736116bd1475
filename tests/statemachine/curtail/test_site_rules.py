"""A site's own rules: when they are broken, that it is logged, and that the page is told."""

from __future__ import annotations

from typing import Any

from statemachine.curtail.site_rules import broken_rules
from statemachine.state.effects import Status
from statemachine.state.triggers import Readings
from tests.kit.core.sample_sites import MAPLE, site
from tests.kit.core.web_controller import WebController
from tests.kit.harness import Harness
from web.resources import state

RULES = """
never:
  - {circuit: heater1, off_for: 5 min}
  - {circuit: heater1, shed_for: 8 min}
  - {circuit: lights1, shed_above: 0.2 kW}
  - {circuit: misc1, shed_percent: 50 %}
always:
  - {site_below: 12 kW}
  - {shed_below: 2.2 kW}
"""
SITE = site(MAPLE + RULES)


def broken(desk: Harness) -> dict[str, str]:
    return {one.rule: one.found for one in broken_rules(SITE, desk.memory)}


def test_each_rule_is_broken_when_it_is_and_not_before() -> None:
    desk = Harness(SITE)
    desk.read()
    assert broken(desk) == {}
    desk.ask(op="event", event_id="e1", shed_kw=2.0, duration_sec=1800)
    assert broken(desk) == {"Lights never sheds more than 0.20 kW": "0.28 kW"}
    desk.wait(300)
    assert "Heater is never off for longer than 5:00" not in broken(desk)
    desk.wait(1)
    assert broken(desk)["Heater is never off for longer than 5:00"] == "5:01"
    desk.wait(180)
    assert broken(desk)["Heater is never shed for longer than 8:00"] == "8:01"
    desk.ask(op="event", event_id="e2", shed_kw=3.0, duration_sec=60)
    desk.read()
    found = broken(desk)
    assert found["House Load never sheds more than 50 % of what it draws"] == "0.60 kW of 1.00 kW"
    assert found["the site always sheds less than 2.20 kW"] == "3.00 kW"
    desk.ask(op="restore")
    desk.wait(120)
    assert broken(desk) == {}


def test_what_a_person_switched_off_is_not_kept_off_by_an_event() -> None:
    desk = Harness(SITE)
    desk.read()
    desk.ask(op="setLoad", loadId="heater1", enabled=False)
    desk.wait(3_600)
    assert broken(desk) == {}


def test_the_site_as_a_whole_may_draw_too_much() -> None:
    desk = Harness(SITE)
    desk.ask(op="setLoad", loadId="ev1", enabled=True)
    desk.read()
    assert broken(desk) == {"the site always draws less than 12.00 kW": "17.20 kW"}


def test_time_goes_on_over_midnight_and_a_clock_that_is_set() -> None:
    desk = Harness(site(MAPLE.replace("unmetered", "timezone: UTC, unmetered") + RULES))
    desk.ms += 86_400_000 - desk.ms % 86_400_000 - 240_000
    desk.read()
    desk.ask(op="event", event_id="e1", shed_kw=1.5, duration_sec=1800)
    desk.wait(481)
    assert broken(desk)["Heater is never shed for longer than 8:00"] == "8:01"


def test_a_breach_is_an_alarm_until_the_rule_holds_again() -> None:
    desk = Harness(SITE)
    rated = {id: circuit.rated for id, circuit in SITE.circuits.items()}
    told = []
    for drawn_w in (0, 7_200, 7_300, 0):
        desk.ms += 1_000
        said: dict[str, Any] = {"drawn_w": {**rated, "ev1": drawn_w}, "unmetered_w": 3_400}
        bodies = [
            one.body
            for one in desk.hear(Readings(**desk.stamp(), **said))
            if isinstance(one, Status)
        ]
        told += [(body["state"], body["text"]) for body in bodies]
    text = "A rule of this site is broken: the site always draws less than 12.00 kW"
    assert told == [("raised", text), ("over", text)]


async def test_the_state_of_the_page_tells_of_breaches() -> None:
    desk = WebController(SITE)
    assert state(desk)["breaches"] == []
    await desk.submit(_call(desk))
    assert state(desk)["breaches"] == [
        {"rule": "Lights never sheds more than 0.20 kW", "found": "0.28 kW"}
    ]


def _call(desk: WebController) -> Any:
    from statemachine.wire.commands import Origin, command_from

    said = {"op": "event", "shed_kw": 2.0, "duration_sec": 600}
    return command_from(said, SITE.site.id, Origin("page", "r", *desk.clocks()))
