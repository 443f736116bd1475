"""What drivers answer to holds, and what is told of a circuit that does not do what it is told.

A hold is believed when its driver confirms it. Until then, and while a fault is known, nothing is
learned from what the circuit draws, and no event is said to be over that has not given it back.
"""

from __future__ import annotations

from ..kit.frozen import changed
from ..state.circuit import CircuitState
from ..state.effects import Status
from ..state.pending_release import StuckCircuit
from ..state.triggers import NO_ANSWER, Held, Switched
from ..state.turn import Turn
from ..wire.messages import circuit_status
from .alarms import alarm_messages


def apply_held(turn: Turn, answer: Held) -> None:
    """A driver answered to a hold. What it says of an older one means nothing any more."""
    if answer.watts is None:
        _hear_released(turn, answer)
    live = turn.memory.circuits.get(answer.circuit)
    if live is None or live.held_w != answer.watts:
        return
    if answer.fault is not None:
        _mark(turn, answer.circuit, live, answer.fault)
        return
    deaf_w = live.deaf_w if live.hold_fault is None else None  # it answers, and counts again
    well = {
        "obeyed_w": answer.watts,
        "asked_mono_ms": None,
        "hold_fault": None,
        "hold_fault_mono_ms": None,
    }
    turn.remember_circuit(answer.circuit, **well, deaf_w=deaf_w)


def _hear_released(turn: Turn, answer: Held) -> None:
    """Of a circuit that is gone from the file, what keeps it is all that is known."""
    id, memory = answer.circuit, turn.memory
    if answer.fault is None:
        leaving = {other: at for other, at in memory.leaving.items() if other != id}
        stuck = {other: why for other, why in memory.stuck.items() if other != id}
        turn.remember(leaving=leaving, stuck=stuck)
    elif id in memory.leaving and id not in memory.circuits:
        since_ms = memory.stuck[id].since_ms if id in memory.stuck else turn.now_ms
        turn.remember(stuck={**memory.stuck, id: StuckCircuit(answer.fault, since_ms)})


def apply_switched(turn: Turn, answer: Switched) -> None:
    """A driver answered to a switch."""
    live = turn.memory.circuits.get(answer.circuit)
    if live is None or live.enabled != answer.enabled:
        return
    since_ms = turn.memory.mono_ms if live.fault is None else live.fault_mono_ms
    since_ms = None if answer.fault is None else since_ms
    turn.remember_circuit(answer.circuit, fault=answer.fault, fault_mono_ms=since_ms)


def note_missing_answers(turn: Turn) -> None:
    """A hold that nobody answered at all is a fault too."""
    for id, live in turn.memory.circuits.items():
        if live.hold_fault is None and not live.sure and not live.awaits_ms(turn.memory.mono_ms):
            _mark(turn, id, live, NO_ANSWER)


def report_faults(turn: Turn) -> None:
    """A message for each circuit that came into trouble or out of it, and for each alarm."""
    before = turn.before
    for id, live in turn.memory.circuits.items():
        was = before.circuits.get(id)
        if (was is None or was.well) != live.well:
            body = circuit_status(id, live.trouble, live.held_w, live.enabled, turn.now_ms)
            turn.do(Status(body))
    for id in {**before.stuck, **turn.memory.stuck}:
        was_stuck, stuck = before.stuck.get(id), turn.memory.stuck.get(id)
        if (was_stuck is None) != (stuck is None):
            fault = None if stuck is None else stuck.fault
            turn.do(Status(circuit_status(id, fault, None, None, turn.now_ms)))
    for alarm in alarm_messages(turn):
        turn.do(Status(alarm))


def _mark(turn: Turn, id: str, live: CircuitState, fault: str) -> None:
    known = live.hold_fault is not None
    since_ms = live.hold_fault_mono_ms if known else turn.memory.mono_ms
    news = changed(live, hold_fault=fault, hold_fault_mono_ms=since_ms)
    turn.remember(circuits={**turn.memory.circuits, id: news})
