"""What a charger is told: always with an end, and 0 A or 6 A and more."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statemachine.kit.localtime import utc_text
from venctl.drivers.links.ocpp.profile import (
    Limit,
    ProfileTerms,
    profile_of,
    scheduled,
    terms_of,
    utc_ms_of,
)

NOW_MS = 1_796_000_000_000
LEASE_MS = 120_000


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


@given(
    connector=st.integers(1, 20),
    amps=st.integers(0, 80),
    lease_ms=st.integers(1_000, 600_000),
    unit=st.sampled_from(["A", "W"]),
)
def test_every_profile_ends_by_itself_within_its_lease(
    connector: int, amps: int, lease_ms: int, unit: Any
) -> None:
    limit = Limit(amps, amps * 230, NOW_MS + lease_ms)
    profile = profile_of(connector, limit, ProfileTerms(unit, 1), NOW_MS)
    schedule = profile["charging_schedule"]
    begins_ms = ms(schedule["start_schedule"])
    ends_ms = begins_ms + schedule["duration"] * 1000
    assert NOW_MS < ends_ms <= ms(profile["valid_to"]) <= NOW_MS + LEASE_MS
    assert ms(profile["valid_to"]) <= NOW_MS + lease_ms + 1_000
    assert schedule["duration"] <= 120
    assert begins_ms < NOW_MS  # also for a charger whose clock is a little slow
    assert ends_ms - NOW_MS >= min(lease_ms, 90_000)  # two renewals at 40 s may be lost
    assert profile["charging_profile_kind"] == "Absolute"
    assert profile["charging_profile_purpose"] == "TxDefaultProfile"
    assert profile["charging_profile_id"] == 7_000 + connector


@given(amps=st.integers(0, 80))
def test_a_limit_is_0_or_at_least_6_amperes(amps: int) -> None:
    """Rule 19 of devices.md."""
    told = Limit(amps, amps * 230, NOW_MS).rounded()
    assert told.amps == 0 or told.amps >= 6
    assert told.amps <= amps and (told.watts == 0) == (told.amps == 0)


@pytest.mark.parametrize(
    ("settings", "terms"),
    [
        ({}, ProfileTerms("A", 0)),
        ({"ChargingScheduleAllowedChargingRateUnit": "Power"}, ProfileTerms("W", 0)),
        ({"ChargingScheduleAllowedChargingRateUnit": "W"}, ProfileTerms("W", 0)),
        ({"ChargingScheduleAllowedChargingRateUnit": "Current,Power"}, ProfileTerms("A", 0)),
        ({"ChargingScheduleAllowedChargingRateUnit": "Power, Current"}, ProfileTerms("A", 0)),
        ({"ChargingScheduleAllowedChargingRateUnit": "A"}, ProfileTerms("A", 0)),
        ({"ChargeProfileMaxStackLevel": "8"}, ProfileTerms("A", 8)),
        ({"ChargeProfileMaxStackLevel": "-1"}, ProfileTerms("A", 0)),
        ({"ChargeProfileMaxStackLevel": "many"}, ProfileTerms("A", 0)),
    ],
)
def test_how_a_charger_takes_limits(settings: dict[str, str], terms: ProfileTerms) -> None:
    assert terms_of(settings) == terms


def schedule(**more: Any) -> dict[str, Any]:
    periods = [{"start_period": 0, "limit": Decimal("6.0")}, {"start_period": 60, "limit": 16}]
    return {"charging_rate_unit": "A", "charging_schedule_period": periods} | more


def test_the_first_period_of_a_schedule_holds_now() -> None:
    assert scheduled(schedule()) == (6.0, "A")


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["charging_rate_unit", "charging_schedule_period", "limit", "start_period"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(said=junk)
def test_a_schedule_of_any_shape_is_a_limit_or_nothing(said: Any) -> None:
    found = scheduled(said)
    assert found is None or (found[0] >= 0 and found[1] in ("A", "W"))


@pytest.mark.parametrize(
    "odd",
    [
        schedule(charging_rate_unit="kW"),
        schedule(charging_schedule_period=[]),
        schedule(charging_schedule_period=[{"start_period": 10, "limit": 6}]),
        schedule(charging_schedule_period=[{"start_period": 0, "limit": True}]),
        schedule(charging_schedule_period=[{"start_period": 0, "limit": -1}]),
        None,
    ],
)
def test_what_is_no_schedule_says_nothing(odd: Any) -> None:
    assert scheduled(odd) is None


@given(utc_ms=st.integers(0, 4_000_000_000_000))
def test_a_time_is_told_to_the_second_and_read_again(utc_ms: int) -> None:
    assert utc_ms_of(utc_text(utc_ms)) == utc_ms // 1000 * 1000


@pytest.mark.parametrize("odd", [None, 5, "", "soon", "2026-13-01T00:00:00Z", "9" * 50])
def test_what_is_no_time_is_none(odd: object) -> None:
    assert utc_ms_of(odd) is None
