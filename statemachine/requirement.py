"""What all live events together require now, and which of them binds.

Events overlap by maximum, not by sum: each is measured against the same baseline, so one 2 kW
drop answers a 2 kW and a 1 kW call.
"""

from __future__ import annotations

from .memory import Event, Memory
from .spec import Spec
from .triggers import DrEvent


def sheds_w(spec: Spec, event: Event, now_ms: int) -> int:
    """What one event requires now, in watts; from its end on nothing, whatever its state."""
    if now_ms >= event.end_ms:
        return 0
    share = spec.event.states[event.state].sheds or 0
    return event.shed_w * share // 100


def begins_ms(event: Event, asked: DrEvent) -> int:
    """When `event` starts under the terms `asked`; a revision without a start keeps the old one."""
    kept = event.revision < asked.revision and asked.start_ms is None
    return event.start_ms if kept else asked.begins_ms


def active(spec: Spec, memory: Memory, now_ms: int) -> list[Event]:
    """The events that shed now, the one that binds first: it asks most; of equals, ends last."""
    live = [event for event in memory.events.values() if sheds_w(spec, event, now_ms)]
    return sorted(live, key=lambda event: (-sheds_w(spec, event, now_ms), -event.end_ms, event.id))


def required_w(spec: Spec, memory: Memory, now_ms: int) -> int:
    """What the site must shed now, in watts."""
    return max((sheds_w(spec, e, now_ms) for e in memory.events.values()), default=0)
