"""What is answered before any chart is asked: copies, stale terms, what is too late or too much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .memory import Memory
from .spec import Spec
from .triggers import Command, DrEvent

Refusal = tuple[str, str]


def copy_of(command: Command, memory: Memory) -> Mapping[str, Any] | Refusal | None:
    """The first ack, if this is a copy; a refusal, if it clashes; None, if it is new."""
    earlier = command.earlier
    if earlier is None:
        return None
    if not isinstance(command, DrEvent):
        return {**earlier.ack, "status": "duplicate"}
    id = command.event_id
    if command.revision < earlier.revision:
        return "stale_revision", f"revision {earlier.revision} of {id} is already known"
    if command.revision == earlier.revision and command.digest != earlier.digest:
        return "conflict", f"{id} was called before with other terms; raise its `revision`"
    if command.revision == earlier.revision:
        return {**earlier.ack, "status": "duplicate"}
    if id not in memory.events:
        return "conflict", f"{id} is over; call a new event"
    return None


def unfit(spec: Spec, event: DrEvent) -> Refusal | None:
    """Why an event is not taken on: it is over, too old, too long or more than the site has."""
    service_w, longest_ms = spec.site.service, spec.limits.longest_event
    if event.shed_w > service_w:
        asked, most = f"{event.shed_w / 1000:g} kW", f"{service_w / 1000:g} kW"
        return "invalid", f"{asked} is more than this site's {most}; watts?"
    if event.ends_ms <= event.at_ms:
        return "expired", f"{event.event_id} ended at {event.ends_ms // 1000}"
    age_ms = event.at_ms - event.issued_ms if event.issued_ms is not None else 0
    if event.start_ms is None and age_ms > spec.commands.max_age:
        return "expired", f"issued {age_ms // 1000} s ago; this site takes at most " + (
            f"{spec.commands.max_age // 1000} s; call it again"
        )
    if event.duration_ms > longest_ms:
        return (
            "limit",
            f"{event.duration_ms // 1000} s is longer than this site's longest event, "
            + (f"{longest_ms // 1000} s"),
        )
    return None
