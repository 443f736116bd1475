"""Load that people switch off themselves during an event.

While it lasts, the other circuits shed less. It does not count as shed: it must not be paid for,
and must not be curtailed again.
"""

from __future__ import annotations

from typing import Any

from ..kit.frozen import changed
from ..state.circuit import CircuitState
from ..state.memory import Memory
from ..state.turn import Turn
from .requirement import active_events


def switch_circuit(turn: Turn, id: str, enabled: bool, by: str, **marks: Any) -> None:
    """Switch a circuit on request, and remember the load it saves in which events."""
    live = turn.memory.circuits[id]
    moved = _joined(turn, live) if enabled else _saved(turn, live)
    saved = moved if enabled != live.enabled else {}
    news = {"enabled": enabled, "switched_by": by, "switched_ms": turn.now_ms}
    turn.remember_circuit(id, **news, **saved, **marks)


def forget_saving(live: CircuitState, memory: Memory) -> CircuitState:
    """A circuit without savings of past events, or without any once it draws again."""
    if not live.by_person_in and not live.joined:
        return live
    joined = tuple(id for id in live.joined if id in memory.events)
    counts = live.off and any(id in memory.events for id in live.by_person_in)
    saved = {} if counts else {"by_person_w": 0, "by_person_in": ()}
    return changed(live, joined=joined, **saved)


def _saved(turn: Turn, live: CircuitState) -> dict[str, Any]:
    """The saving: what it would have drawn, for every shedding event except those it joined."""
    ids = {event.id for event in active_events(turn.spec, turn.memory, turn.now_ms)} - {
        *live.joined
    }
    if not ids or live.drawn_w is None or live.by_person_w:
        return {}
    return {"by_person_w": live.free_w, "by_person_in": tuple(sorted(ids))}


def _joined(turn: Turn, live: CircuitState) -> dict[str, Any]:
    """The shedding events during which it was off: switching it off again saves them nothing."""
    ids = {event.id for event in active_events(turn.spec, turn.memory, turn.now_ms)}
    return {"joined": tuple(sorted({*live.joined} | ids - {*live.by_person_in}))}
