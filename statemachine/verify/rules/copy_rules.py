"""Rules for the answers to commands that were sent before."""

from __future__ import annotations

from collections.abc import Iterator

from ...curtail.requirement import active_events
from ...decide.backlog import MOST_MS
from ...state.effects import Ack
from ...state.triggers import Command, Restore, SetConfig, Toggle
from ..observer.observer import Observer
from ..world.play import Moment
from .day_rules import day_rule


@day_rule("P44")
def no_new_request_is_treated_as_a_copy(book: Observer, now: Moment) -> Iterator[str]:
    """Long after a connect nothing is delivered again, so a `duplicate` must describe what is."""
    trigger, memory = now.trigger, now.memory
    acks = [effect.body for effect in now.effects if isinstance(effect, Ack)]
    if not isinstance(trigger, Command) or not acks or acks[0]["status"] != "duplicate":
        return
    if trigger.source != "operator" or now.ms - book.connected_ms <= MOST_MS:
        return
    match trigger:
        case Toggle(circuit=id, enabled=enabled) if memory.circuits[id].enabled != enabled:
            yield f"{id} was to be switched {'on' if enabled else 'off'}, but is not"
        case Restore(event_id=None):
            for event in active_events(book.spec, memory, book.play.at_ms):
                yield f"{event.id} still sheds, although all load was requested back"
        case SetConfig(every_ms=every_ms) if memory.every_ms != every_ms:
            wrong = f"comes every {memory.every_ms} ms"
            yield f"telemetry was to come every {every_ms} ms, but {wrong}"
