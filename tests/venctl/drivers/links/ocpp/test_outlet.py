"""What an outlet keeps to, told by what the charger says and what its meter shows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venctl.drivers.links.ocpp.outlet import FOLLOW_MS, Outlet
from venctl.drivers.links.ocpp.profile import Limit

UTC_MS, ENDS_MS = 1_000_000, 1_120_000
SIX = Limit(6, 1_380, ENDS_MS)
ALL = Limit(32, 7_360, None)


def told(limit: Limit, at_ms: int = 0) -> Outlet:
    outlet = Outlet()
    outlet.is_now("Charging", "", 0)
    outlet.accepted(limit, at_ms)
    return outlet


def test_nothing_is_known_of_an_outlet_that_said_nothing() -> None:
    assert (Outlet().limit(UTC_MS), Outlet().drawn(0, 0)) == (None, None)


def test_a_limit_is_not_believed_until_something_tells_that_it_holds() -> None:
    outlet = told(SIX, 100)
    outlet.measured(0, 99)
    assert outlet.limit(UTC_MS) is None
    outlet.measured(1_380, 100)
    assert outlet.limit(UTC_MS) == 6


def test_a_limit_that_has_ended_tells_nothing() -> None:
    outlet = told(SIX)
    outlet.measured(1_380, 10)
    assert (outlet.limit(ENDS_MS - 1), outlet.limit(ENDS_MS)) == (6, None)


def test_what_is_free_is_free_unless_the_charger_says_otherwise() -> None:
    outlet = told(ALL)
    assert outlet.limit(UTC_MS) == 32
    outlet.said((0.0, "A"), 1)
    assert outlet.limit(UTC_MS) == 0
    outlet.is_now("Available", "", 2)  # without a car many say 0
    assert outlet.limit(UTC_MS) == 32


def test_a_stricter_limit_than_ours_is_not_ours_to_fight() -> None:
    outlet = told(SIX)
    outlet.said((0.0, "A"), 1)
    assert outlet.limit(UTC_MS) == 6


@given(watts=st.integers(0, 30_000), after_ms=st.integers(0, 200_000))
def test_who_draws_more_than_allowed_for_long_does_not_keep_to_the_limit(
    watts: int, after_ms: int
) -> None:
    outlet = told(SIX)
    outlet.said((6.0, "A"), 1)
    outlet.measured(watts, after_ms)
    above = watts > 1_380 * 1.1 + 100
    assert outlet.strays(UTC_MS) == (above and after_ms >= FOLLOW_MS)
    limit = outlet.limit(UTC_MS)
    assert limit is not None and (limit > 6) == outlet.strays(UTC_MS)


def test_a_renewal_gives_no_new_time_to_follow_and_another_limit_does() -> None:
    outlet = told(SIX)
    outlet.accepted(Limit(6, 1_380, ENDS_MS + 40_000), FOLLOW_MS - 1)
    outlet.measured(7_360, FOLLOW_MS)
    assert outlet.strays(UTC_MS)
    outlet.begin_again(FOLLOW_MS)
    assert outlet.reset and not outlet.strays(UTC_MS)
    outlet.accepted(Limit(10, 2_300, ENDS_MS), FOLLOW_MS)
    assert not outlet.reset and not outlet.strays(UTC_MS)


@pytest.mark.parametrize(
    ("says", "amps"),
    [((1_380.0, "W"), 6), ((1_370.0, "W"), 6), ((2_300.0, "W"), 10), ((0.0, "W"), 6)],
)
def test_watts_are_amperes_by_what_the_circuit_has(says: tuple[float, str], amps: float) -> None:
    outlet = told(SIX)
    outlet.said(says, 1)  # type: ignore[arg-type]
    assert outlet.limit(UTC_MS) == amps


@given(times=st.lists(st.integers(0, 1_000), min_size=1, max_size=8))
def test_the_newest_reading_counts_in_whatever_order_they_come(times: list[int]) -> None:
    outlet = Outlet()
    for at_ms in times:
        outlet.measured(at_ms, at_ms)
    assert outlet.drawn(1_000, 1_000) == (max(times), 1_000 - max(times))
