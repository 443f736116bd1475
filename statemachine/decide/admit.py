"""What is answered before anything is done: what is too late, too old or too much."""

from __future__ import annotations

from ..curtail.limits import limit_refusal, too_long_reason, with_earlier_runs
from ..curtail.requirement import event_start_ms
from ..kit.localtime import local_time
from ..returns.ending import closed_reason, closed_to_events
from ..site.spec import Spec
from ..state.memory import Memory
from ..state.past import PastEvent
from ..state.reasons import Refusal
from ..state.triggers import Command, DrEvent
from .backlog import too_old_reason


def event_refusal(spec: Spec, memory: Memory, event: DrEvent) -> Refusal | None:
    """Why an event is not taken on: it is over, too old, too long or more than the site has."""
    service_w, span = spec.site.service, event_run(spec, memory, event)
    if closed_to_events(memory, event.source):
        return "opted_out", closed_reason(spec, memory)
    if event.event_id in memory.opted_out:
        return "opted_out", f"the occupant opted out of {event.event_id}"
    if event.shed_w > service_w:
        asked, most = f"{event.shed_w / 1000:g} kW", f"{service_w / 1000:g} kW"
        return "invalid", f"{asked} is more than this site can draw, {most}; is it in watts?"
    if event.ends_ms <= event.at_ms:
        ended = local_time(event.ends_ms, spec.site.timezone).isoformat(sep=" ", timespec="seconds")
        return "expired", f"{event.event_id} ended at {ended}"
    if event.start_ms is None and (why := stale_reason(spec, memory, event)):
        return "expired", why
    if why := too_long_reason(spec, span):
        return "limit", why
    return limit_refusal(spec, memory, span)


def event_run(spec: Spec, memory: Memory, command: DrEvent) -> PastEvent:
    """The span that an event will run under these terms, and what it ran under earlier ones."""
    start_ms = event_start_ms(spec.site.id, memory.events.get(command.event_id), command)
    span = PastEvent(command.event_id, command.source, start_ms, start_ms + command.duration_ms)
    return with_earlier_runs(memory, span)


def stale_reason(spec: Spec, memory: Memory, command: Command) -> str:
    """Why something for now is too old to be done; "" where it is not.

    Whoever gives load back is heard however late.
    """
    if command.issued_ms is None:
        return too_old_reason(spec, memory, command)
    age_ms = command.at_ms - command.issued_ms
    if age_ms <= spec.commands.max_age:
        return ""
    most_s = spec.commands.max_age // 1000
    return (
        f"it was issued {age_ms // 1000} s ago by its sender's clock; the limit is {most_s} s; "
        "send it again, and check both clocks"
    )
