"""The world behind the fakes adds up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kit.devices.clock import HandClock
from tests.kit.devices.wiring import Wiring

WATTS = st.integers(0, 10_000)


@given(loads=st.lists(st.tuples(WATTS, st.booleans(), st.sampled_from([(1,), (2,), (1, 2, 3)]))))
def test_the_main_meter_sees_what_every_meter_sees_and_the_rest(
    loads: list[tuple[int, bool, tuple[int, ...]]],
) -> None:
    wiring = Wiring(clock=HandClock(), unmetered_w=300)
    meters = []
    for number, (watts, closed, phases) in enumerate(loads):
        outlet = wiring.outlet(f"load{number}", watts, phases)
        outlet.closed = closed
        meters.append(wiring.meter(outlet))
    assert wiring.main.watts == pytest.approx(sum(one.watts for one in meters) + 300)
    assert wiring.main.watts == pytest.approx(wiring.watts)


def test_energy_is_power_over_time_through_every_change() -> None:
    clock = HandClock()
    wiring = Wiring(clock=clock)
    outlet = wiring.outlet("heater", 1000)
    meter = wiring.meter(outlet)
    clock.advance(1800)
    outlet.closed = False
    clock.advance(1800)
    outlet.closed, outlet.limit_w = True, 500
    clock.advance(3600)
    assert meter.wh == wiring.main.wh == 1000


def test_a_stuck_contact_still_feeds_its_load() -> None:
    wiring = Wiring(clock=HandClock())
    outlet = wiring.outlet("heater", 1000)
    outlet.stuck = True
    outlet.closed = False
    assert wiring.main.watts == 1000


def test_exchanged_meters_show_each_other_and_a_reversed_one_counts_what_is_sold() -> None:
    clock = HandClock()
    wiring = Wiring(clock=clock)
    one, other = wiring.meter(wiring.outlet("a", 100)), wiring.meter(wiring.outlet("b", 7))
    wiring.exchange_meters(one, other)
    one.reversed = True
    clock.advance(3600)
    assert (one.watts, other.watts) == (-7, 100)
    assert (one.wh, one.sold_wh) == (0, 7)
