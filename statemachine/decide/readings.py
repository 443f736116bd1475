"""A look at the circuits: what their meters say enters memory."""

from __future__ import annotations

from ..curtail.estimate import estimate_from_reading, estimate_without_meter
from ..kit.frozen import changed
from ..state.circuit import CircuitState
from ..state.triggers import Readings
from ..state.turn import Turn


def apply_readings(turn: Turn, readings: Readings) -> None:
    """Enter what was read, and which meters cannot be right."""
    circuits, mono_ms = dict(turn.memory.circuits), turn.memory.mono_ms
    for id, circuit in turn.spec.circuits.items():
        if not circuit.metered:
            circuits[id] = estimate_without_meter(circuit, circuits[id], mono_ms)
        elif (drawn_w := readings.drawn_w.get(id)) is not None:
            age_ms = readings.age_ms.get(id, 0)
            at_ms = turn.now_ms - age_ms
            circuits[id] = estimate_from_reading(
                circuit, circuits[id], drawn_w, mono_ms - age_ms, at_ms
            )
        elif circuits[id].taken_w and not circuits[id].giving:  # let go, and not read since
            circuits[id] = changed(circuits[id], taken_w=0)
        circuits[id] = _doubted(circuits[id], id, readings, mono_ms)
    turn.remember(circuits=circuits, read_ms=turn.now_ms)
    _enter_unmetered(turn, readings.unmetered_w)


def _enter_unmetered(turn: Turn, unmetered_w: int | None) -> None:
    """Without the main meter the last known load beside the circuits still counts in plans."""
    since_ms = turn.memory.main_lost_ms
    if unmetered_w is not None:
        turn.remember(unmetered_w=unmetered_w, main_lost_ms=None)
    elif since_ms is None:
        turn.remember(main_lost_ms=turn.now_ms)


def _doubted(live: CircuitState, id: str, readings: Readings, mono_ms: int) -> CircuitState:
    """A meter that says what cannot be has a fault until it is read again."""
    fault = readings.odd.get(id)
    if fault is None and (live.read_fault is None or id not in readings.drawn_w):
        return live
    known = fault is not None and live.read_fault is not None
    since_ms = live.read_fault_mono_ms if known else mono_ms
    return changed(live, read_fault=fault, read_fault_mono_ms=since_ms if fault else None)
