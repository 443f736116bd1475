"""What a circuit would draw and really gives, in days as they were reported, to the watt."""

from __future__ import annotations

from typing import Any

import pytest

from statemachine.curtail.plan import Load, as_relay, plan_shed, tolerance_w
from statemachine.state.effects import Ack, Status
from statemachine.verify.world.play import Moment
from statemachine.wire.messages import telemetry
from tests.kit.core.sample_sites import MAPLE, site
from tests.statemachine.verify.observer.test_meters import (
    CAR,
    COOLER,
    JUST_ON,
    OFF_AND_ON,
    OFF_IN_AN_EVENT,
    PLUGGED_IN,
    STARTED,
    STATION,
    TAPERED,
    Steps,
    call,
    load,
    play,
)

HEATERS = """
site: {id: heaters, timezone: Europe/Berlin, service: 24 kW}
circuits:
  a1: {type: heater, rated: 1.3 kW, shed: 100 %, max_off: 30 min}
  b1: {type: heater, rated: 1.2 kW, shed: 100 %, control: relay}
"""
ALL = [call("0:20:00", "16 kW", "20 min"), load("0:23:00", "car1", "11 kW")]
LONG = [call("0:20:00", "2.5 kW", "80 min")]
TAPERS_HELD = [call("0:21:00", "4 kW", "60 min"), load("0:31:00", "car1", "5 kW")]
Held = dict[str, int]
# Each with what is held at a moment of the day, in seconds, and what is said to be shed and drawn.
DAYS: dict[str, tuple[str, Steps, dict[str, str], list[tuple[int, Held, int, int]]]] = {
    "a car that was plugged in two minutes before gives, and nobody else": (
        STATION,
        PLUGGED_IN,
        {"car1": "0 W"},
        [(1_321, {"car1": 6_900}, 4_100, 12_900), (2_500, {"car1": 6_900}, 4_100, 12_900)],
    ),
    "where all is asked, a car is taken at the look that sees it": (
        STATION,
        ALL,
        {"car1": "0 W"},
        [
            (1_379, {"boiler1": 0, "room1": 0}, 5_000, 1_000),
            (1_391, {"boiler1": 0, "room1": 0, "car1": 0}, 16_000, 1_000),
        ],
    ),
    "a limit above what a car draws takes nothing: it is paused": (
        STATION,
        TAPERED,
        {},
        [(1_280, {"car1": 0}, 4_200, 6_000), (4_000, {"car1": 0}, 4_200, 6_000)],
    ),
    "a car that tapers while held gives no more than its meter shows": (
        STATION,
        TAPERS_HELD,
        {},
        [(1_290, {"car1": 6_900}, 4_100, 12_900), (1_900, {"car1": 0}, 5_000, 6_000)],
    ),
    "a compressor that started by itself runs its time": (
        COOLER,
        STARTED,
        {"cool1": "0 W"},
        [(1_395, {"heater1": 1_000}, 2_000, 5_000), (1_515, {"cool1": 0}, 3_000, 4_000)],
    ),
    "what must run is reduced at once": (
        CAR,
        JUST_ON,
        {},
        [(1_345, {"car1": 5_040}, 2_160, 6_040)],
    ),
    "what was off for as long as it may be is reduced, not let go": (
        HEATERS,
        LONG,
        {},
        [
            (1_300, {"a1": 0, "b1": 0}, 2_500, 0),
            (3_100, {"a1": 65, "b1": 0}, 2_435, 65),
            (3_290, {"a1": 65, "b1": 0}, 2_435, 65),
        ],
    ),
    "a person's own switching is no shed": (
        MAPLE.replace("name: HVAC,", "name: HVAC, type: hvac,"),
        OFF_AND_ON,
        {},
        [(1_215, {"hvac1": 0}, 0, 6_500), (1_510, {}, 0, 10_000)],
    ),
    "what a person takes off spares the others": (
        MAPLE,
        OFF_IN_AN_EVENT,
        {},
        [
            (1_250, {"heater1": 0, "lights1": 120, "misc1": 780}, 2_000, 8_000),
            (1_550, {"lights1": 120, "misc1": 780}, 500, 8_000),
        ],
    ),
}


@pytest.mark.parametrize("day", DAYS)
def test_a_day_comes_out_to_the_watt(day: str) -> None:
    text, steps, draws, moments = DAYS[day]
    one, left = play(site(text), steps, **draws), list(moments)
    last: Moment | None = None
    for moment in one.moments():
        while left and last is not None and moment.ms > left[0][0] * 1_000:
            check(last, left.pop(0), telemetry(one.spec, last.memory, 1, 0))
        last = moment
    assert not left


def check(at: Moment, due: tuple[int, Held, int, int], said: dict[str, Any]) -> None:
    lives = at.memory.circuits.items()
    held = {id: live.held_w for id, live in lives if live.held_w is not None}
    _, expected, shed_w, power_w = due
    shed_kw, power_kw = shed_w / 1000, power_w / 1000
    assert (held, said["shed_kw"], said["power_kw"]) == (expected, shed_kw, power_kw)
    assert said["base_power_kw"] == (shed_w + power_w) / 1000


def test_what_people_took_off_is_published_and_counts_for_the_event() -> None:
    one = play(site(MAPLE), OFF_IN_AN_EVENT)
    said, bodies = [], []
    for moment in one.moments():
        said.append(telemetry(one.spec, moment.memory, 1, one.at_ms)["by_person_kw"])
        bodies += [x.body for x in moment.effects if isinstance(x, Status)]
    assert set(said) == {0.0, 1.5}
    assert "underperforming" not in [body["state"] for body in bodies]
    (last,) = [body for body in bodies if body["state"] == "completed"]
    assert last["by_person_kw"] == 0, "its end has come: nothing more is asked"


def test_an_event_called_after_a_person_switched_off_is_not_spared_by_it() -> None:
    steps = [OFF_IN_AN_EVENT[1], call("0:26:00", "2 kW", "10 min")]
    one = play(site(MAPLE), steps)
    acks = [x.body for m in one.moments() for x in m.effects if isinstance(x, Ack)]
    (ack,) = [body for body in acks if body["op"] == "event"]
    assert ack["actual_shed_kw"] == 1.62 and ack["shortfall_kw"] == 0.38


@pytest.mark.parametrize(("asked_w", "gives"), [(1_950, {"car"}), (1_970, {"car", "lamp"})])
def test_no_lamp_goes_out_for_less_than_the_tolerance(asked_w: int, gives: set[str]) -> None:
    car = Load("car", (False, 1), 7_200, 7_200, steps=tuple(range(240, 7_201, 240)))
    lamp = as_relay(Load("lamp", (False, 1), 60, 60))
    plan = plan_shed([car, lamp], asked_w, {})
    assert set(plan.cuts) == gives and plan.total_w >= asked_w - tolerance_w(asked_w)


@pytest.mark.parametrize(("asked_w", "gives"), [(2_040, {"big"}), (2_041, {"big", "lamp"})])
def test_no_later_circuit_is_touched_for_less_than_the_tolerance(
    asked_w: int, gives: set[str]
) -> None:
    big, lamp = Load("big", (False, 1), 2_000, 2_000), Load("lamp", (False, 2), 400, 400)
    assert set(plan_shed([big, lamp], asked_w, {}).cuts) == gives
