"""The delivery of an event at this moment, by present readings."""

from __future__ import annotations

from ..site.spec import Spec
from ..state.measures import planned_w
from ..state.memory import Event, Memory
from .delivery_tracking import meets_need
from .requirement import event_required_w, saved_w

FRESH_MS = 15_000  # older readings do not tell about now


def on_target(spec: Spec, memory: Memory, event: Event, now_ms: int) -> bool | None:
    """Whether 95 % of what the event requires now is measured, or was switched off by people.

    None: it requires nothing, the site only observes, or the meter of a shed circuit is silent.
    """
    needed_w = event_required_w(spec, event, now_ms)
    if not needed_w or spec.observes or not readings_are_fresh(spec, memory, now_ms):
        return None
    return meets_need(spec, memory, event, needed_w)


def deliverable_w(spec: Spec, memory: Memory, event: Event, now_ms: int) -> int:
    """What plan and people provide of what the event requires now, in watts."""
    had_w = planned_w(memory) + saved_w(spec, memory, [event.id])
    return min(event_required_w(spec, event, now_ms), had_w)


def readings_are_fresh(spec: Spec, memory: Memory, now_ms: int) -> bool:
    """Whether the site was just read, and every metered shed circuit within `stale_after`."""
    if memory.read_ms is None or now_ms - memory.read_ms > FRESH_MS:
        return False
    metered = [id for id in memory.cuts if spec.circuits[id].metered]
    return all(_silent(spec, memory, id, now_ms) is None for id in metered)


def circuit_fault(spec: Spec, memory: Memory, id: str, now_ms: int) -> str | None:
    """The fault of a circuit: of its driver, or a silent meter; None: no fault."""
    fault, metered = memory.circuits[id].trouble, spec.circuits[id].metered
    if fault is not None or not metered or memory.read_ms is None:
        return fault
    return _silent(spec, memory, id, now_ms)


def _silent(spec: Spec, memory: Memory, id: str, now_ms: int) -> str | None:
    read_ms = memory.circuits[id].read_ms
    if read_ms is None:
        return "no reading yet"
    age_ms = now_ms - read_ms
    return f"no reading for {age_ms // 1000} s" if age_ms >= spec.circuits[id].stale_after else None
