"""What is wrong at the site itself is told wherever people and backends look."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statemachine.decide.conditions import SEEN
from statemachine.journal.integrity import check_parts
from statemachine.kit.strict_json import compact
from statemachine.returns.idle import BLOCKED_MS
from statemachine.shadow.report import reported_section
from statemachine.state.alarm import KINDS, MOST_TEXT, SHADOW_BYTES, shadow_alarms
from statemachine.state.effects import Ack, Effect, Status
from statemachine.state.parts import from_parts, to_parts
from statemachine.state.triggers import Noticed, Restarted, Switched
from statemachine.wire.commands import Origin, command_from
from statemachine.wire.messages import telemetry
from tests.kit.core.sample_sites import MAPLE, site
from tests.kit.core.web_controller import WebController
from tests.kit.harness import Harness
from tests.kit.paths import ROOT
from web.resources import state

DOCS = ROOT / "docs"
CROWDED = """
site: {id: v, service: 5 kW, timezone: UTC}
circuits:
  boiler: {name: Boiler, rated: 2 kW, shed: 100 %}
  lights: {rated: 400 W, shed: 100 %}
  freezer: {name: Freezer, rated: 1 kW, shed: 100 %, critical: true}
  cellar: {rated: 1 kW, shed: 100 %, critical: true}
"""
WAIT_S = BLOCKED_MS // 1000


class Home(Harness):
    """A site with a list of what was told of its alarms."""

    def told(self) -> list[tuple[str, str]]:
        return told(self.effects)


def crowded(beside_w: int) -> Home:
    """All is shed, something else draws so much meanwhile, and the event is called off."""
    home = Home(site(CROWDED))
    home.read()
    home.ask(op="event", event_id="e", shed_kw=4.4, duration_sec=3600)
    home.draws(unmetered=beside_w)
    home.read()
    home.ask(op="restore")
    return home


def test_load_that_waits_a_quarter_of_an_hour_for_room_is_an_alarm_until_it_is_back() -> None:
    home = crowded(4_500)
    home.wait(30)
    assert set(home.held()) == {"boiler", "freezer", "cellar"}, "the lights have room"
    home.wait(WAIT_S - 30)
    assert home.memory.alarms == {} and home.told() == []
    home.wait(40)
    found = home.memory.alarms["no_room"]
    assert "cannot come back: the site would draw more than the 5 kW" in found.text
    assert home.told() == [("raised", "no_room")]
    home.draws(unmetered=0)
    home.wait(120)
    assert home.held() == {} and home.memory.alarms == {}
    assert home.told() == [("over", "no_room")]


def test_critical_load_without_room_comes_back_then_one_each_step() -> None:
    home = crowded(6_000)
    home.wait(WAIT_S - 1)
    assert set(home.held()) == {"boiler", "lights", "freezer", "cellar"}
    home.wait(1 + home.spec.restore.every // 1000)
    assert set(home.held()) == {"boiler", "lights"}
    text = home.memory.alarms["no_room"].text
    assert text.startswith("lights and 1 more cannot come back: the site would draw more than")


def test_critical_load_that_came_back_without_room_is_an_alarm_until_there_is_room() -> None:
    home = Home(site(CROWDED))
    home.read()
    home.ask(op="event", event_id="e", shed_kw=4.4, duration_sec=3600)
    for id in ("boiler", "lights", "cellar"):
        home.ask(op="setLoad", loadId=id, enabled=False)
    home.draws(unmetered=6_000)
    home.read()
    home.ask(op="restore")
    home.wait(WAIT_S + 60)
    assert home.held() == {}
    text = home.memory.alarms["no_room"].text
    assert text == "The site draws more than the 5 kW of its main breaker"
    home.draws(unmetered=1_000)
    home.wait(10)
    assert home.memory.alarms == {}


def test_telemetry_names_an_alarm_while_it_stands_and_is_as_ever_without() -> None:
    home = crowded(6_000)
    assert "alarms" not in telemetry(home.spec, home.memory, 1, home.ms)
    home.wait(WAIT_S + 10)
    (said,) = telemetry(home.spec, home.memory, 1, home.ms)["alarms"]
    assert said["id"] == "no_room" and "cannot come back" in said["text"]
    assert said["since"] <= home.ms // 1000 - WAIT_S


def test_the_page_and_venctl_state_are_told_with_the_other_alarms() -> None:
    home = crowded(6_000)
    home.wait(WAIT_S + 10)
    desk = WebController(home.spec)
    desk.memory = home.memory
    assert [one["id"] for one in state(desk)["alarms"]] == ["no_room"]


# -- every kind -----------------------------------------------------------------------------------


def notice(desk: Harness, kind: str, text: str | None, about: str = "") -> list[tuple[str, str]]:
    """The program says so; what the status topic is told."""
    said = Noticed(**desk.stamp(), kind=kind, text=text, about=about)
    return told(desk.hear(said))


def told(effects: list[Effect]) -> list[tuple[str, str]]:
    bodies = [one.body for one in effects if isinstance(one, Status)]
    return [(body["state"], body["id"]) for body in bodies if body["type"] == "alarm"]


def acknowledge(desk: Harness, alarm: str, door: str = "page") -> tuple[str, list[Effect]]:
    """Its ack's status or reason, and all effects."""
    command = command_from(
        {"op": "acknowledge", "alarm": alarm}, desk.spec.site.id, Origin(door, "r", **desk.stamp())
    )
    effects = desk.hear(command)
    (ack,) = [one.body for one in effects if isinstance(one, Ack)]
    return ack.get("reason", ack["status"]), effects


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in SEEN])
def test_an_alarm_is_told_when_it_begins_and_is_over_when_its_cause_is_or_somebody_has_seen_it(
    kind: str,
) -> None:
    desk = Harness(site(MAPLE))
    assert notice(desk, kind, "it is so") == [("raised", kind)]
    assert notice(desk, kind, "it is so still") == [], "told once"
    assert desk.memory.alarms[kind].text == "it is so still"
    lasts = KINDS[kind].lasts
    assert notice(desk, kind, None) == ([] if lasts else [("over", kind)])
    assert (kind in desk.memory.alarms) == lasts
    if lasts:
        assert told(acknowledge(desk, kind)[1]) == [("acknowledged", kind)]
        assert desk.memory.alarms == {}


