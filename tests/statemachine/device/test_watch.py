"""What is watched at a device beside where it stands."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from statemachine.device.control import (
    FREE,
    Position,
    SeenState,
    Standing,
    WiredLoad,
    renew_every_ms,
)
from statemachine.device.extract import meets, reading
from statemachine.device.form import Template
from statemachine.device.watch import (
    DAY_MS,
    MOST_CYCLES,
    Wear,
    contradiction,
    device_warnings,
    gets_more,
    is_off,
    judged,
    waits_ms,
    within_a_day,
)
from venctl.devices.catalog import shipped

CAR = WiredLoad("ev_pilot", 690, 11_040)
PUMP = WiredLoad("relay", 230, 1_500)
NOW_MS = 1_800_000_000_000
OFF_FOR = Position("off_for", None, NOW_MS + 120_000)
SHELLY, ZIGBEE, OPENEVSE = (shipped()[name] for name in ("shelly", "zigbee2mqtt", "openevse"))

POSITIONS = st.one_of(
    st.sampled_from([FREE, Position("off"), OFF_FOR]),
    st.builds(Position, st.just("limit"), st.integers(0, 12_000), st.just(0)),
)


@given(POSITIONS | st.none(), POSITIONS, st.integers(0, 10**9), st.integers(0, 200_000))
def test_what_takes_away_never_waits_and_more_waits_its_time(
    was: Position | None, position: Position, more_ms: int, later_ms: int
) -> None:
    for load, every_ms in ((CAR, 60_000), (PUMP, 10_000)):
        more = gets_more(load, was, position)
        if position.kind in ("off", "off_for") or was in (None, FREE):
            assert not more
        left_ms = waits_ms(load, more_ms, more_ms + later_ms)
        assert left_ms == max(0, every_ms - later_ms)
        assert waits_ms(load, None, later_ms) == 0


@given(st.integers(0, 2_000), st.integers(0, 120_000), st.integers(0, 10**9))
def test_a_meter_is_believed_against_a_relay_once_it_has_had_its_time(
    watts: int, later_ms: int, since_ms: int
) -> None:
    standing = Standing(confirmed=OFF_FOR, since_ms=since_ms)
    said = contradiction(SHELLY, PUMP, standing, (watts, since_ms + later_ms))
    assert (said is not None) is (watts > 75 and later_ms >= 15_000)


@given(POSITIONS, st.integers(0, 30_000))
def test_nothing_speaks_against_what_is_free_or_was_never_read_back(
    position: Position, watts: int
) -> None:
    assert contradiction(SHELLY, PUMP, Standing(confirmed=FREE), (watts, 10**6)) is None
    assert contradiction(SHELLY, PUMP, Standing(written=position), (watts, 10**6)) is None
    assert contradiction(SHELLY, PUMP, Standing(confirmed=position), None) is None


@given(st.lists(st.tuples(st.sampled_from([True, False, None]), st.integers(0, DAY_MS // 20))))
def test_a_relay_is_counted_as_often_as_it_went_off_in_a_day(
    looks: list[tuple[bool | None, int]],
) -> None:
    wear, now_ms, before, went_ms = Wear(), NOW_MS, None, []
    for off, later_ms in looks:
        now_ms += later_ms
        if off is True and before is False:
            went_ms.append(now_ms)
        before = before if off is None else off
        wear = wear.seen(off, now_ms)
    day = tuple(at_ms for at_ms in went_ms if now_ms - at_ms < DAY_MS)
    assert within_a_day(wear.cycles_ms, now_ms) == day
    told = device_warnings(SHELLY, wear, (), None, now_ms)
    assert ("cycles" in told) is (len(day) >= MOST_CYCLES)


def test_a_clock_that_is_set_back_counts_nothing_twice() -> None:
    assert within_a_day((NOW_MS + 1, NOW_MS), NOW_MS) == (NOW_MS,)


def test_a_notice_names_what_such_a_device_is_known_for() -> None:
    restarts = tuple(NOW_MS - n for n in range(4))
    told = device_warnings(shipped()["esphome"], Wear(), restarts, None, NOW_MS)
    assert "4 times in a day" in told["restarts"] and "reboot_timeout" in told["restarts"]
    assert device_warnings(SHELLY, Wear(), restarts[1:], None, NOW_MS) == {}
    assert device_warnings(SHELLY, Wear(), (), "illegal address", NOW_MS).keys() == {"refusal"}


@pytest.mark.parametrize(
    ("template", "seen", "off"),
    [
        (SHELLY, SeenState(at_ms=0, on=False), True),
        (SHELLY, SeenState(at_ms=0, on=True), False),
        (SHELLY, SeenState(at_ms=0, on=False, live=False), None),
        (shipped()["heidelberg"], SeenState(at_ms=0, limit=Decimal(0)), True),
        (shipped()["heidelberg"], SeenState(at_ms=0, limit=Decimal(6)), False),
        (shipped()["homewizard"], SeenState(at_ms=0, power_w=0), None),
    ],
)
def test_off_is_what_its_switch_or_its_limit_says(
    template: Template, seen: SeenState, off: bool | None
) -> None:
    assert is_off(template, PUMP, seen) is off


def test_what_was_away_and_is_back_on_is_put_back_and_no_person_is_thought_of() -> None:
    held = replace(Standing().brought(OFF_FOR, SeenState(at_ms=0, on=False)), reasserted=OFF_FOR)
    back = SeenState(at_ms=5_000, on=True)
    assert judged(ZIGBEE, PUMP, held, back, NOW_MS)[1] == "person"
    for away in ("silent", "offline"):
        standing, who = judged(ZIGBEE, PUMP, replace(held, away=away), back, NOW_MS)
        assert who == "reboot"
        assert standing.away is None
        assert len(standing.reboots_ms) == (away == "offline")
    old = replace(back, live=False)
    standing, who = judged(ZIGBEE, PUMP, replace(held, away="offline"), old, NOW_MS)
    assert who is None and standing.away == "offline", "a retained message brings nobody back"


def test_a_person_who_presses_the_button_after_an_outage_wins() -> None:
    held = replace(Standing().brought(OFF_FOR, SeenState(at_ms=0, on=False)), away="silent")
    pressed = SeenState(at_ms=5_000, on=True, by="person")
    assert judged(SHELLY, PUMP, held, pressed, NOW_MS)[1] == "person"


@given(st.sampled_from(["silent", "offline", None]), POSITIONS)
def test_since_when_it_stands_so_is_kept_while_it_does(away: Any, position: Position) -> None:
    first = Standing(away=away).brought(position, SeenState(at_ms=1_000))
    again = first.brought(position, SeenState(at_ms=9_000))
    assert first.since_ms == again.since_ms == 1_000


def test_failure_11_a_watchdog_of_15000_ms_is_one_of_15_s_and_fed_each_5_s() -> None:
    heidelberg = shipped()["heidelberg"]
    watchdog = heidelberg.wants["watchdog"]
    said = reading(watchdog, {"unit": "1"}, (15_000,))
    assert said == 15
    assert meets(watchdog, {"unit": "1"}, said, {}) is True
    assert renew_every_ms(heidelberg) == 5_000


def test_failure_11_a_lease_of_15000_s_is_refused() -> None:
    said = {
        "device": "wallbox",
        "title": "A wallbox",
        "speaks": "modbus",
        "key": "unit",
        "params": {"unit": {"means": "its unit", "whole": True, "least": 1, "most": 255}},
        "control": "ev_pilot",
        "read": {"limit": {"table": "holding", "register": 261, "unit": "A"}},
        "write": {
            name: {"table": "holding", "register": 261, "write": "{amps}"}
            for name in ("limit", "free")
        },
        "sources": ["evcc PR#9322"],
    }
    lease = {"by": ["limit"], "ends_in": "failsafe"}
    assert Template.model_validate(said | {"lease": {**lease, "longest": "15 s"}})
    with pytest.raises(ValidationError, match="is the unit right"):
        Template.model_validate(said | {"lease": {**lease, "longest": "15000 s"}})
