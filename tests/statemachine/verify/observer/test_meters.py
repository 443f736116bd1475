"""A site is held to what its circuits truly draw: reports from the field, and cores that err."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from statemachine import Spec
from statemachine.state.triggers import Readings, Trigger
from statemachine.verify.observer import observer as account
from statemachine.verify.rules.run_rules import violations_of
from statemachine.verify.world.play import Play
from statemachine.verify.world.scenario import Scenario
from statemachine.wire.messages import telemetry
from tests.kit.core.sample_sites import MAPLE, site

STATION = """
site: {id: ev_site, timezone: Europe/Berlin, service: 24 kW, unmetered: 1 kW}
circuits:
  car1: {type: ev, rated: 11 kW, shed: 100 %, control: ev_pilot, volts: 230, phases: 3}
  boiler1: {type: water_heater, rated: 2 kW, shed: 100 %, control: relay}
  room1: {type: heater, rated: 3 kW, shed: 100 %, critical: true}
"""
COOLER = """
site: {id: cooler, timezone: Europe/Berlin, service: 24 kW, unmetered: 1 kW}
circuits:
  cool1: {type: hvac, rated: 3 kW, shed: 100 %, control: relay}
  heater1: {type: heater, rated: 3 kW, shed: 100 %}
"""
CAR = """
site: {id: car, timezone: Europe/Berlin, service: 24 kW, unmetered: 1 kW}
circuits:
  car1: {type: ev, rated: 7.2 kW, shed: 100 %, control: ev_pilot, min_on: 10 min}
"""
Steps = list[dict[str, Any]]


def load(at: str, circuit: str, draws: str) -> dict[str, Any]:
    return {"at": at, "load": {"circuit": circuit, "draws": draws}}


def call(at: str, shed: str, length: str) -> dict[str, Any]:
    return {"at": at, "event": {"id": "e1", "shed": shed, "for": length}}


def switch(at: str, circuit: str, to: str) -> dict[str, Any]:
    return {"at": at, "switch": {"circuit": circuit, "to": to}}


def play(spec: Spec, steps: Steps, **draws: str) -> Play:
    said = {"start": "2026-11-24T17:00", "look": "10 s", "loads": "steady"}
    return Play(spec, Scenario.model_validate({**said, "draws": draws, "steps": steps}))


def broken(one: Play) -> set[str]:
    return {found.rule for found in violations_of(one)}


PLUGGED_IN = [load("0:20:00", "car1", "11 kW"), call("0:22:00", "4 kW", "20 min")]
TAPERED = [load("0:20:00", "car1", "4.2 kW"), call("0:21:00", "4 kW", "60 min")]
STARTED = [load("0:20:00", "cool1", "3 kW"), call("0:23:00", "2 kW", "20 min")]
OFF_AND_ON = [switch("0:20:00", "hvac1", "off"), switch("0:20:03", "hvac1", "on")]
OFF_IN_AN_EVENT = [call("0:20:00", "2 kW", "20 min"), switch("0:25:00", "heater1", "off")]
JUST_ON = [
    switch("0:10:00", "car1", "off"),
    switch("0:20:00", "car1", "on"),
    call("0:22:00", "2 kW", "20 min"),
]
REPORTS: dict[str, tuple[str, Steps, dict[str, str]]] = {
    "a car that was just plugged in gives first": (STATION, PLUGGED_IN, {"car1": "0 W"}),
    "a car that is plugged in while all is asked gives at once": (
        STATION,
        [call("0:20:00", "16 kW", "20 min"), load("0:23:00", "car1", "11 kW")],
        {"car1": "0 W"},
    ),
    "a limit above what a car draws is worth nothing": (STATION, TAPERED, {}),
    "a car that tapers while it is held gives less": (
        STATION,
        [call("0:21:00", "4 kW", "60 min"), load("0:30:00", "car1", "4.2 kW")],
        {},
    ),
    "a compressor runs its time after its own start": (COOLER, STARTED, {"cool1": "0 W"}),
    "a car that must run is reduced": (CAR, JUST_ON, {}),
    "a person who switches off and on sheds nothing": (MAPLE, OFF_AND_ON, {}),
    "what a person takes off in an event spares the others": (MAPLE, OFF_IN_AN_EVENT, {}),
}


@pytest.mark.parametrize("report", REPORTS)
def test_no_report_breaks_a_rule_any_more(report: str) -> None:
    text, steps, draws = REPORTS[report]
    assert [str(one) for one in violations_of(play(site(text), steps, **draws))] == []


Deceive = Callable[[Play, Trigger], Trigger]


def deceived(one: Play, deceive: Deceive) -> Play:
    """A play whose core hears something else than happens; its bystander hears the truth."""
    decide = one.ven.decide
    one.ven.decide = lambda memory, trigger: decide(memory, deceive(one, trigger))  # type: ignore[method-assign]
    return one


def says(circuit: str, watts: int, from_ms: int, until_ms: int) -> Deceive:
    """The core takes the circuit to draw so much in this time."""

    def deceive(one: Play, trigger: Trigger) -> Trigger:
        if isinstance(trigger, Readings) and from_ms <= one.ms < until_ms:
            return replace(trigger, drawn_w={**trigger.drawn_w, circuit: watts})
        return trigger

    return deceive


def test_p37_a_core_that_does_not_see_a_load_start_breaks_the_order() -> None:
    blind = says("car1", 0, 0, 1_350_000)
    assert "P37" in broken(deceived(play(site(STATION), PLUGGED_IN, car1="0 W"), blind))


def test_p37_a_core_that_leaves_untaken_what_is_missing_is_found() -> None:
    asked = [call("0:20:00", "16 kW", "20 min"), load("0:23:00", "car1", "11 kW")]
    blind = says("car1", 0, 0, 1_530_000)
    assert "P37" in broken(deceived(play(site(STATION), asked, car1="0 W"), blind))


def test_p38_a_core_that_reads_too_much_promises_what_is_not_there() -> None:
    stale = says("car1", 11_000, 1_200_000, 1_265_000)
    found = next(x for x in violations_of(deceived(play(site(STATION), TAPERED), stale)))
    assert found.rule == "P38"
    assert "takes car1 from 11000 to" in found.said and "drew 4200 W" in found.said


def test_p39_a_core_that_thinks_a_compressor_runs_all_along_takes_it_off_too_soon() -> None:
    blind = says("cool1", 3_000, 0, 1_380_001)
    one = deceived(play(site(COOLER), STARTED, cool1="0 W"), blind)
    (found,) = [x for x in violations_of(one) if x.rule == "P39"]
    assert found.said == "cool1 is switched off 3:00 after its load started; the minimum is 5:00"


@pytest.mark.parametrize(("at", "rule"), [("0:05:00", "P40"), ("0:25:00", "P38")])
def test_a_core_that_says_more_shed_than_is_missing_is_found(
    at: str, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P40 without an event, P38 in one."""
    from_s = sum(int(part) * 60**place for place, part in enumerate(reversed(at.split(":"))))
    one, measured = play(site(MAPLE), [call("0:20:00", "2 kW", "20 min")]), account.measured

    def boasts(*args: Any) -> Any:
        said = measured(*args)
        if not from_s * 1_000 <= one.ms < (from_s + 60) * 1_000:
            return said
        return {**said, "shed_kw": said["shed_kw"] + 1, "base_power_kw": said["base_power_kw"] + 1}

    monkeypatch.setattr(account, "measured", boasts)
    assert rule in broken(one)


