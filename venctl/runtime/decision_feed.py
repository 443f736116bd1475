"""Tells observers about each decision."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from statemachine.state.memory import Memory, Transition
from statemachine.state.triggers import Readings, Timer

from .decision import Decision
from .watchers import Watchers


class DecisionFeed:
    """Notifies watchers of changes, and `decided` of every decision. `rev` counts changes."""

    def __init__(self) -> None:
        self.rev = 0
        self._audience = Watchers()
        self.decided: Callable[[Decision], None] = lambda made: None

    def watch(self) -> AsyncIterator[Transition | None]:
        """As `Watchers.watch`."""
        return self._audience.watch()

    def publish(self, made: Decision) -> None:
        """Report a decision that took effect."""
        self.rev += 1
        self.decided(made)
        quiet = isinstance(made.trigger, Readings | Timer) and not made.effects
        self._audience.tell(made.before, made.after, quiet)

    def publish_change(self, memory: Memory) -> None:
        """Report a change that is not in memory."""
        self.rev += 1
        self._audience.tell(memory, memory, False)
