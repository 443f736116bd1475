"""A time of day somebody typed."""

from zoneinfo import ZoneInfo

import pytest

from statemachine.kit.localtime import instant_s, next_s

HERE = ZoneInfo("America/Los_Angeles")


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-24T18:00", 1795572000),
        ("2026-11-24T18:00:30", 1795572030),
        ("2026-11-24T18:00-08:00", 1795572000),
        ("2026-11-25T02:00Z", 1795572000),
        ("2026-07-01T12:00", 1782932400),
    ],
)
def test_a_time_without_an_offset_is_the_sites_own(text: str, instant: int) -> None:
    assert instant_s(text, HERE) == instant


def test_a_time_the_clock_jumps_over_is_refused_with_the_one_after_it() -> None:
    with pytest.raises(ValueError, match="because the clock skips it; write 2026-03-08T03:30"):
        instant_s("2026-03-08T02:30", HERE)


def test_a_time_that_comes_twice_is_refused_with_both_offsets() -> None:
    with pytest.raises(ValueError, match="2026-11-01T01:30-07:00 or 2026-11-01T01:30-08:00"):
        instant_s("2026-11-01T01:30", HERE)
    assert (
        instant_s("2026-11-01T01:30-08:00", HERE) - instant_s("2026-11-01T01:30-07:00", HERE)
        == 3600
    )


@pytest.mark.parametrize(
    "text", ["", "18:00", "2026-13-01T00:00", "2026-11-24", "soon", "2026-11-24T18:00+99:00"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        instant_s(text, HERE)


@pytest.mark.parametrize("text", ["0001-01-01T00:00", "9999-12-31T23:59"])
def test_the_ends_of_the_calendar_do_no_harm(text: str) -> None:
    try:
        assert isinstance(instant_s(text, HERE), float)
    except ValueError as error:
        assert "too far" in str(error)


@pytest.mark.parametrize(
    ("text", "now", "found"),
    [
        ("18:00", "2026-11-24T17:59-08:00", "2026-11-24T18:00-08:00"),
        ("18:00", "2026-11-24T18:00-08:00", "2026-11-25T18:00-08:00"),
        ("9:05", "2026-11-24T18:00-08:00", "2026-11-25T09:05-08:00"),
        ("01:45", "2026-11-01T01:50-08:00", "2026-11-02T01:45-08:00"),
        ("02:30", "2026-03-08T03:00-07:00", "2026-03-09T02:30-07:00"),
        ("2026-11-24T18:00", "2026-11-24T18:00-08:00", "2026-11-24T18:00-08:00"),
    ],
)
def test_a_time_of_day_is_the_first_such_time_after_now(text: str, now: str, found: str) -> None:
    assert next_s(text, HERE, instant_s(now, None)) == instant_s(found, None)


@pytest.mark.parametrize("now", ["2026-11-01T00:10-07:00", "2026-11-01T01:50-07:00"])
def test_a_time_of_day_that_is_still_to_come_in_a_doubled_hour_is_asked_about(now: str) -> None:
    with pytest.raises(ValueError, match="occurs twice on 2026-11-01; write the offset"):
        next_s("01:45", HERE, instant_s(now, None))


@pytest.mark.parametrize("text", ["18:00", "2026-11-24T18:00", "2026-11-24T18:00:30"])
def test_where_no_zone_is_known_an_offset_is_demanded(text: str) -> None:
    with pytest.raises(ValueError, match=r"has no time zone.*\+01:00, or Z"):
        next_s(text, None, 0)
    assert next_s("2026-11-24T18:00Z", None, 0) == 1795543200
