"""What a site takes on in a day and a month, and the hours in which it takes nothing.

These bind events of the grid operator, revisions too. `longest_event` and the main breaker bind
everybody (domain.md, One event).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .localtime import day_of, month_of, within_hours
from .memory import Memory, Past
from .spec import Limits, Spec

KEPT = 200
HOUR_MS = 3_600_000
Refusal = tuple[str, str]


def beyond_limits(spec: Spec, memory: Memory, asked: Past) -> Refusal | None:
    """Why the grid operator may not have this event; None where it may."""
    limits, zone = spec.limits, spec.site.timezone
    if asked.source != "operator":
        return None
    for hours in limits.blackout:
        if within_hours(asked.start_ms, asked.end_ms, hours, zone):
            return "blackout", f"no event may run from {_clock(hours[0])} to {_clock(hours[1])}"
    if limits.events_per_day is None and limits.hours_per_month is None and not limits.min_gap:
        return None  # nothing is counted over the events before
    known = memory.past.values()
    others = [past for past in known if past.id != asked.id and past.source == "operator"]
    why = (
        _day_is_full(limits, others, asked, zone)
        or _month_is_full(limits, others, asked, zone)
        or _too_near(limits, others, asked)
    )
    return ("limit", why) if why else None


def remembered(memory: Memory, asked: Past) -> dict[str, Past]:
    """What was taken on, with this event under its newest terms; of too many the one that ended
    first is forgotten.
    """
    past = {**memory.past, asked.id: asked}
    if len(past) > KEPT:
        del past[min(memory.past, key=lambda id: (past[id].end_ms, id))]
    return past


def ended_early(memory: Memory, id: str, now_ms: int) -> Mapping[str, Past]:
    """An event that ends before its time counts only what it ran; one that never began, nothing."""
    past = memory.past.get(id)
    if past is None:
        return memory.past
    if past.start_ms >= now_ms:
        return {other: memory.past[other] for other in memory.past if other != id}
    return {**memory.past, id: past._replace(end_ms=min(past.end_ms, now_ms))}


def _day_is_full(limits: Limits, others: Sequence[Past], asked: Past, zone: str | None) -> str:
    most = limits.events_per_day
    if most is None:
        return ""
    day = day_of(asked.start_ms, zone)
    today = sum(day_of(past.start_ms, zone) == day for past in others)
    return f"{today} events on that day are all this site takes" if today >= most else ""


def _month_is_full(limits: Limits, others: Sequence[Past], asked: Past, zone: str | None) -> str:
    most = limits.hours_per_month
    if most is None:
        return ""
    month = month_of(asked.start_ms, zone)
    there = [past for past in others if month_of(past.start_ms, zone) == month]
    left_ms = most * HOUR_MS - sum(past.end_ms - past.start_ms for past in there)
    if asked.end_ms - asked.start_ms <= left_ms:
        return ""
    return f"{max(0, left_ms) // 60_000} min are left of this month's {most} h"


def _too_near(limits: Limits, others: Sequence[Past], asked: Past) -> str:
    """Some event does not overlap this one and leaves too little rest beside it."""
    gap_ms = limits.min_gap
    for past in others:
        apart_ms = max(asked.start_ms - past.end_ms, past.start_ms - asked.end_ms)
        if 0 <= apart_ms < gap_ms:
            return f"less than {gap_ms // 60_000} min from {past.id}"
    return ""


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
