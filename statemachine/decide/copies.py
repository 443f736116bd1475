"""What is a copy of a command that was answered before, and what is asked anew.

By the id that an event came with, as long as that is known. Any other command is a copy only where
its terms are the same and it may have been delivered again, or where what it asked for still
stands. MQTT 5 delivers again only after a connect, and DUP comes only then: so does the drain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from typing import Any

from ..state.memory import Memory
from ..state.reasons import Refusal
from ..state.triggers import (
    Cancel,
    Command,
    DrEvent,
    EarlierAnswer,
    Lock,
    OptOut,
    Restore,
    SetConfig,
    Toggle,
    signature,
)
from ..state.turn import Turn
from .backlog import connected_ms, is_draining

First = Mapping[str, Any]
MOST_ID = 110  # of a made id, so that a number fits behind it


def with_earlier_answer(
    command: Command, earlier: EarlierAnswer | None, memory: Memory, blind: bool
) -> Command:
    """A command with what the journal knows of it. An id that was made for an event is its own."""
    same = command.earlier is earlier and command.blind == blind
    known = command if same else replace(command, earlier=earlier, blind=blind)
    if not isinstance(known, DrEvent) or not known.made:
        return known
    first = "" if earlier is None else str(earlier.ack.get("event_id", ""))
    if earlier is not None and known.revision > earlier.revision:
        return _named(known, first)
    return _named(known, _unused(known, memory, first))


def copy_of(command: Command, memory: Memory) -> First | Refusal | None:
    """The first ack, if this is a copy; a refusal, if it clashes; None, if it is new."""
    earlier = command.earlier
    if earlier is None:
        return None
    if isinstance(command, DrEvent) and not command.made:
        return _known_by_id(command, earlier, memory)
    again = _delivered_again(command, earlier, memory)
    if isinstance(command, DrEvent) and command.revision != earlier.revision:
        return _revised(command, earlier, memory, again)
    if not _same_terms(command, earlier):
        return None
    if not again and isinstance(command, DrEvent) and (out := _opted_out(command, earlier, memory)):
        return out
    return earlier.ack if again or _stands(memory, command, earlier.ack) else None


def remember_command(turn: Turn) -> None:
    """A command was taken: it is the last word about its circuit, its event or its setting."""
    command, memory = turn.trigger, turn.memory
    match command:
        case Toggle(circuit=id, key=key) | Lock(circuit=id, key=key):
            turn.remember_circuit(id, last_command=key)
        case SetConfig(key=key):
            turn.remember(last_config=key)
        case Restore(event_id=None, key=key):
            for id in [id for id, x in memory.events.items() if x.start_ms <= turn.now_ms]:
                turn.remember_event(id, last_command=key)
            turn.remember(last_call=key)
        case DrEvent(event_id=id, key=key) | Restore(event_id=str(id), key=key):
            _note_event(turn, id, key)
        case Cancel(event_id=id, key=key) | OptOut(event_id=id, circuit=None, key=key):
            _note_event(turn, id, key)
    if isinstance(command, DrEvent):
        turn.remember(last_call=command.key)


def _named(command: DrEvent, id: str) -> DrEvent:
    return replace(command, event_id=id, ids={**command.ids, "event_id": id})


def _note_event(turn: Turn, id: str, key: str) -> None:
    if id in turn.memory.events:
        turn.remember_event(id, last_command=key)


def _known_by_id(
    command: DrEvent, earlier: EarlierAnswer, memory: Memory
) -> First | Refusal | None:
    id = command.event_id
    if command.revision < earlier.revision:
        return "stale_revision", _outdated(earlier.revision, id)
    if command.revision == earlier.revision and not _same_terms(command, earlier):
        return "conflict", f"{id} was sent before with other terms; use a higher `revision`"
    if command.revision == earlier.revision:
        asks_anew = earlier.ack.get("correlationId") != command.correlation
        if asks_anew and id in memory.opted_out:
            return None  # no redelivery: it hears that the occupant opted out
        return earlier.ack
    if id not in memory.events and id not in memory.opted_out:
        return "conflict", f"{id} is over; send a new event"
    return None


def _revised(
    command: DrEvent, earlier: EarlierAnswer, memory: Memory, again: bool
) -> First | Refusal | None:
    """An event that came without an id, and with another revision than the last."""
    id = str(earlier.ack.get("event_id", ""))
    lives = id in memory.events and memory.at_ms < memory.events[id].end_ms
    if command.revision > earlier.revision:
        return None if lives else ("conflict", f"{id} is over; send a new event")
    if again or lives:
        return "stale_revision", _outdated(earlier.revision, id)
    return None


def _outdated(revision: int, id: str) -> str:
    return f"revision {revision} of {id} is already known; use a higher one"


def _delivered_again(command: Command, earlier: EarlierAnswer, memory: Memory) -> bool:
    """It may be the very same message: people at the site have keys for that, the grid its date."""
    if command.source != "operator":
        return True
    dated = command.issued_ms is not None and earlier.digest == signature(command)
    return dated or (is_draining(memory) and _before_the_link(earlier, memory))


def _before_the_link(earlier: EarlierAnswer, memory: Memory) -> bool:
    """It was answered before this connection: within one no broker sends a message again."""
    up_ms = connected_ms(memory)
    return up_ms is None or earlier.at_ms <= up_ms


def _same_terms(command: Command, earlier: EarlierAnswer) -> bool:
    terms = earlier.digest.partition("@")[0]
    return terms in ("", command.digest)


def _opted_out(command: DrEvent, earlier: EarlierAnswer, memory: Memory) -> Refusal | None:
    """Called again while it would run: who opted out has said so for that time."""
    id, start_ms = earlier.ack.get("event_id"), command.start_ms
    first_ms = int(earlier.ack.get("ts", 0)) * 1000 if start_ms is None else start_ms
    if id not in memory.opted_out or memory.at_ms >= first_ms + command.duration_ms:
        return None
    return "opted_out", f"the occupant opted out of {id}"


def _stands(memory: Memory, command: Command, first: First) -> bool:
    """Nothing since has contradicted it, by another command or in any other way."""
    match command:
        case Toggle(circuit=id, enabled=enabled):
            live = memory.circuits.get(id)
            return live is not None and (live.last_command, live.enabled) == (command.key, enabled)
        case Lock(circuit=id, locked=locked):
            live = memory.circuits.get(id)
            is_so = live is not None and (live.locked_by is not None) == locked
            return live is not None and is_so and live.last_command == command.key
        case SetConfig(every_ms=every_ms):
            return (memory.last_config, memory.every_ms) == (command.key, every_ms)
        case Restore(event_id=None):
            now_ms = memory.at_ms
            run = [x for x in memory.events.values() if x.start_ms <= now_ms < x.end_ms]
            untouched = all(event.last_command == command.key for event in run)
            return memory.last_call == command.key and untouched
        case DrEvent():
            event = memory.events.get(str(first.get("event_id")))
            lives = event is not None and memory.at_ms < event.end_ms
            return event is not None and lives and event.last_command == command.key
        case Restore(event_id=str(id)) | Cancel(event_id=id) | OptOut(event_id=id):
            event = memory.events.get(id)
            return event is None or event.last_command == command.key
    return True


def _unused(command: DrEvent, memory: Memory, first: str) -> str:
    """The id that was made for an event, with a number behind it where another had it."""
    taken = {*memory.events, *memory.past, *memory.opted_out, first}
    if command.event_id not in taken:
        return command.event_id
    stem = f"{command.event_id[:MOST_ID]}-{command.at_ms // 1000}"
    numbered = (stem if n == 1 else f"{stem}-{n}" for n in count(1))
    return next(id for id in numbered if id not in taken)
