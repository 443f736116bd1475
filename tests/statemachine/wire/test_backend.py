"""What the existing backend stores of a VEN: circuits of any type, events that it knows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from statemachine.curtail.metering import metering
from statemachine.site.panel import DWELL_MS
from statemachine.wire.messages import telemetry
from tests.kit.core.sample_sites import site
from tests.kit.harness import Harness
from venctl.cli import main

TYPES = [
    "hvac",
    "heater",
    "ev",
    "dryer",
    "range",
    "lights",
    "outlets",
    "fridge",
    "misc",
    "pv",
    "battery",
]
HOUSE = site(
    "site: {id: ven-test, timezone: UTC}\ncircuits:\n"
    + "".join(f"  {word}1: {{type: {word}, rated: 1 kW, shed: 50 %}}\n" for word in TYPES)
)


def told(desk: Harness) -> dict[str, Any]:
    return telemetry(desk.spec, desk.memory, 1, desk.ms)


def test_a_type_is_any_word_and_is_reported_as_it_is_written() -> None:
    desk = Harness(HOUSE)
    desk.read()
    assert [load["type"] for load in told(desk)["loads"]] == TYPES
    assert [load["type"] for load in desk.ask(op="get", what="loads")["data"]] == TYPES


@pytest.mark.parametrize("word", ["dryer", "Wärmepumpe", "constructor", "no", "1", "heat-pump"])
def test_a_word_that_is_none_of_ours_behaves_as_other(word: str) -> None:
    (circuit,) = site(
        f"site: {{id: v}}\ncircuits: {{a: {{type: {word}, rated: 1 kW}}}}\n"
    ).circuits.values()
    assert (circuit.type, circuit.kind) == (word, "other")
    assert (circuit.min_on_ms, circuit.min_off_ms, circuit.max_off_ms) == DWELL_MS["other"]


@pytest.mark.parametrize("word", ["hvac", "HVAC", "Fridge"])
def test_capitals_cost_no_compressor_its_rest(word: str) -> None:
    (circuit,) = site(
        f"site: {{id: v}}\ncircuits: {{a: {{type: {word}, rated: 1 kW}}}}\n"
    ).circuits.values()
    assert circuit.type == word and circuit.min_off_ms == 300_000


def test_a_first_file_may_have_circuits_of_any_type(tmp_path: Any) -> None:
    file = tmp_path / "ven.yaml"
    assert main(["init", str(file), "--circuit", "dryer:3kW:100%"]) == 0
    assert "dryer1:" in file.read_text() and "type: dryer" in file.read_text()


def test_every_circuit_that_gives_says_the_amperes_of_its_breaker() -> None:
    text = """
site: {id: v, service: 24 kW}
circuits:
  heater1: {rated: 1.5 kW, shed: 100 %}
  car1: {type: ev, rated: 11 kW, shed: 100 %, control: ev_pilot, volts: 230, phases: 3}
"""
    desk = Harness(site(text))
    desk.read()
    given = desk.ask(op="event", event_id="e", shed_kw=12.5)["circuits_curtailed"]
    amps = {one["id"]: one["breaker_amps"] for one in given}
    assert amps == {"heater1": 7, "car1": 16} and all(type(a) is int for a in amps.values())


@pytest.mark.parametrize("door", ["operator", "page", "cli"])
def test_the_shared_topic_names_only_events_that_came_over_the_command_topic(door: str) -> None:
    desk = Harness(HOUSE)
    desk.read()
    assert metering(desk.memory, told(desk)) == told(desk)
    desk.ask_from(door, op="event", event_id="e", shed_kw=1)
    own = told(desk)
    shared = metering(desk.memory, own)
    assert (own["eventId"], own["active_event"], shared["active_event"]) == ("e", "e", "e")
    assert shared["eventId"] == ("e" if door == "operator" else None)
    assert {**shared, "eventId": "e"} == own and json.dumps(shared)
