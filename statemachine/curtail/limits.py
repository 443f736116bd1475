"""Limits for events: a day, a month, the gap between two, and hours without events.

They apply to events of the grid operator and their revisions. `longest_event` and the main breaker
apply to everybody (domain.md, One event).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..kit.localtime import day_of, month_of, within_hours
from ..site.spec import Limits, Spec
from ..state.memory import Memory
from ..state.past import PastEvent, Span
from ..state.reasons import Refusal

KEPT = 200
MOST_SPANS = 20  # of one event that is moved again and again; beyond that a pause counts too
HOUR_MS = 3_600_000
DAY_S = 86_400


def limit_refusal(spec: Spec, memory: Memory, candidate: PastEvent) -> Refusal | None:
    """Why this event of the grid operator is refused, as reason and text; None: it is not."""
    limits, zone = spec.limits, spec.site.timezone
    if candidate.source != "operator":
        return None
    for hours in limits.blackout:
        if within_hours(candidate.start_ms, candidate.end_ms, hours, zone):
            return (
                "blackout",
                f"this site takes no events from {_clock(hours[0])} to {_clock(hours[1])}",
            )
    if limits.events_per_day is None and limits.hours_per_month is None and not limits.min_gap:
        return None  # nothing depends on other events
    live = candidate.id in memory.events  # else an earlier event has this id
    own = candidate.id if live else None
    others = [x for key, x in memory.past.items() if key != own and x.source == "operator"]
    why = (
        _day_is_full(limits, others, candidate, zone)
        or _month_is_full(limits, others, candidate, zone)
        or _too_near(limits, others, candidate)
    )
    return ("limit", why) if why else None


def too_long_reason(spec: Spec, candidate: PastEvent) -> str:
    """Why an event is too long, including the time it ran already; "" if it is not."""
    longest_s = spec.limits.longest_event // 1000
    if candidate.length_ms <= spec.limits.longest_event:
        return ""
    new_s = (candidate.end_ms - candidate.start_ms) // 1000
    ran_s = candidate.length_ms // 1000 - new_s
    before = f"has run {ran_s} s and " if candidate.ran_ms else ""
    length = f"{before}lasts {new_s} s{' more' if before else ''}"
    hint = "; is it in milliseconds?" if new_s > DAY_S else ""
    return f"the event {length}; this site takes at most {longest_s} s{hint}"


def with_earlier_runs(memory: Memory, candidate: PastEvent) -> PastEvent:
    """An event with new terms, plus the time it ran with earlier ones, which still counts."""
    event, earlier = memory.events.get(candidate.id), memory.past.get(candidate.id)
    if event is None or earlier is None:
        return candidate
    spans = list(earlier.ran_ms)
    if event.start_ms < memory.at_ms:
        spans.append((event.start_ms, min(memory.at_ms, event.end_ms)))
    outside = [part for span in spans for part in _outside(span, candidate)]
    return candidate._replace(ran_ms=_joined(sorted(outside)))


def remember_event(memory: Memory, past_event: PastEvent, anew: bool) -> dict[str, PastEvent]:
    """All accepted events with this one under its newest terms; of too many, the one that ended
    first is dropped. `anew`: an earlier event with this id is another one.
    """
    past = {**memory.past, past_event.id: past_event}
    if anew and (other := memory.past.get(past_event.id)) is not None:
        name = f"{other.id}@{other.start_ms // 1000}"
        past[name] = other._replace(id=name)
    if len(past) > KEPT:
        del past[min(memory.past, key=lambda id: (past[id].end_ms, id))]
    return past


def shorten_to_run(memory: Memory, id: str, now_ms: int) -> Mapping[str, PastEvent]:
    """Count an event that ends early only for the time it ran; for nothing if it never ran."""
    past = memory.past.get(id)
    if past is None:
        return memory.past
    if past.start_ms >= now_ms and past.ran_ms:
        *ran, (start_ms, end_ms) = past.ran_ms
        kept = past._replace(start_ms=start_ms, end_ms=end_ms, ran_ms=tuple(ran))
        return {**memory.past, id: kept}
    if past.start_ms >= now_ms:
        return {other: memory.past[other] for other in memory.past if other != id}
    return {**memory.past, id: past._replace(end_ms=min(past.end_ms, now_ms))}


def _day_is_full(
    limits: Limits, others: Sequence[PastEvent], candidate: PastEvent, zone: str | None
) -> str:
    most = limits.events_per_day
    if most is None:
        return ""
    day = day_of(candidate.start_ms, zone)
    today = sum(any(day_of(start_ms, zone) == day for start_ms, _ in x.spans) for x in others)
    if today < most:
        return ""
    return f"this site takes at most {most} events a day, and has {today} on that day"


def _month_is_full(
    limits: Limits, others: Sequence[PastEvent], candidate: PastEvent, zone: str | None
) -> str:
    most = limits.hours_per_month
    if most is None:
        return ""
    month = month_of(candidate.start_ms, zone)

    def there_ms(events: Iterable[PastEvent]) -> int:
        spans = [span for past in events for span in past.spans]
        return sum(end - start for start, end in spans if month_of(start, zone) == month)

    left_ms = most * HOUR_MS - there_ms(others)
    if there_ms([candidate]) <= left_ms:
        return ""
    left_min = max(0, left_ms) // 60_000
    return f"this site takes at most {most} h of events a month, of which {left_min} min are left"


def _too_near(limits: Limits, others: Sequence[PastEvent], candidate: PastEvent) -> str:
    """Why an event is too near to another one that it does not overlap; "" if it is not."""
    gap_ms = limits.min_gap
    for past in others:
        for start_ms, end_ms in past.spans:
            apart_ms = max(candidate.start_ms - end_ms, start_ms - candidate.end_ms)
            if 0 <= apart_ms < gap_ms:
                return f"this site needs {gap_ms // 60_000} min between events; {past.id} is nearer"
    return ""


def _outside(span: Span, candidate: PastEvent) -> Iterator[Span]:
    """The parts of a span that the newest terms do not cover."""
    start_ms, end_ms = span
    if start_ms < candidate.start_ms:
        yield start_ms, min(end_ms, candidate.start_ms)
    if end_ms > candidate.end_ms:
        yield max(start_ms, candidate.end_ms), end_ms


def _joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Spans by start, with touching ones merged; beyond `MOST_SPANS` the last are merged too."""
    joined: list[Span] = []
    for start_ms, end_ms in spans:
        if joined and (start_ms <= joined[-1][1] or len(joined) == MOST_SPANS):
            joined[-1] = (joined[-1][0], max(joined[-1][1], end_ms))
        else:
            joined.append((start_ms, end_ms))
    return tuple(joined)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
