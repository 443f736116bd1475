"""Ends events before their time: a restore, a cancellation, an opt-out, everything back at once."""

from __future__ import annotations

from ..curtail.limits import shorten_to_run
from ..kit.frozen import changed
from ..returns.ending import SHUT_MS, begun_events
from ..returns.release import restate_holds
from ..state.effects import Ack
from ..state.triggers import Cancel, Command, OptOut, Restore
from ..state.turn import Turn
from ..wire.messages import rejected

MOST_OPTED_OUT = 200


def restore_load(turn: Turn, command: Restore) -> Ack | None:
    """Somebody wants load back; an ack only where that is refused."""
    if command.shuts:
        _all_back(turn, command)
        return None
    begun = begun_events(turn.spec, turn.memory, turn.now_ms)
    ids = [command.event_id] if command.event_id else begun
    later = [id for id in ids if _called_later(turn, command, id)]
    if later and later == ids:
        return _outdated(command, later[0])
    _restore(turn, command, [id for id in ids if id not in later])
    return None


def _all_back(turn: Turn, command: Restore) -> None:
    """Everything ends, every driver hears once more that its circuit is free, and nothing new is
    taken on for a while after it was asked.
    """
    started = begun_events(turn.spec, turn.memory, turn.now_ms)
    for id in list(turn.memory.events):
        _end(turn, command, "restore" if id in started else "cancel", id)
    _return_now(turn)
    asked_ms = turn.now_ms if command.issued_ms is None else min(command.issued_ms, turn.now_ms)
    turn.remember(shut_ms=max(turn.memory.shut_ms, asked_ms + SHUT_MS))
    turn.do(*(hold for hold in restate_holds(turn) if hold.watts is None))


def _called_later(turn: Turn, command: Restore | Cancel, id: str) -> bool:
    """Both say when they were issued, and the event was after what is to end it."""
    event = turn.memory.events.get(id)
    if event is None or event.issued_ms is None or command.issued_ms is None:
        return False
    return command.issued_ms < event.issued_ms


def _outdated(command: Command, id: str) -> Ack:
    return rejected(command, "expired", f"it was issued before {id}; send it again")


def _restore(turn: Turn, command: Command, ids: list[str]) -> None:
    for id in ids:
        _end(turn, command, "restore", id)
    _return_now(turn)


def _end(turn: Turn, command: Command, word: str, id: str) -> None:
    """End an event before its time; what is told of it from now on says who did, and why."""
    was = turn.memory.events.get(id)
    if was is None:
        return
    turn.remember_event(id, ended_by=command.source, ended_why=command.why)
    if turn.fire(word, id):
        turn.remember(past=shorten_to_run(turn.memory, id, turn.now_ms))
    else:
        turn.remember_event(id, ended_by=was.ended_by, ended_why=was.ended_why)


def _return_now(turn: Turn) -> None:
    """Somebody wants load back: no random start of the return holds it up."""
    coming = turn.memory.coming
    if coming.not_before_ms:
        turn.remember(coming=changed(coming, not_before_ms=0, due_ms=None))


def cancel_event(turn: Turn, command: Cancel) -> Ack | None:
    """Somebody takes an event back; an ack only where that is refused."""
    if command.event_id not in turn.memory.events:
        return _unknown(command, command.event_id)
    if _called_later(turn, command, command.event_id):
        return _outdated(command, command.event_id)
    _end(turn, command, "cancel", command.event_id)
    return None


def opt_out(turn: Turn, command: OptOut) -> Ack | None:
    """The occupant keeps a circuit, or the site, out of an event, or lets it give again."""
    id, circuit = command.event_id, command.circuit
    event = turn.memory.events.get(id)
    if event is None:
        return _unknown(command, id)
    if circuit is None:
        turn.remember(opted_out=(*turn.memory.opted_out[-MOST_OPTED_OUT:], id))
        _restore(turn, command, [id])
        return None
    if circuit not in turn.spec.circuits:
        return rejected(command, "not_found", f"no circuit is called {circuit!r}")
    out = {*event.opted_out, circuit} if command.out else {*event.opted_out} - {circuit}
    turn.remember_event(id, opted_out=tuple(sorted(out)))
    return None


def _unknown(command: Command, event_id: str) -> Ack | None:
    """Where nothing can be remembered, what is asked of an event is done once it can."""
    if command.blind:
        return None
    return rejected(command, "not_found", f"this site has no event {event_id}")
