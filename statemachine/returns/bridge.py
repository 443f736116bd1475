"""Which circuits an event that is about to start keeps down: those that its plan will take anyway.

Never remembered, but derived from the events that live at each decision: one that is cancelled,
postponed, made smaller or opted out of keeps nothing down from that decision on.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..curtail.capacity import loads
from ..curtail.plan import plan_shed
from ..curtail.requirement import needed_w
from ..site.spec import Spec
from ..state.memory import Event, Memory
from .upcoming import later, led


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
    then = later(memory, at_ms)
    for event in _soon(spec, memory):
        if event.start_ms <= at_ms:
            then = then.event(event.id, state=led(spec, then, event, "started") or event.state)
    return then
