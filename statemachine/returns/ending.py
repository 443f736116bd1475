"""Ending an event early: which events, what is reported, and who must confirm it.

At the site an event of the grid operator is only ended, changed or opted out of with a
confirmation. A command of the operator over MQTT needs none.
"""

from __future__ import annotations

from ..curtail.requirement import event_required_w
from ..kit.localtime import local_time
from ..site.spec import Spec
from ..state.memory import Event, Memory
from ..state.triggers import HERE, OPERATOR, Cancel, Command, DrEvent, OptOut, Restore
from ..state.turn import Turn
from .upcoming import next_state, upcoming_reports

SHUT_MS = 10 * 60_000


def begun_events(spec: Spec, memory: Memory, now_ms: int) -> list[str]:
    """The events that shed or whose start has passed, also after the clock is set back."""
    return [
        event.id
        for event in memory.events.values()
        if now_ms >= event.start_ms or event_required_w(spec, event, now_ms)
    ]


def closed_to_events(memory: Memory, source: str) -> bool:
    """Whether all load was requested back a while ago: only people at the site can start events."""
    return source not in HERE and memory.at_ms < memory.shut_ms


def closed_reason(spec: Spec, memory: Memory) -> str:
    """Until when no new event is accepted, in words."""
    until = local_time(memory.shut_ms, spec.site.timezone)
    return (
        f"all load was requested back; until {until:%H:%M:%S} only people at the site start events"
    )


def ended_by(event: Event) -> dict[str, str]:
    """Who at the site ended it early, and why, as keys of its messages; {} if nobody did."""
    if event.ended_by in ("", OPERATOR):
        return {}
    return {
        "ended_by": event.ended_by,
        **({"ended_because": event.ended_why} if event.ended_why else {}),
    }


def missing_confirmation(turn: Turn, command: Command) -> str:
    """Why a command needs a confirmation that it does not have; "" if it needs none.

    If memory was lost and nobody knows whose event it is, load comes back without a question.
    """
    if command.confirmed or command.blind or command.source == OPERATOR:
        return ""
    theirs = [event for event in _touched(turn, command) if event.source == OPERATOR]
    if not theirs:
        return ""
    word = _ending_word(command)
    each = "; ".join(_described(turn, event, word) for event in theirs)
    return f"{each}. To go on, confirm it with `confirm_operator: true` or --confirm"


def _touched(turn: Turn, command: Command) -> list[Event]:
    """The live events that a command would end, change or opt out of."""
    memory = turn.memory
    match command:
        case Restore(event_id=None, shuts=True):
            ids, word = list(memory.events), ""
        case Restore(event_id=None):
            ids, word = begun_events(turn.spec, memory, turn.now_ms), "restore"
        case Restore(event_id=str(id)):
            ids, word = [id], "restore"
        case Cancel(event_id=id):
            ids, word = [id], "cancel"
        case OptOut(event_id=id, out=True) | DrEvent(event_id=id):
            ids, word = [id], ""
        case _:
            return []
    events = [memory.events[id] for id in ids if id in memory.events]
    return [event for event in events if not word or next_state(turn.spec, memory, event, word)]


def _described(turn: Turn, event: Event, word: str) -> str:
    spec = turn.spec
    start, end = (local_time(ms, spec.site.timezone) for ms in (event.start_ms, event.end_ms))
    reports = " and ".join(upcoming_reports(spec, turn.memory, event, word)) if word else ""
    sentence = f"the grid operator requested {event.id}: {event.shed_w / 1000:g} kW"
    sentence += f" from {start:%Y-%m-%d %H:%M} to {end:%H:%M %Z}"
    return f"{sentence}; ending it reports {reports} to the operator" if reports else sentence


def _ending_word(command: Command) -> str:
    """The trigger with which a command ends an event; "" if it ends none."""
    match command:
        case Cancel():
            return "cancel"
        case Restore() | OptOut(circuit=None):
            return "restore"
    return ""