def test_p41_a_core_that_forgets_what_a_person_took_off_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("statemachine.verify.rules.meter_rules._by_person_kw", lambda book: 0.0)
    found = [x for x in violations_of(play(site(MAPLE), OFF_IN_AN_EVENT)) if x.rule == "P41"]
    assert found[0].said == "0 W are reported as switched off by people, but it is 1500 W"


def test_what_was_free_all_along_draws_after_a_restart_what_its_meter_shows() -> None:
    steps = [
        {"at": "0:00:31", "crash": {"down": "10 min"}},
        call("0:01:12", "12 kW", "1 h"),
        load("0:08:00", "heater1", "0 kW"),
    ]
    assert [str(one) for one in violations_of(play(site(MAPLE), steps))] == []


ON_AND_OFF = [switch("0:22:00", "ev1", "on"), switch("0:23:00", "ev1", "off")]
OFF_ON_OFF = [switch(f"0:2{n}:00", "hvac1", to) for n, to in ((1, "off"), (4, "on"), (7, "off"))]


@pytest.mark.parametrize(
    ("steps", "saved_kw", "held"),
    [(ON_AND_OFF, 0.0, {"heater1"}), (OFF_ON_OFF, 3.5, set())],
    ids=["on and off", "off, on and off"],
)
def test_what_was_off_when_an_event_began_saves_it_nothing(
    steps: Steps, saved_kw: float, held: set[str]
) -> None:
    one = play(site(MAPLE), [call("0:20:00", "1 kW", "20 min"), *steps])
    said: list[float] = []
    for moment in one.moments():
        if one.ms < 2_390_000:
            said.append(telemetry(one.spec, moment.memory, 1, one.at_ms)["by_person_kw"])
            cuts = set(moment.memory.cuts)
    assert (said[-1], cuts) == (saved_kw, held)
    again = play(site(MAPLE), [call("0:20:00", "1 kW", "20 min"), *steps])
    assert [str(found) for found in violations_of(again)] == []


def test_a_core_that_counts_what_was_off_before_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("statemachine.curtail.savings._joined", lambda turn, live: {})
    steps = [call("0:20:00", "1 kW", "20 min"), *ON_AND_OFF]
    assert "P41" in broken(play(site(MAPLE), steps))


def test_a_mute_circuit_is_not_expected_to_return_in_its_turn() -> None:
    """What seed 4242 found: it is told the same, and its driver answers nothing."""
    steps = [
        call("0:01:00", "2 kW", "30 min"),
        {"at": "0:02:00", "fault": {"circuit": "heater1", "kind": "silent"}},
        {"at": "0:03:00", "fault": {"circuit": "hvac1", "kind": "mute"}},
        {"at": "0:04:00", "crash": {"down": "30 s", "reboot": "true"}},
        {"at": "0:40:00", "fault": {"circuit": "heater1", "kind": "none"}},
        {"at": "0:40:00", "fault": {"circuit": "hvac1", "kind": "none"}},
    ]
    assert broken(play(site(MAPLE), steps)) == set()
