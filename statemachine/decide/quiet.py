"""News after which everything stays as it is: an answer that only confirms what was asked.

A site of hundreds of circuits hears hundreds of such answers at every start, at every event and
with every report of its shadows. To plan anew after each would cost circuits times circuits.
"""

from __future__ import annotations

from ..state.circuit import CircuitState
from ..state.cloud_triggers import Answered, Delta, Document, Refused
from ..state.triggers import Held, Switched
from ..state.turn import Turn

_CLOCKS = {"at_ms", "mono_ms"}
_OF_SHADOWS = {"shadows", "server_mono_ms"}
_ANSWERS = (Answered, Delta, Document, Refused, Held, Switched)


def changes_nothing(turn: Turn) -> bool:
    """The plan, the holds, the events and what is told of them are as they were before.

    Of a return that waits for its last driver, and of an alarm that may be due, this is not said.
    """
    before, after = turn.before, turn.memory
    if not isinstance(turn.trigger, _ANSWERS) or turn.effects or turn.told or after.pending:
        return False
    if after.coming.blocked_ms is not None or _is_due(turn, after.due_ms()):
        return False
    was, now = vars(before), vars(after)
    news = {name for name in now if now[name] is not was[name]} - _CLOCKS - _OF_SHADOWS
    return not news or (news == {"circuits"} and _confirmed(turn))


def is_only_answered(turn: Turn) -> bool:
    """Nothing came of the trigger, and nothing is due: a copy or a refusal needs no more."""
    due_ms = turn.memory.due_ms()
    return not turn.effects and not _is_due(turn, due_ms) and due_ms == turn.before.due_ms()


def _is_due(turn: Turn, due_ms: int | None) -> bool:
    return due_ms is not None and due_ms <= turn.now_ms


def _confirmed(turn: Turn) -> bool:
    """All that is new of the circuits is that one of them has done what it was told."""
    answer, before, lives = turn.trigger, turn.before, turn.memory.circuits
    news = [id for id, live in lives.items() if live is not before.circuits.get(id)]
    if not isinstance(answer, Held | Switched) or news != [answer.circuit]:
        return False
    was, now = before.circuits[answer.circuit], lives[answer.circuit]
    answered = {"asked_mono_ms": now.asked_mono_ms, "obeyed_w": now.obeyed_w}
    if {**vars(was), **answered} != vars(now):
        return False
    return was == now or now.held_w is not None or _others_owe(turn, answer.circuit)


def _others_owe(turn: Turn, id: str) -> bool:
    """Some other circuit was let go as well, and its driver has not said that it is free."""
    mono_ms = turn.memory.mono_ms
    lives = [live for other, live in turn.memory.circuits.items() if other != id]
    return not turn.memory.events or any(_owes(live, mono_ms) for live in lives)


def _owes(live: CircuitState, mono_ms: int) -> bool:
    return live.held_w is None and bool(live.awaits_ms(mono_ms))
