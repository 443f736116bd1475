"""Which decisions must survive a crash, and for how long an answer is remembered."""

from __future__ import annotations

from collections.abc import Iterable

from .effects import Ack, Effect, Wake
from .memory import Memory
from .triggers import Command, Earlier, Held, Readings, Timer, Trigger

WEEK_MS = 7 * 86_400_000
COPY_MS = 60_000


def worth_keeping(
    trigger: Trigger, before: Memory, after: Memory, effects: Iterable[Effect]
) -> bool:
    """A look at circuits or clock that led to nothing is not: it will be looked again. Nor is the
    word of a driver that holds what it is to hold: after a crash it is asked anyway.
    """
    led = any(not isinstance(effect, Wake) for effect in effects)
    held = isinstance(trigger, Held) and before.leaving == after.leaving
    looked = isinstance(trigger, Readings | Timer) or held
    return led or not looked or before.events != after.events


def remembered_ms(key: str) -> int:
    """How long a command with this key counts as a copy of the first."""
    return COPY_MS if key.startswith("body:") else WEEK_MS


class Answers:
    """First acks by the key of their command, kept in mind as a journal keeps them on disk."""

    def __init__(self) -> None:
        self._first: dict[str, tuple[Earlier, int]] = {}

    def keep(self, effects: Iterable[Effect], at_ms: int) -> None:
        """Remember the acks among `effects` that want to be."""
        for effect in effects:
            if isinstance(effect, Ack) and effect.key:
                first = Earlier(effect.revision, effect.digest, effect.body)
                self._first[effect.key] = first, at_ms

    def earlier(self, command: Command) -> Earlier | None:
        """What was answered to a command with the same key."""
        if command.key not in self._first:
            return None
        first, at_ms = self._first[command.key]
        return first if command.at_ms - at_ms <= remembered_ms(command.key) else None
