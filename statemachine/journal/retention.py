"""Which decisions must survive a crash, and for how long an answer is remembered."""

from __future__ import annotations

from collections.abc import Iterable

from ..state.effects import Effect, Wake
from ..state.memory import Memory
from ..state.triggers import Held, Readings, Timer, Trigger

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
