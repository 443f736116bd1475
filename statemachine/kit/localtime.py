"""Local time: reads typed times, and tells which day and month a moment belongs to."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from datetime import time as daytime
from functools import lru_cache
from zoneinfo import ZoneInfo

_SHAPE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?")
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_OF_DAY = re.compile(r"([01]?\d|2[0-3]):[0-5]\d")


def instant_s(text: str, zone: tzinfo | None) -> float:
    """Epoch seconds of `2026-11-24T18:00` in `zone`, or of RFC 3339 text with its own offset.

    `zone` is None if it is not known. Raises `ValueError`, with what to write instead, if the text
    is not a time, if it has no offset and the zone is not known, or if the local time does not
    exist (spring) or exists twice (autumn).
    """
    if not _SHAPE.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is not a time; write it like 2026-11-24T18:00")
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo:
            return moment.timestamp()
        if zone is None:
            raise _zone_missing(text, f"{text}Z")
        return _local_s(moment, zone)
    except OverflowError:
        raise ValueError(f"{text!r} is too far in the past or the future") from None


def rfc_3339_s(text: str) -> float | None:
    """Epoch seconds of RFC 3339 text; None if it is not valid."""
    if not _RFC_3339.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper()).timestamp()
    except (ValueError, OverflowError):
        return None


def next_s(text: str, zone: tzinfo | None, now_s: float) -> float:
    """Like `instant_s`; `18:00` is the first such time of day after `now_s`."""
    if not _OF_DAY.fullmatch(text):
        return instant_s(text, zone)
    if zone is None:
        raise _zone_missing(text, f"2026-11-24T{text:0>5}Z")
    today = datetime.fromtimestamp(now_s, zone).replace(tzinfo=None)
    hour, minute = map(int, text.split(":"))
    moment = datetime.combine(today.date(), daytime(hour, minute))
    if moment.replace(tzinfo=zone, fold=1).timestamp() <= now_s:
        moment += timedelta(days=1)
    return _local_s(moment, zone)


def _zone_missing(text: str, example: str) -> ValueError:
    return ValueError(
        f"{text!r} has no time zone, and the time zone of the site is not known here; "
        f"write date and offset, like {example[:-1]}+01:00, or Z for UTC: {example}"
    )


def _local_s(moment: datetime, zone: tzinfo) -> float:
    first, second = moment.replace(tzinfo=zone, fold=0), moment.replace(tzinfo=zone, fold=1)
    if first.utcoffset() == second.utcoffset():
        return first.timestamp()
    seen = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None)
    if seen != moment:
        raise ValueError(
            f"{moment:%H:%M} does not exist on {moment:%Y-%m-%d}, because the clock skips it; "
            f"write {seen.isoformat(timespec='minutes')}"
        )
    earlier, later = (time.isoformat(timespec="minutes") for time in (first, second))
    raise ValueError(
        f"{moment:%H:%M} occurs twice on {moment:%Y-%m-%d}; write the offset: {earlier} or {later}"
    )


@lru_cache(maxsize=8)
def _zone(name: str | None) -> tzinfo:
    return UTC if name is None else ZoneInfo(name)


def utc_text(utc_ms: int) -> str:
    """A moment as devices take it, such as `2026-11-28T20:55:00Z`: some take no fraction."""
    return datetime.fromtimestamp(utc_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def local_time(at_ms: int, timezone: str | None) -> datetime:
    """A moment as local time; `timezone` None is UTC."""
    return datetime.fromtimestamp(at_ms / 1000, _zone(timezone))


@lru_cache(maxsize=8)  # a decision asks it of one moment, several times
def day_of(at_ms: int, timezone: str | None) -> int:
    """The number of a local day; the next day has the next number."""
    return local_time(at_ms, timezone).toordinal()


def month_of(at_ms: int, timezone: str | None) -> int:
    """The number of a local month; the next month has the next number."""
    there = local_time(at_ms, timezone)
    return there.year * 12 + there.month


def next_day_ms(at_ms: int, timezone: str | None) -> int:
    """The start of the next local day, in UTC milliseconds."""
    there = local_time(at_ms, timezone).replace(tzinfo=None)
    midnight = datetime.combine(there.date() + timedelta(days=1), datetime.min.time())
    return round(midnight.replace(tzinfo=_zone(timezone)).timestamp() * 1000)


def within_hours(start_ms: int, end_ms: int, hours: tuple[int, int], timezone: str | None) -> bool:
    """Whether `[start, end)` overlaps `hours`, in minutes of the day, on any day."""
    from_min, to_min = hours
    length_min = (to_min - from_min) % 1440 or 1440
    day = local_time(start_ms, timezone).replace(
        tzinfo=None, hour=0, minute=0, second=0, microsecond=0
    )
    day -= timedelta(days=1)
    while True:
        first = day + timedelta(minutes=from_min)
        last = first + timedelta(minutes=length_min)
        from_ms, to_ms = (
            round(at.replace(tzinfo=_zone(timezone)).timestamp() * 1000) for at in (first, last)
        )
        if from_ms >= end_ms:
            return False
        if to_ms > start_ms:
            return True
        day += timedelta(days=1)


def start_ms(text: str, timezone: str | None) -> int:
    """UTC milliseconds of a local time as `instant_s` reads it. Raises `ValueError`."""
    return round(instant_s(text, _zone(timezone)) * 1000)


def days_before(at_ms: int, days: int, timezone: str | None) -> int:
    """The same time of day, `days` local days earlier, in UTC milliseconds."""
    there = local_time(at_ms, timezone).replace(tzinfo=None) - timedelta(days=days)
    return round(there.replace(tzinfo=_zone(timezone)).timestamp() * 1000)
