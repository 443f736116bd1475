"""Quantities and times as they are typed and printed on the command line."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

_CLOCK = re.compile(r"([01]?\d|2[0-3]):[0-5]\d")

BY = {
    "page": "the page",
    "operator": "the grid operator",
    "cloud": "the cloud",
    "cli": "the command line",
    "schedule": "the schedule",
    "event": "an event",
}


def watts_of(text: str) -> int:
    """`2 kW` as 2000. Raises ValueError."""
    from statemachine.quantity import watts

    return watts(text)


def millis_of(text: str) -> int:
    """`5 min` as 300000. Raises ValueError."""
    from statemachine.quantity import millis

    return millis(text)


def epoch_of(text: str, zone: str | None) -> int:
    """`18:00` (the next one) or `2026-11-24T18:00` in a time zone, as epoch seconds.

    Raises ValueError for what is no time, or a time that the clock change leaves out or doubles;
    says what to write instead.
    """
    from statemachine.localtime import instant_s

    place = ZoneInfo(zone) if zone else datetime.now().astimezone().tzinfo
    assert place is not None
    if not _CLOCK.fullmatch(text):
        return round(instant_s(text, place))
    now = datetime.now(place)
    today = f"{now:%Y-%m-%d}T{text:0>5}"
    if datetime.fromisoformat(today) > now.replace(tzinfo=None):
        return round(instant_s(today, place))
    return round(instant_s(f"{now + timedelta(days=1):%Y-%m-%d}T{text:0>5}", place))


def hours(epoch_s: float) -> str:
    """A moment as people read it, in this machine's time zone."""
    return datetime.fromtimestamp(epoch_s).strftime("%d %b %H:%M:%S")
