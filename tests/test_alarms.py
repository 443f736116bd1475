"""What is wrong at the site itself is told wherever people and backends look."""

from __future__ import annotations

from statemachine.alarms import BLOCKED_MS, alarms
from statemachine.effects import Effect, Status
from statemachine.triggers import Readings
from statemachine.wire import telemetry
from tests.desk import BenchDesk
from tests.strategies import Desk, site
from web.resources import state

CROWDED = """
site: {id: v, service: 5 kW, timezone: UTC}
circuits:
  boiler: {name: Boiler, rated: 2 kW, shed: 100 %}
  lights: {rated: 400 W, shed: 100 %}
  freezer: {name: Freezer, rated: 1 kW, shed: 100 %, critical: true}
  cellar: {rated: 1 kW, shed: 100 %, critical: true}
"""
WAIT_S = BLOCKED_MS // 1000


class Home(Desk):
    """A desk at which somebody draws more beside the circuits."""

    beside_w = 0

    def rated(self) -> list[Effect]:
        lives = self.memory.circuits
        drawn_w = {
            id: min(self.draws(id), self.draws(id) if live.held_w is None else live.held_w)
            * live.enabled
            for id, live in lives.items()
        }
        return self.hear(Readings(**self.stamp(), drawn_w=drawn_w, unmetered_w=self.beside_w))

    def told(self) -> list[tuple[str, str]]:
        bodies = [one.body for one in self.effects if isinstance(one, Status)]
        return [(body["state"], body["id"]) for body in bodies if body["type"] == "alarm"]


def crowded(beside_w: int) -> Home:
    """All is shed, something else draws so much meanwhile, and the event is called off."""
    home = Home(site(CROWDED))
    home.rated()
    home.ask(op="event", event_id="e", shed_kw=4.4, duration_sec=3600)
    home.beside_w = beside_w
    home.rated()
    home.ask(op="restore")
    return home


def test_load_that_waits_a_quarter_of_an_hour_for_room_is_an_alarm_until_it_is_back() -> None:
    home = crowded(4_500)
    home.wait(30)
    assert set(home.held()) == {"boiler", "freezer", "cellar"}, "the lights have room"
    home.wait(WAIT_S - 30)
    assert alarms(home.spec, home.memory) == {} and home.told() == []
    home.wait(40)
    found = alarms(home.spec, home.memory)["no_room"]
    assert "cannot come back: the site would draw more than the 5 kW" in found.text
    assert home.told() == [("raised", "no_room")]
    home.beside_w = 0
    home.wait(120)
    assert home.held() == {} and alarms(home.spec, home.memory) == {}
    assert home.told() == [("over", "no_room")]


def test_critical_load_without_room_comes_back_then_one_each_step() -> None:
    home = crowded(6_000)
    home.wait(WAIT_S - 1)
    assert set(home.held()) == {"boiler", "lights", "freezer", "cellar"}
    home.wait(1 + home.spec.restore.every // 1000)
    assert set(home.held()) == {"boiler", "lights"}
    text = alarms(home.spec, home.memory)["no_room"].text
    assert text.startswith("lights and 1 more cannot come back: the site would draw more than")


def test_critical_load_that_came_back_without_room_is_an_alarm_until_there_is_room() -> None:
    home = Home(site(CROWDED))
    home.rated()
    home.ask(op="event", event_id="e", shed_kw=4.4, duration_sec=3600)
    for id in ("boiler", "lights", "cellar"):
        home.ask(op="setLoad", loadId=id, enabled=False)
    home.beside_w = 6_000
    home.rated()
    home.ask(op="restore")
    home.wait(WAIT_S + 60)
    assert home.held() == {}
    text = alarms(home.spec, home.memory)["no_room"].text
    assert text == "The site draws more than the 5 kW of its main breaker; switch something off"
    home.beside_w = 1_000
    home.wait(10)
    assert alarms(home.spec, home.memory) == {}


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
    desk = BenchDesk(home.spec)
    desk.memory = home.memory
    assert [one["id"] for one in state(desk)["alarms"]] == ["no_room"]
