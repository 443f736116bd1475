"""What is answered before anything is done: what is too late, too old or too much."""

from __future__ import annotations

from ..curtail.limits import Refusal, beyond_limits, too_long, with_what_ran
from ..curtail.requirement import begins_ms
from ..kit.localtime import local
from ..returns.ending import shut, why_shut
from ..site.spec import Spec
from ..state.memory import Memory
from ..state.past import Past
from ..state.triggers import Command, DrEvent
from .backlog import too_old


def unfit(spec: Spec, memory: Memory, event: DrEvent) -> Refusal | None:
    """Why an event is not taken on: it is over, too old, too long or more than the site has."""
    service_w, span = spec.site.service, as_taken_on(spec, memory, event)
    if shut(memory, event.source):
        return "opted_out", why_shut(spec, memory)
    if event.event_id in memory.opted_out:
        return "opted_out", f"the occupant opted out of {event.event_id}"
    if event.shed_w > service_w:
        asked, most = f"{event.shed_w / 1000:g} kW", f"{service_w / 1000:g} kW"
        return "invalid", f"{asked} is more than this site can draw, {most}; is it in watts?"
    if event.ends_ms <= event.at_ms:
        ended = local(event.ends_ms, spec.site.timezone).isoformat(sep=" ", timespec="seconds")
        return "expired", f"{event.event_id} ended at {ended}"
    if event.start_ms is None and (why := stale(spec, memory, event)):
        return "expired", why
    if why := too_long(spec, span):
        return "limit", why
    return beyond_limits(spec, memory, span)


def as_taken_on(spec: Spec, memory: Memory, asked: DrEvent) -> Past:
    """The span that an event will run under these terms, and what it ran under earlier ones."""
    start_ms = begins_ms(spec.site.id, memory.events.get(asked.event_id), asked)
    span = Past(asked.event_id, asked.source, start_ms, start_ms + asked.duration_ms)
    return with_what_ran(memory, span)


def stale(spec: Spec, memory: Memory, asked: Command) -> str:
    """Why something for now is too old to be done; "" where it is not.

    Whoever gives load back is heard however late.
    """
    if asked.issued_ms is None:
        return too_old(spec, memory, asked)
    age_ms = asked.at_ms - asked.issued_ms
    if age_ms <= spec.commands.max_age:
        return ""
    most_s = spec.commands.max_age // 1000
    return (
        f"it was issued {age_ms // 1000} s ago by its sender's clock; the limit is {most_s} s; "
        "send it again, and check both clocks"
    )
