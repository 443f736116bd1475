"""Quantities and times as they are typed and printed on the command line."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo


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

    Raises ValueError for what is no time, or a time that the clock change leaves out or doubles.
    """
    place = ZoneInfo(zone) if zone else None
    now = datetime.now(place).replace(tzinfo=None)
    try:
        if len(text) <= 5:
            found = datetime.combine(now.date(), datetime.strptime(text, "%H:%M").time())
            found += timedelta(days=1) if found <= now else timedelta(0)
        else:
            found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a time; write 18:00 or 2026-11-24T18:00") from None
    if found.tzinfo is not None:
        return round(found.timestamp())
    first, second = (found.replace(tzinfo=place, fold=fold) for fold in (0, 1))
    if first.utcoffset() != second.utcoffset():
        raise ValueError(f"the clock change makes {text} unclear; add an offset: {text}-08:00")
    return round(first.timestamp())


def hours(epoch_s: float) -> str:
    """A moment as people read it, in this machine's time zone."""
    return datetime.fromtimestamp(epoch_s).strftime("%d %b %H:%M:%S")
