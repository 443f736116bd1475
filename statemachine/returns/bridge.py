"""Which circuits stay shed for an event that is about to start: those that its plan will shed.

This is not stored, but derived from the live events at each decision: once an event is cancelled,
postponed, reduced or opted out of, nothing stays shed for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..curtail.capacity import loads
from ..curtail.plan import plan_cuts
from ..curtail.requirement import needed_w
from ..site.spec import Spec
from ..state.memory import Event, Memory
from .upcoming import memory_at, next_state


def bridged_circuits(spec: Spec, memory: Memory) -> dict[str, int]:
    """Circuits that an event starting within `restore.bridge` will shed, with its start in UTC ms.

    The plan is the one to be made at each of these starts, over all events that run then, in the
    states that the chart gives them at the start: an event that starts without shedding keeps
    nothing shed, and later states do not count. A circuit that sheds only a share stays as it is.
    """
    kept: dict[str, int] = {}
    if spec.observes:
        return kept
    cuts: Mapping[str, int] = memory.cuts
    for start_ms in sorted({event.start_ms for event in _soon(spec, memory)}):
        then = _at(spec, memory, start_ms)
        target_w = needed_w(spec, then, start_ms)
        cuts = plan_cuts(loads(spec, then), target_w, cuts, spec.curtail.policy)
        kept = {**dict.fromkeys(cuts, start_ms), **kept}
    return kept


def _soon(spec: Spec, memory: Memory) -> Iterator[Event]:
    last_ms, states = memory.at_ms + spec.restore.bridge, spec.event.states
    for event in memory.events.values():
        waits = event.state in states and states[event.state].until == "start"
        if waits and memory.at_ms < event.start_ms <= last_ms:
            yield event


def _at(spec: Spec, memory: Memory, at_ms: int) -> Memory:
    """The site at a future moment, with circuits as they are now and started events."""
    then = memory_at(memory, at_ms)
    for event in _soon(spec, memory):
        if event.start_ms <= at_ms:
            then = then.event(
                event.id, state=next_state(spec, then, event, "started") or event.state
            )
    return then
