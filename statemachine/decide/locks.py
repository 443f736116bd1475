"""A person at the site locks a circuit out: nothing and nobody switches or sheds it until then.

This is a lock in software. It is no lockout/tagout: whoever works on a circuit opens its breaker.
"""

from __future__ import annotations

from ..returns.release import return_load
from ..state.effects import Ack
from ..state.reasons import Refusal
from ..state.triggers import Lock
from ..state.turn import Turn
from ..wire.messages import rejected

AT_THE_SITE = ("page", "cli")


def locked_out(turn: Turn, circuit: str) -> Refusal | None:
    """Why a circuit is not switched now: reason and words; None if no lock is on it."""
    by, name = turn.memory.circuits[circuit].locked_by, turn.spec.name_of(circuit)
    return None if by is None else ("locked_out", f"{name} is locked by {by}; unlock it first")


def lock(turn: Turn, command: Lock) -> Ack | None:
    """Lock a circuit, or let it go. What an event held of it comes back at once."""
    if command.source not in AT_THE_SITE:
        detail = "circuits can only be locked and unlocked at the site"
        return rejected(command, "locked_out", detail)
    live = turn.memory.circuits.get(command.circuit)
    if live is None:
        return rejected(command, "not_found", f"no circuit is called {command.circuit!r}")
    if not command.locked:
        turn.remember_circuit(command.circuit, locked_by=None, locked_ms=None)
        return None
    if live.held_w is not None:
        return_load(turn, command.circuit, None)
    turn.remember_circuit(command.circuit, locked_by=command.source, locked_ms=turn.now_ms)
    return None
