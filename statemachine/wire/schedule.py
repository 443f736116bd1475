"""The live events as reported to backends: running ones, and those that start later."""

from __future__ import annotations

import heapq
from typing import Any

from ..curtail.requirement import active_events
from ..kit.strict_json import compact
from ..site.spec import Spec
from ..state.memory import Event, Memory

MOST = 200  # events in one answer, so that a broker can carry it
MOST_AHEAD = 5  # events in the shadow, which has little room
AHEAD_BYTES = 1_300  # their size there, at most
_KEYS_BYTES = len('"scheduled_events":[],"scheduled_more":99999,')


def events_in_order(spec: Spec, memory: Memory, now_ms: int) -> list[Event]:
    """Shedding events, the binding one first, then the others by their start."""
    shedding = active_events(spec, memory, now_ms)
    sheds = {event.id for event in shedding}
    others = [event for id, event in memory.events.items() if id not in sheds]
    return [*shedding, *sorted(others, key=_by_start)]


def events_answer(spec: Spec, memory: Memory, now_ms: int) -> dict[str, Any]:
    """The answer to `get` with `what: events`; `more` counts the omitted ones."""
    all_events = events_in_order(spec, memory, now_ms)
    more = len(all_events) - MOST
    events = [_terms(event) | _standing(event) for event in all_events[:MOST]]
    return {"events": events, **({"more": more} if more > 0 else {})}


def next_events(memory: Memory, now_ms: int) -> tuple[list[Event], int]:
    """The next events to start, at most `MOST_AHEAD`, and how many there are in all."""
    later = [event for event in memory.events.values() if event.start_ms > now_ms]
    return heapq.nsmallest(MOST_AHEAD, later, key=_by_start), len(later)


def next_events_within(room: int, memory: Memory, now_ms: int) -> dict[str, Any]:
    """The shadow keys for events ahead, in at most `room` bytes; a null removes a key."""
    events, number = next_events(memory, now_ms)
    entries: list[dict[str, Any]] = []
    room = min(room, AHEAD_BYTES) - _KEYS_BYTES
    for terms in map(_terms, events):
        room -= len(compact(terms)) + 1
        if room < 0:
            break
        entries.append(terms)
    return {"scheduled_events": entries or None, "scheduled_more": (number - len(entries)) or None}


def _terms(event: Event) -> dict[str, Any]:
    return {
        "event_id": event.id,
        "requested_shed_kw": event.shed_w / 1000,
        "start_ts": event.start_ms // 1000,
        "end_ts": event.end_ms // 1000,
    }


def _standing(event: Event) -> dict[str, Any]:
    return {"revision": event.revision, "source": event.source, "state": event.state}


def _by_start(event: Event) -> tuple[int, str]:
    return event.start_ms, event.id
