"""What people save by switching circuits off themselves while an event runs.

It lowers what the others must give, for as long as it lasts, and is no shed: nobody may be paid
for it, or curtailed for it once more.
"""

from __future__ import annotations

from typing import Any

from ..kit.frozen import changed
from ..state.circuit import Live
from ..state.memory import Memory
from ..state.turn import Turn
from .requirement import active


def switch(turn: Turn, id: str, enabled: bool, by: str, **marks: Any) -> None:
    """Have a circuit on or off, as somebody wishes, and remember what that saves whom."""
    live = turn.memory.circuits[id]
    moved = _joined(turn, live) if enabled else _saved(turn, live)
    saved = moved if enabled != live.enabled else {}
    news = {"enabled": enabled, "switched_by": by, "switched_ms": turn.now_ms}
    turn.remember_circuit(id, **news, **saved, **marks)


def forgotten(live: Live, memory: Memory) -> Live:
    """A circuit once it is let draw again, or all events are over that its saving counts for."""
    if not live.by_person_in and not live.joined:
        return live
    joined = tuple(id for id in live.joined if id in memory.events)
    counts = live.off and any(id in memory.events for id in live.by_person_in)
    saved = {} if counts else {"by_person_w": 0, "by_person_in": ()}
    return changed(live, joined=joined, **saved)


def _saved(turn: Turn, live: Live) -> dict[str, Any]:
    """What it would have drawn, for every event that sheds, but for those that it joined."""
    ids = {event.id for event in active(turn.spec, turn.memory, turn.now_ms)} - {*live.joined}
    if not ids or live.drawn_w is None or live.by_person_w:
        return {}
    return {"by_person_w": live.free_w, "by_person_in": tuple(sorted(ids))}


def _joined(turn: Turn, live: Live) -> dict[str, Any]:
    """The events that shed and knew it off: to switch it off again saves them nothing."""
    ids = {event.id for event in active(turn.spec, turn.memory, turn.now_ms)}
    return {"joined": tuple(sorted({*live.joined} | ids - {*live.by_person_in}))}