def test_what_is_acknowledged_stands_until_its_cause_is_gone_and_says_who_has_seen_it() -> None:
    desk = Harness(site(MAPLE))
    notice(desk, "broker", "nobody answers")
    word, effects = acknowledge(desk, "broker", "cli")
    assert word == "success" and told(effects) == [("acknowledged", "broker")]
    assert desk.memory.alarms["broker"].by == "cli"
    assert shadow_alarms(desk.memory.alarms) == []
    assert told(acknowledge(desk, "broker")[1]) == []
    assert desk.memory.alarms["broker"].by == "cli", "the first who saw it"
    assert notice(desk, "broker", None) == [("over", "broker")]
    assert acknowledge(desk, "broker")[0] == "not_found"


def test_only_people_at_the_site_acknowledge() -> None:
    desk = Harness(site(MAPLE))
    notice(desk, "memory_lost", "gone")
    assert acknowledge(desk, "memory_lost", "operator")[0] == "invalid"
    assert "memory_lost" in desk.memory.alarms


def test_alarms_outlive_a_restart_with_who_has_seen_them() -> None:
    desk = Harness(site(MAPLE))
    notice(desk, "memory_lost", "gone")
    notice(desk, "broker", "nobody answers")
    acknowledge(desk, "broker")
    again = from_parts(desk.spec, to_parts(desk.memory))
    check_parts(to_parts(again))
    assert again.alarms == desk.memory.alarms
    desk.memory = again
    assert told(desk.hear(Restarted(**desk.stamp(), boot="b"))) == []
    assert desk.memory.alarms == again.alarms


def test_a_device_that_fails_for_two_minutes_is_an_alarm_until_it_obeys() -> None:
    desk = Harness(site(MAPLE))
    desk.read()
    desk.hear(Switched(**desk.stamp(), circuit="heater1", enabled=True, fault="it does not move"))
    desk.wait(119)
    assert desk.memory.alarms == {}
    desk.wait(2)
    assert desk.memory.alarms["device"].text == "Heater: it does not move"
    effects = desk.hear(Switched(**desk.stamp(), circuit="heater1", enabled=True, fault=None))
    assert told(effects) == [("over", "device")]


@given(
    texts=st.dictionaries(
        st.sampled_from([kind for kind in KINDS if kind not in SEEN]), st.text(max_size=500)
    )
)
def test_a_shadow_names_as_many_as_it_has_room_for(texts: dict[str, str]) -> None:
    desk = Harness(site(MAPLE))
    for kind, text in texts.items():
        notice(desk, kind, text)
    said = shadow_alarms(desk.memory.alarms)
    assert len(compact({"alarms": said})) <= SHADOW_BYTES + 2
    assert bool(said) == bool(texts)
    reported_now = reported_section(desk.spec, desk.memory, "", desk.ms)["alarms"]
    assert reported_now == (said or None)
    assert all(len(one.text) <= MOST_TEXT for one in desk.memory.alarms.values())


def test_the_documents_have_every_kind_and_how_it_ends() -> None:
    rows = re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", (DOCS / "alarms.md").read_text(), re.M)
    ends = {kind: "acknowledged" if one.lasts else "by itself" for kind, one in KINDS.items()}
    assert dict(rows) == ends and list(dict(rows)) == list(KINDS)
