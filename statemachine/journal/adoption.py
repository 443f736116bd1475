"""What was remembered, taken up by a program that has run for a while without knowing any of it."""

from __future__ import annotations

from ..kit.frozen import changed
from ..state.circuit import Live
from ..state.memory import Memory

READING = (
    *("drawn_w", "read_mono_ms", "read_ms", "free_w"),
    *("started_mono_ms", "stopped_mono_ms"),
)


def adopted(remembered: Memory, meanwhile: Memory) -> Memory:
    """The memory to go on with: nothing is held, for all was given back, and readings are new."""
    lives = {
        id: _taken_up(live, meanwhile.circuits[id]) for id, live in remembered.circuits.items()
    }
    read = {"unmetered_w": meanwhile.unmetered_w, "read_ms": meanwhile.read_ms}
    return changed(remembered, circuits=lives, **(read if meanwhile.read_ms else {}))


def _taken_up(live: Live, seen: Live) -> Live:
    reading = {name: getattr(seen, name) for name in READING} if seen.drawn_w is not None else {}
    return changed(live, held_w=None, **reading)
