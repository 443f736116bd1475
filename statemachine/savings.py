"""What people save by switching circuits off themselves while an event runs.

It lowers what the others must give, for as long as it lasts, and is no shed: nobody may be paid
for it, or curtailed for it once more.
"""

from __future__ import annotations

from typing import Any

from .dwell import rests_ms
from .frozen import changed
from .live import Live
from .memory import Memory
from .panel import Circuit
from .turn import Turn


def switch(turn: Turn, id: str, enabled: bool, by: str, **marks: Any) -> None:
    """Have a circuit on or off, as somebody wishes, and remember what that saves whom."""
    live = turn.memory.circuits[id]
    saved = {} if enabled or not live.enabled or live.by_person_w else _saved(turn, live)
    news = {"enabled": enabled, "switched_by": by, "switched_ms": turn.now_ms}
    turn.memory = turn.memory.circuit(id, **news, **saved, **marks)


def saves_w(circuit: Circuit, live: Live, mono_ms: int) -> int:
    """What a person took off, as far as it is off: also while it rests, switched on again."""
    if live.enabled and not rests_ms(circuit, live, mono_ms):
        return 0
    still_w = (live.drawn_w or 0) if live.fault is not None else 0  # it does not go off
    return max(0, live.by_person_w - still_w)


def forgotten(live: Live, memory: Memory) -> Live:
    """A circuit once it is let draw again, or all events are over that its saving counts for."""
    counts = any(id in memory.events for id in live.by_person_in)
    if not live.by_person_in or (live.off and counts):
        return live
    return changed(live, by_person_w=0, by_person_in=())


def _saved(turn: Turn, live: Live) -> dict[str, Any]:
    """What it would have drawn, for every event that has begun."""
    now_ms = turn.now_ms
    begun = [x.id for x in turn.memory.events.values() if x.start_ms <= now_ms < x.end_ms]
    if not begun or live.drawn_w is None:
        return {}
    return {"by_person_w": live.free_w, "by_person_in": tuple(sorted(begun))}
