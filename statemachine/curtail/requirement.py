"""What all live events together require now, and which of them is binding.

Events overlap by maximum, not by sum: each is measured against the same baseline, so a drop of
2 kW serves an event of 2 kW and one of 1 kW. `curtail: {overlap: sum}` is for programmes that add
them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from ..kit.last_answer import cache_last
from ..site.spec import Spec
from ..state.memory import Event, Memory
from ..state.triggers import DrEvent
from .dwell import saved_by_person_w


def event_required_w(spec: Spec, event: Event, now_ms: int) -> int:
    """What one event requires now, in watts; 0 after its end, whatever its state."""
    if now_ms >= event.end_ms or event.state not in spec.event.states:
        return 0
    share = spec.event.states[event.state].sheds or 0
    return event.shed_w * share // 100


def event_start_ms(ven_id: str, event: Event | None, command: DrEvent) -> int:
    """When an event with the terms `command` starts; a revision without a start keeps the old one.

    `event` is the live event; None if there is none.
    """
    if event is not None and event.revision < command.revision and command.start_ms is None:
        return event.start_ms
    return command.begins_ms + random_offset_ms(ven_id, command.event_id, command.randomize_ms)


def random_offset_ms(ven_id: str, event_id: str, within_ms: int) -> int:
    """A random delay from 0 to `within_ms`, derived from the arguments only.

    It is the same after a restart or a second delivery, and differs between sites and events.
    """
    if not within_ms:
        return 0
    dice = hashlib.sha256(f"{ven_id}:{event_id}".encode()).digest()
    return int.from_bytes(dice[:8], "big") * (within_ms + 1) >> 64


def active_events(spec: Spec, memory: Memory, now_ms: int) -> Sequence[Event]:
    """The events that shed now, the binding one first: the largest, of equals the last to end."""
    return _active(spec, memory.events, now_ms)


def required_w(spec: Spec, memory: Memory, now_ms: int) -> int:
    """What the site must shed now, in watts."""
    events = active_events(spec, memory, now_ms)
    counting = events if spec.curtail.overlap == "sum" else events[:1]  # the first is the largest
    return combined_w(spec, (event_required_w(spec, event, now_ms) for event in counting))


def needed_w(spec: Spec, memory: Memory, now_ms: int) -> int:
    """What circuits must shed, in watts: what is required less what people switched off meanwhile.

    If events add up, a saving counts once, and not for events that started after it.
    """
    if not any(live.by_person_in for live in memory.circuits.values()):
        return required_w(spec, memory, now_ms)
    live = sorted(memory.events.values(), key=lambda event: -event.start_ms)
    each_w = {event.id: event_required_w(spec, event, now_ms) for event in live}
    if spec.curtail.overlap == "sum":
        sets = [tuple(each_w)[: index + 1] for index in range(len(each_w))]
    else:
        sets = [(id,) for id in each_w]
    lefts_w = [sum(each_w[id] for id in ids) - saved_w(spec, memory, ids) for ids in sets]
    return max([0, *lefts_w])


def taken_by_people_w(spec: Spec, memory: Memory, now_ms: int) -> int:
    """What people switched off during the events that shed now, in watts."""
    return saved_w(spec, memory, [event.id for event in active_events(spec, memory, now_ms)])


def saved_w(spec: Spec, memory: Memory, ids: Iterable[str]) -> int:
    """What people switched off during any of these events and is still off, in watts."""
    wanted, lives = set(ids), memory.circuits.items()
    saving = [
        id for id, live in lives if live.by_person_in and wanted.intersection(live.by_person_in)
    ]
    return sum(
        saved_by_person_w(spec.circuits[id], memory.circuits[id], memory.mono_ms) for id in saving
    )


def combined_w(spec: Spec, asked_w: Iterable[int]) -> int:
    """What several events at the same time require together, in watts."""
    return sum(asked_w) if spec.curtail.overlap == "sum" else max(asked_w, default=0)


def next_end_ms(spec: Spec, memory: Memory) -> int | None:
    """The next end of a shedding event, even if its chart stays in that state; None: none sheds."""
    ends = (event.end_ms for event in active_events(spec, memory, memory.at_ms))
    return min(ends, default=None)


def opted_out_circuits(spec: Spec, memory: Memory) -> set[str]:
    """The circuits that an occupant opted out of an event that sheds now."""
    return {id for event in active_events(spec, memory, memory.at_ms) for id in event.opted_out}


@cache_last
def _active(spec: Spec, events: Mapping[str, Event], now_ms: int) -> Sequence[Event]:
    live = [event for event in events.values() if event.state in spec.event.shedding]
    asks = [(-event_required_w(spec, event, now_ms), -event.end_ms, event.id) for event in live]
    return tuple(events[id] for asked_w, _, id in sorted(asks) if asked_w)
