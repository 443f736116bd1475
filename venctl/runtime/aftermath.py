"""Tells observers about each decision."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from statemachine.state.memory import Memory, Passed
from statemachine.state.triggers import Readings, Timer

from .audience import Audience
from .decision import Decision


class Aftermath:
    """Notifies watchers of changes, and `decided` of every decision. `rev` counts changes."""

    def __init__(self) -> None:
        self.rev = 0
        self._audience = Audience()
        self.decided: Callable[[Decision], None] = lambda made: None

    def watch(self) -> AsyncIterator[Passed | None]:
        """As `Audience.watch`."""
        return self._audience.watch()

    def of(self, made: Decision) -> None:
        """Report a decision that took effect."""
        self.rev += 1
        self.decided(made)
        quiet = isinstance(made.trigger, Readings | Timer) and not made.effects
        self._audience.tell(made.before, made.after, quiet)

    def beside(self, memory: Memory) -> None:
        """Report a change that is not in memory."""
        self.rev += 1
        self._audience.tell(memory, memory, False)
