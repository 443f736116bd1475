"""Which decisions must survive a crash, and how long an answer is stored."""

from __future__ import annotations

from collections.abc import Iterable

from ..state.effects import Effect, Wake
from ..state.memory import Memory
from ..state.triggers import Held, Readings, Timer, Trigger

WEEK_MS = 7 * 86_400_000
COPY_MS = 60_000


def must_keep(trigger: Trigger, before: Memory, after: Memory, effects: Iterable[Effect]) -> bool:
    """Whether a decision must be stored. A reading or timer without an effect need not, nor a
    driver's confirmation of its hold: both come again after a crash.
    """
    led = any(not isinstance(effect, Wake) for effect in effects)
    held = isinstance(trigger, Held) and before.leaving == after.leaving
    looked = isinstance(trigger, Readings | Timer) or held
    return led or not looked or before.events != after.events


def retention_ms(key: str) -> int:
    """How long a command with this key counts as a copy of the first, in ms."""
    return COPY_MS if key.startswith("body:") else WEEK_MS
