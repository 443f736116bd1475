"""Where a device is to stand, whether it does, and who moved it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statemachine.device.control import (
    FREE,
    LEASE_MS,
    Position,
    SeenState,
    Standing,
    WiredLoad,
    leased,
    mover,
    needs_write,
    ordered_numbers,
    position_of,
    rebooted,
    renew_every_ms,
    stands,
    writes_for,
)
from statemachine.device.form import Template

RELAY = WiredLoad("relay", 230, 2_000)
CAR = WiredLoad("ev_pilot", 690, 11_040)
DIMMER = WiredLoad("modulating", 230, 400)
NOW_MS = 1_800_000_000_000
OFF, SHED = Position("off"), Position("off_for", None, NOW_MS + LEASE_MS)


def template(**more: Any) -> Template:
    base: dict[str, Any] = {
        "device": "plug",
        "title": "A plug",
        "speaks": "http",
        "key": "host",
        "params": {"host": {"means": "its address"}},
        "control": "relay",
        "read": {"on": {"get": "/state", "at": "/on", "words": {"true": "on", "false": "off"}}},
        "write": {"on": {"get": "/on"}, "off": {"get": "/off"}},
        "sources": ["invented here"],
    }
    return Template.model_validate(base | more)


LEASING = template(
    write={"on": {"get": "/on"}, "off": {"get": "/off"}, "off_for": {"get": "/off/{lease_s}"}},
    lease={"by": ["off_for"]},
)
PILOT = template(
    control="ev_pilot",
    read={"limit": {"get": "/amps", "at": "/amps", "unit": "A"}},
    write={"limit": {"get": "/amps/{amps}"}, "free": {"get": "/amps/{amps}"}},
)


def seen(at_ms: int = 0, **what: Any) -> SeenState:
    return SeenState(at_ms=at_ms, **what)


@given(st.booleans(), st.none() | st.integers(0, 20_000), st.sampled_from([RELAY, CAR, DIMMER]))
def test_a_device_never_gets_more_than_its_hold_allows(
    enabled: bool, hold_w: int | None, load: WiredLoad
) -> None:
    position = position_of(load, enabled, hold_w, NOW_MS)
    if not enabled:
        assert position.kind == "off"
    elif hold_w is None:
        assert position == FREE
    elif position.kind == "limit":
        numbers = ordered_numbers(load, position, NOW_MS, None)
        assert int(numbers["amps"]) * load.amp_w <= hold_w
        assert int(numbers["watts"]) <= hold_w
    elif position == FREE:
        assert hold_w >= load.rated_w


@pytest.mark.parametrize(
    ("hold_w", "kind"), [(0, "off_for"), (4_139, "off_for"), (4_140, "limit"), (11_040, "limit")]
)
def test_a_car_charges_with_six_amperes_or_not_at_all(hold_w: int, kind: str) -> None:
    assert position_of(CAR, True, hold_w, NOW_MS).kind == kind


def test_what_a_person_switched_off_has_no_end_and_what_an_event_took_has_one() -> None:
    assert writes_for(LEASING, OFF) == ("off",)
    assert writes_for(LEASING, SHED) == ("off_for",)
    assert leased(LEASING, SHED)
    assert not leased(LEASING, OFF)
    assert not leased(LEASING, FREE)


def test_a_device_without_a_switch_is_limited_to_nothing() -> None:
    assert writes_for(PILOT, OFF) == writes_for(PILOT, SHED) == ("limit",)
    assert ordered_numbers(CAR, SHED, NOW_MS, None)["amps"] == 0


def test_a_device_that_is_given_back_may_draw_its_rating() -> None:
    assert writes_for(PILOT, FREE) == ("free",)
    assert ordered_numbers(CAR, FREE, NOW_MS, None)["amps"] == 16


@given(st.integers(-(10**6), 10**7), st.none() | st.integers(1_000, 3_600_000))
def test_a_lease_is_whole_seconds_and_never_longer_than_the_device_takes(
    left_ms: int, longest_ms: int | None
) -> None:
    position = Position("off_for", None, NOW_MS + left_ms)
    numbers = ordered_numbers(RELAY, position, NOW_MS, longest_ms)
    assert int(numbers["lease_s"]) >= 1
    assert int(numbers["lease_ms"]) <= (longest_ms or 10**9)


@pytest.mark.parametrize(
    ("position", "on", "so"),
    [
        (FREE, True, True),
        (FREE, False, False),
        (FREE, None, None),
        (OFF, False, True),
        (OFF, True, False),
        (SHED, False, True),
        (SHED, True, False),
        (SHED, None, None),
    ],
)
def test_a_relay_stands_as_it_was_read(position: Position, on: bool | None, so: bool) -> None:
    assert stands(LEASING, RELAY, position, seen(on=on)) is so


@pytest.mark.parametrize(
    ("position", "amps", "so"),
    [
        (FREE, "16", True),
        (FREE, "6", False),
        (SHED, "0", True),
        (SHED, "6", False),
        (Position("limit", 4_500, 0), "6", True),
        (Position("limit", 4_500, 0), "7", False),
        (Position("limit", 4_500, 0), "0", False),
        (Position("limit", 4_500, 0), None, None),
    ],
)
def test_a_limit_stands_as_it_was_read(position: Position, amps: str | None, so: bool) -> None:
    limit = None if amps is None else Decimal(amps)
    assert stands(PILOT, CAR, position, seen(limit=limit)) is so


def test_a_charger_that_was_told_to_be_free_may_have_a_lower_limit_of_its_own() -> None:
    ten = seen(limit=Decimal(10))
    assert stands(PILOT, CAR, FREE, ten) is False
    assert stands(PILOT, CAR, FREE, ten, told=True) is True
    assert stands(PILOT, CAR, FREE, seen(limit=Decimal(0)), told=True) is False


def test_only_what_differs_is_written() -> None:
    fresh = Standing()
    assert not needs_write(LEASING, fresh, FREE, True)
    assert needs_write(LEASING, fresh, FREE, False)
    assert needs_write(LEASING, fresh, FREE, None)


def test_a_lease_is_written_again_and_replaced() -> None:
    held = Standing().brought(SHED, None)
    assert needs_write(LEASING, held, SHED, True)
    assert needs_write(LEASING, held, OFF, True), "or the device comes on when the lease ends"
    assert needs_write(LEASING, held, FREE, True), "or its timer runs on"


def test_a_lease_is_renewed_at_a_third() -> None:
    assert renew_every_ms(LEASING) == LEASE_MS // 3
    watchdog = template(
        write={"on": {"get": "/on"}, "off": {"get": "/off"}},
        lease={"by": ["off"], "longest": "15 s"},
    )
    assert renew_every_ms(watchdog) == 5_000


# -- who moved it ---------------------------------------------------------------------------------

HELD = Standing().brought(SHED, seen(0, on=False, uptime_s=500))


def test_nobody_moved_what_stands_as_told() -> None:
    assert mover(LEASING, RELAY, HELD, seen(5_000, on=False, uptime_s=505), NOW_MS) is None


def test_a_person_wins_where_the_device_says_so() -> None:
    pressed = seen(5_000, on=True, by="person", uptime_s=505)
    assert mover(LEASING, RELAY, HELD, pressed, NOW_MS) == "person"


def test_where_the_device_does_not_say_who_it_is_put_back_once_and_then_the_person_wins() -> None:
    on = seen(5_000, on=True, uptime_s=505)
    assert mover(LEASING, RELAY, HELD, on, NOW_MS) == "unknown"
    again = Standing(reasserted=SHED).brought(SHED, HELD.seen)
    assert mover(LEASING, RELAY, again, on, NOW_MS) == "person"


def test_another_position_is_put_back_anew() -> None:
    freed = Standing(reasserted=SHED).brought(FREE, HELD.seen)
    off = seen(5_000, on=False, uptime_s=505)
    assert mover(LEASING, RELAY, freed, off, NOW_MS) == "unknown"


def test_a_lease_that_ended_was_moved_by_nobody() -> None:
    on = seen(5_000, on=True, uptime_s=505)
    assert mover(LEASING, RELAY, HELD, on, SHED.until_ms) is None


def test_a_reboot_is_not_a_person() -> None:
    on = seen(60_000, on=True, by="person", uptime_s=3)
    assert mover(LEASING, RELAY, HELD, on, NOW_MS) == "reboot"


@given(st.integers(0, 10**6), st.integers(0, 10**7))
def test_a_device_whose_clock_goes_on_did_not_reboot(uptime_s: int, later_ms: int) -> None:
    before = seen(0, uptime_s=uptime_s)
    assert not rebooted(before, seen(later_ms, uptime_s=uptime_s + later_ms // 1000))


@given(st.integers(60, 10**6), st.integers(0, 50))
def test_a_device_whose_clock_starts_anew_did_reboot(uptime_s: int, since_s: int) -> None:
    assert rebooted(seen(0, uptime_s=uptime_s), seen(60_000, uptime_s=since_s))


def test_an_old_message_moves_nobody() -> None:
    on = seen(5_000, on=True, uptime_s=505, live=False)
    assert mover(LEASING, RELAY, HELD, on, NOW_MS) is None


def test_an_unreadable_device_was_moved_by_nobody() -> None:
    assert mover(LEASING, RELAY, HELD, seen(5_000), NOW_MS) is None
