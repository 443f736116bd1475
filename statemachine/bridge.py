"""Which circuits an event that is about to start keeps down: those that its plan will take anyway.

Never remembered, but derived from the events that live at each decision: one that is cancelled,
postponed, made smaller or opted out of keeps nothing down from that decision on.
"""

from __future__ import annotations

from collections.abc import Iterator

from .capacity import loads
from .charts import Row
from .curtail import plan_shed
from .frozen import changed
from .memory import Event, Memory
from .registry import GUARDS
from .requirement import needed_w
from .spec import Spec
from .triggers import Timer
from .turn import Turn


def kept_down(spec: Spec, memory: Memory) -> dict[str, int]:
    """Circuits that will give for an event that starts within `restore.bridge`, and from when on.

    In UTC milliseconds. The plan is the one to be made at each of these starts, over all that
    will run then: in the state that the chart leads an event to at its start, so that one which
    begins by shedding nothing keeps nothing down. What a later state will shed is left to it. A
    circuit that gives but a share stays as it is: it is worth no step of its own.
    """
    kept: dict[str, int] = {}
    if spec.observes:
        return kept
    cuts = memory.cuts
    for start_ms in sorted({event.start_ms for event in _soon(spec, memory)}):
        then = _at(spec, memory, start_ms)
        target_w = needed_w(spec, then, start_ms)
        cuts = plan_shed(loads(spec, then), target_w, cuts, spec.curtail.policy).cuts
        kept = {**dict.fromkeys(cuts, start_ms), **kept}
    return kept


def _soon(spec: Spec, memory: Memory) -> Iterator[Event]:
    last_ms, states = memory.at_ms + spec.restore.bridge, spec.event.states
    for event in memory.events.values():
        waits = event.state in states and states[event.state].until == "start"
        if waits and memory.at_ms < event.start_ms <= last_ms:
            yield event


def _at(spec: Spec, memory: Memory, at_ms: int) -> Memory:
    """The site at a moment to come, with circuits as they are and read: who starts has started."""
    ahead_ms = at_ms - memory.at_ms
    circuits = {
        id: changed(live, read_mono_ms=live.read_mono_ms + ahead_ms)
        for id, live in memory.circuits.items()
        if live.read_mono_ms is not None
    }
    then = changed(
        memory,
        at_ms=at_ms,
        mono_ms=memory.mono_ms + ahead_ms,
        circuits={**memory.circuits, **circuits},
    )
    for event in _soon(spec, memory):
        if event.start_ms <= at_ms:
            then = then.event(event.id, state=_begun(spec, then, event))
    return then


def _begun(spec: Spec, then: Memory, event: Event) -> str:
    """The state that its start leads an event to, with the chart's guards asked at that moment."""
    look = Timer(at_ms=then.at_ms, mono_ms=then.mono_ms)
    turn = Turn(spec, then, look, "started", event.id)
    for row in spec.event.transitions:
        taken = row.trigger == "started" and event.state in spec.event.sources(row)
        if taken and _fits(row, turn):
            return event.state if row.to in (None, "same") else str(row.to)
    return event.state


def _fits(row: Row, turn: Turn) -> bool:
    yes = all(GUARDS[name](turn) for name in row.if_)
    return yes and not any(GUARDS[name](turn) for name in row.unless)
