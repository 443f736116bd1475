"""Takes over a stored memory while the program has already run for a while without it."""

from __future__ import annotations

from ..kit.frozen import changed
from ..state.circuit import CircuitState
from ..state.memory import Memory

READING = (
    *("drawn_w", "read_mono_ms", "read_ms", "free_w"),
    *("started_mono_ms", "stopped_mono_ms"),
)


def adopt_memory(remembered: Memory, meanwhile: Memory) -> Memory:
    """The stored memory with no holds, because all load was released, and with new readings."""
    lives = {
        id: _taken_up(live, meanwhile.circuits[id]) for id, live in remembered.circuits.items()
    }
    read = {"unmetered_w": meanwhile.unmetered_w, "read_ms": meanwhile.read_ms}
    return changed(remembered, circuits=lives, **(read if meanwhile.read_ms else {}))


def _taken_up(live: CircuitState, seen: CircuitState) -> CircuitState:
    reading = {name: getattr(seen, name) for name in READING} if seen.drawn_w is not None else {}
    return changed(live, held_w=None, **reading)
