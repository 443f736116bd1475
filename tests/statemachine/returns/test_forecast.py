"""What is said of a circuit's return is what the controller then does."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from statemachine.returns.forecast import WAYS, forecast_restore, forecast_returns
from statemachine.state.memory import Memory
from tests.kit.core.sample_sites import MAPLE, NOW_S, site
from tests.kit.harness import Harness
from tests.kit.paths import ROOT
from venctl.cli.status import WAYS as SAID

PANEL = """
site: {id: returns, service: 30 kW, unmetered: 1 kW}
circuits:
  heat: {rated: 2 kW, shed: 100 %}
  dim:  {rated: 1 kW, shed: 70 %}
  tank: {rated: 1 kW, shed: 100 %, control: relay, max_off: 3 min}
  pump: {rated: 2 kW, shed: 100 %, control: relay, min_off: 4 min}
  car:  {type: ev, rated: 11 kW, shed: 100 %, control: ev_pilot, volts: 230, phases: 3}
  pool: {rated: 1 kW, shed: 100 %, max_shed_per_day: 5 min}
  oven: {rated: 2 kW, shed: 100 %, control: relay, comes_back: by_hand}
  cool: {type: hvac, rated: 3 kW, shed: 20 %, critical: true}
"""


def running(text: str = PANEL) -> Harness:
    desk = Harness(site(text))
    for _ in range(3):
        desk.wait(10)
    return desk


def held(memory: Memory) -> set[str]:
    return {id for id, live in memory.circuits.items() if live.enabled and live.held_w is not None}


def freed_s(desk: Harness, within_s: int, step_s: int = 1) -> dict[str, int]:
    """When each circuit that is held now is first held no more, in seconds from now."""
    left, found, began_ms = held(desk.memory), dict[str, int](), desk.ms
    while left and desk.ms - began_ms < within_s * 1000:
        desk.wait(step_s)
        desk.read()
        for id in left - held(desk.memory):
            found[id] = (desk.ms - began_ms) // 1000
        left -= set(found)
    return found


def said_s(desk: Harness, backs: Any) -> dict[str, tuple[str, int | None]]:
    return {
        id: (back.how, None if back.at_ms is None else round((back.at_ms - desk.ms) / 1000))
        for id, back in backs.items()
    }


WEAK = {"event_id": "weak", "shed_kw": 2.5, "duration_sec": 900}
CASES: dict[str, tuple[str, list[dict[str, Any]], int]] = {
    "one event": ("", [{"event_id": "a", "shed_kw": 20, "duration_sec": 240}], 5),
    "it is over": ("", [{"event_id": "a", "shed_kw": 20, "duration_sec": 120}], 125),
    "one that goes on longer": (
        "",
        [{"event_id": "a", "shed_kw": 6, "duration_sec": 120}, WEAK],
        5,
    ),
    "one that follows": (
        "",
        [
            {"event_id": "a", "shed_kw": 6, "duration_sec": 120},
            {"event_id": "b", "shed_kw": 3, "duration_sec": 300, "start_ts": NOW_S + 170},
        ],
        20,
    ),
    "a ramp and a random start": (
        "restore: {every: 20 s, ramp: 500 W, spread: 3 min}\n",
        [{"event_id": "a", "shed_kw": 20, "duration_sec": 120}],
        5,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_circuit_comes_back_when_it_is_said_to(case: str) -> None:
    more, events, after_s = CASES[case]
    desk = running(PANEL + more)
    for event in events:
        desk.ask(op="event", **event)
    desk.wait(after_s)
    said = said_s(desk, forecast_returns(desk.spec, desk.memory))
    assert set(said) == held(desk.memory) and all(how in WAYS for how, _ in said.values())
    found = freed_s(desk, 1_200)
    timed = {id: at for id, (_, at) in said.items() if at is not None}
    assert set(said) - set(timed) <= {"oven"}
    off = {id: (at, found[id]) for id, at in timed.items() if at != found[id]}
    assert not off


EVENTS = st.lists(
    st.tuples(
        st.sampled_from([0.4, 1.5, 3.0, 6.0, 20.0]),
        st.sampled_from([60, 120, 300]),
        st.sampled_from([None, 20, 70, 130, 200]),
    ),
    min_size=1,
    max_size=3,
)


# six that return give again before the one that rests; what recovers in an event replaces another
@example([(20.0, 60, None), (20.0, 60, 200)], "", 2)
@example([(6.0, 60, None), (3.0, 300, 200)], "", 130)
@settings(max_examples=25, deadline=None)
@given(
    EVENTS,
    st.sampled_from(["", "curtail: {overlap: sum}\n", "restore: {every: 20 s}\n"]),
    st.sampled_from([2, 50, 130, 200]),
)
def test_whatever_is_called_no_circuit_comes_back_far_from_when_it_is_said_to(
    events: list[tuple[float, int, int | None]], more: str, after_s: int
) -> None:
    desk = running(PANEL + more)
    for place, (kw, length_s, later_s) in enumerate(events):
        start = {} if later_s is None else {"start_ts": desk.ms // 1000 + later_s}
        desk.ask(op="event", event_id=f"e{place}", shed_kw=kw, duration_sec=length_s, **start)
    desk.wait(after_s)
    backs = forecast_returns(desk.spec, desk.memory)
    said = {id: at for id, (_, at) in said_s(desk, backs).items() if at is not None}
    found = freed_s(desk, 1_500, 5) if said else {}
    tolerance_s = 3 * desk.spec.restore.every // 1000  # who gives a second time returns in between
    assert {id: (at, found.get(id)) for id, at in said.items()} == {
        id: (at, found[id]) for id, at in said.items() if abs(at - found[id]) <= tolerance_s
    }


def how_of(desk: Harness, id: str) -> tuple[str, int | None]:
    return said_s(desk, forecast_returns(desk.spec, desk.memory))[id]


def test_what_only_a_person_switches_on_has_no_time_during_the_event_and_after_it() -> None:
    desk = running()
    desk.ask(op="event", event_id="a", shed_kw=20, duration_sec=60)
    desk.wait(20)
    assert how_of(desk, "oven") == ("by_hand", None)
    desk.wait(100)
    assert not desk.memory.circuits["oven"].enabled
    assert how_of(desk, "oven") == ("by_hand", None)
    desk.ask_from("page", op="setLoad", loadId="oven", enabled=True)
    assert "oven" not in forecast_returns(desk.spec, desk.memory)


def test_a_person_who_switches_a_circuit_off_hears_nothing_of_an_event() -> None:
    desk = running()
    desk.ask_from("page", op="setLoad", loadId="oven", enabled=False)
    assert forecast_returns(desk.spec, desk.memory) == {}


def test_what_may_be_off_or_give_no_longer_comes_back_before_the_event_ends() -> None:
    desk = running()
    desk.ask(op="event", event_id="a", shed_kw=20, duration_sec=600)
    desk.read()
    assert how_of(desk, "tank") == ("max_off", 180)
    assert how_of(desk, "pool") == ("budget", 300)
    assert how_of(desk, "cool") == ("event", 600), "the critical one comes back first"


def test_what_has_no_room_below_the_main_breaker_has_no_time() -> None:
    desk = running(MAPLE.replace("unmetered: 3.4 kW", "unmetered: 3.4 kW, service: 9 kW"))
    desk.ask(op="event", event_id="a", shed_kw=2, duration_sec=60)
    desk.read()
    assert how_of(desk, "misc1") == ("event", 60)
    assert how_of(desk, "heater1") == ("room", None)


def test_a_restore_says_what_it_ends_and_what_does_not_come_back_by_it() -> None:
    desk = running()
    desk.ask(op="event", event_id="a", shed_kw=20, duration_sec=600)
    desk.ask(op="event", event_id="b", shed_kw=1, duration_sec=900)
    desk.ask(op="event", event_id="c", shed_kw=1, duration_sec=900, start_ts=NOW_S + 1_200)
    desk.wait(10)
    before = desk.memory
    ending = forecast_restore(desk.spec, before)
    assert ending.ends == ("a", "b") and desk.memory == before
    said = said_s(desk, ending.backs)
    desk.ask(op="restore")
    assert {e.id for e in desk.memory.events.values() if e.state == "scheduled"} == {"c"}
    found = freed_s(desk, 600)
    assert said["oven"] == ("by_hand", None)
    assert said["pump"] == ("rest", found["pump"])
    assert said["cool"] == ("turn", 0), "at once"
    assert {id: at for id, (_, at) in said.items() if at} == {
        id: at for id, at in found.items() if id != "oven"
    }


def test_who_only_observes_holds_nothing_that_could_come_back() -> None:
    desk = running(PANEL + "mode: observe\n")
    desk.ask(op="event", event_id="a", shed_kw=20, duration_sec=600)
    assert forecast_returns(desk.spec, desk.memory) == {}


def test_every_way_to_come_back_is_told_in_the_docs_and_on_the_command_line() -> None:
    page = (ROOT / "docs" / "returns.md").read_text("utf-8")
    assert re.findall(r"^\| `(\w+)` \| .* \| (?:yes|null) \|$", page, re.MULTILINE) == list(WAYS)
    assert set(SAID) == set(WAYS) - {"event", "turn"}, "these need no more than the time"
