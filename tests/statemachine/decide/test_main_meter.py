"""A main meter that cannot be read: what the site draws is unknown, never 0, and plans go on."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statemachine.state.measures import known_power_w, power_w
from statemachine.state.triggers import Readings
from statemachine.wire.messages import telemetry
from tests.kit.core.sample_sites import site
from tests.kit.harness import Harness

SITE = site(
    "site: {id: v, service: 6 kW, unmetered: 1 kW}\n"
    "circuits:\n"
    "  a: {rated: 2 kW, shed: 100 %}\n"
    "  b: {rated: 3 kW, shed: 100 %}\n"
)
DRAWN = {"a": 2_000, "b": 3_000}


def desk() -> Harness:
    return Harness(SITE)


def look(desk: Harness, unmetered_w: int | None, **drawn_w: int) -> None:
    desk.hear(Readings(**desk.stamp(), drawn_w=DRAWN | drawn_w, unmetered_w=unmetered_w))


def telemetry_of(desk: Harness) -> dict[str, Any]:
    return telemetry(SITE, desk.memory, 1, desk.memory.at_ms)


def test_what_the_site_draws_is_unknown_while_its_main_meter_cannot_be_read() -> None:
    one = desk()
    look(one, 1_000)
    assert known_power_w(one.memory) == 6_000
    look(one, None)
    assert known_power_w(one.memory) is None
    body = telemetry_of(one)
    assert body["power_kw"] is None
    assert body["base_power_kw"] is None
    assert body["usedPowerKw"] is None
    look(one, 500)
    assert known_power_w(one.memory) == 5_500


@given(st.lists(st.none() | st.integers(-5_000, 5_000), max_size=20))
def test_plans_count_with_the_last_known_load_beside_the_circuits(looks: list[int | None]) -> None:
    one = desk()
    look(one, 1_000)
    last_w = 1_000
    for unmetered_w in looks:
        look(one, unmetered_w)
        last_w = last_w if unmetered_w is None else unmetered_w
        assert power_w(one.memory) == 5_000 + last_w


@pytest.mark.parametrize(("seconds", "told"), [(119, False), (121, True)])
def test_an_alarm_tells_it_after_two_minutes_and_ends_with_it(seconds: int, told: bool) -> None:
    one = desk()
    look(one, 1_000)
    look(one, None)
    one.ms += seconds * 1_000
    look(one, None)
    assert ("device" in one.memory.alarms) is told
    look(one, 1_000)
    assert "device" not in one.memory.alarms
