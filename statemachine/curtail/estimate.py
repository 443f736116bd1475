"""What each circuit would draw without a hold: the counterfactual that every plan is based on.

A circuit that is not held would draw what it draws now. While it is held, the estimate stays at the
reading before the hold, because planning with the power of a shed circuit makes relays chatter
(domain.md: 5,431 switchings in two hours instead of 5). The estimate falls only if the circuit
draws clearly less than its hold: then the hold sheds nothing.
"""

from __future__ import annotations

from typing import Any

from ..kit.frozen import changed
from ..site.panel import Circuit
from ..site.spec import Spec
from ..state.circuit import CircuitState
from ..state.memory import Memory, initial_memory

CLEARLY_W, CLEARLY_PERCENT = 50, 5
SETTLES_MS = 10_000  # a load that is told to draw less may fall too low at first
WAKES_MS = 120_000  # a car that is told to draw more may take this long (domain.md, `ev_pilot`)
GAP_MS = 30_000  # between readings further apart anything may have happened


def estimate_from_reading(
    circuit: Circuit, live: CircuitState, drawn_w: int, mono_ms: int, at_ms: int
) -> CircuitState:
    """A circuit after one reading, in watts, taken at `mono_ms`, which is `at_ms` in UTC."""
    marks = _runs(circuit, live, drawn_w, mono_ms)
    if live.hold_fault is not None and clearly_less(live.obeyed_w or 0, drawn_w):
        live = changed(live, obeyed_w=None)  # it follows no hold any more: its lease has expired
    free_w = _free_w(circuit, live, drawn_w, mono_ms)
    return _known(live, drawn_w, free_w, mono_ms, read_ms=at_ms, **marks)


def estimate_without_meter(circuit: Circuit, live: CircuitState, mono_ms: int) -> CircuitState:
    """A circuit without a meter: it is assumed to draw its typical power, unless held."""
    free_w = circuit.typical_w if live.enabled else 0
    held_w = live.held_w if live.hold_fault is None else None  # it may not follow its hold
    drawn_w = free_w if held_w is None else min(free_w, held_w)
    return _known(live, drawn_w, circuit.typical_w, mono_ms)


def unread_for_long(live: CircuitState, mono_ms: int) -> bool:
    """Whether a circuit was not read for so long that it may have started and stopped."""
    return live.read_mono_ms is None or mono_ms - live.read_mono_ms > GAP_MS


def typical_memory(spec: Spec) -> Memory:
    """A site as its file describes it: every circuit that is on draws its typical power."""
    first = initial_memory(spec)
    circuits = {
        id: estimate_without_meter(spec.circuits[id], live, 0)
        for id, live in first.circuits.items()
    }
    return changed(first, circuits=circuits, unmetered_w=spec.site.unmetered, read_ms=0)


def clearly_less(watts: int, than_w: int) -> bool:
    """Whether the difference is larger than meters and loads vary."""
    return than_w - watts > max(CLEARLY_W, than_w * CLEARLY_PERCENT // 100)


def _known(
    live: CircuitState, drawn_w: int, free_w: int, mono_ms: int, **marks: Any
) -> CircuitState:
    taken_w = _taken_w(live, drawn_w, free_w)
    return changed(
        live, drawn_w=drawn_w, free_w=free_w, taken_w=taken_w, read_mono_ms=mono_ms, **marks
    )


def _taken_w(live: CircuitState, drawn_w: int, free_w: int) -> int:
    """What a circuit does not draw because it is shed, in watts: what its hold takes, no more.

    If its driver fails, the last confirmed hold counts. A released circuit counts until its driver
    confirms the release or fails. One that is held only for its minimum time off sheds nothing.
    """
    if not live.enabled:
        return 0
    fails = live.hold_fault is not None
    level_w = live.obeyed_w if fails else live.held_w
    if live.giving and live.held_w is not None:
        return 0 if level_w is None else max(0, free_w - max(drawn_w, level_w))
    return 0 if live.sure or fails else min(live.taken_w, max(0, free_w - drawn_w))


def _free_w(circuit: Circuit, live: CircuitState, drawn_w: int, mono_ms: int) -> int:
    if not live.enabled:
        return live.free_w
    if live.read_mono_ms is not None and not live.sure:
        if live.held_w is None:  # released, but not confirmed: it draws at least this
            return drawn_w if _is_free(live, drawn_w) else max(live.free_w, drawn_w)
        return drawn_w if _is_free(live, drawn_w) else live.free_w
    if live.held_w is None:
        return drawn_w
    least_w = max(drawn_w, live.drawn_w or 0)  # a single low reading does not count
    lets_more = clearly_less(least_w, live.held_w) and circuit.control != "duty_cycle"
    if lets_more and mono_ms >= live.settled_mono_ms:
        return min(live.free_w, least_w)
    return live.free_w if drawn_w > live.held_w else max(live.free_w, drawn_w)


def _is_free(live: CircuitState, drawn_w: int) -> bool:
    """Whether its driver fails and holds it at nothing, and it does not draw as if held."""
    free = live.hold_fault is not None and live.obeyed_w is None
    return free and (live.held_w is None or clearly_less(live.held_w, drawn_w))


def _runs(circuit: Circuit, live: CircuitState, drawn_w: int, mono_ms: int) -> dict[str, Any]:
    """When the meter saw the load start or stop by itself; {} if that is unchanged.

    A circuit switched on since the last reading counts from then, and a released one has not
    started because it draws more. Between idle and running it has neither started nor stopped.
    """
    was_w, marks = live.drawn_w, dict[str, int | None]()
    if drawn_w < circuit.running_w:
        marks["started_mono_ms"] = None
    elif was_w is not None and was_w < circuit.running_w:
        just_on = live.on_mono_ms is not None and live.on_mono_ms >= (live.read_mono_ms or 0)
        marks["started_mono_ms"] = None if just_on or live.taken_w else mono_ms
    if drawn_w > circuit.idle_w:
        marks["stopped_mono_ms"] = None
    elif live.stopped_mono_ms is None or unread_for_long(live, mono_ms):
        marks["stopped_mono_ms"] = mono_ms
    return {name: at for name, at in marks.items() if getattr(live, name) != at}
