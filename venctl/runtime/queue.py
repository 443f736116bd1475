"""The queue of commands: which is next, and which are too many. It has no clock.

A broker that respects a client's Receive Maximum sends a limited number of unanswered messages, and
what it holds back is not visible here. So a queue that never empties is too long, however short it
is: refusing a command at once lets the broker send the next, which may be one that restores load.
"""

from __future__ import annotations

import asyncio
from bisect import insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from statemachine.decide.ven import Ven
from statemachine.state.cloud_triggers import Desired
from statemachine.state.triggers import OPERATOR, Cancel, Command, OptOut, Restore, Trigger

MOST = 100  # commands that may wait for a moment
FEW = 8  # of those that a broker sends at a time; the rest is for commands that restore load
STANDING_S = 0.5  # a queue that was never empty for this long does not empty by itself


@dataclass(slots=True, eq=False)
class QueuedTrigger:
    """A trigger in the queue; for a reload, `ven` is the new site.

    `end` is called with whether it was stored. `place` is its order of arrival; `late` means that
    it has waited a moment; `ahead` that it goes before earlier ones. `gives_back`: it ends an
    event, so it is accepted even if the queue is full. `from_afar`: it came from the broker, whose
    clients may send any number of commands.
    """

    trigger: Trigger
    ven: Ven | None = None
    end: Callable[[bool], None] = field(default=lambda stored: None)
    timer: asyncio.TimerHandle | None = None
    place: int = field(default_factory=count().__next__)
    late: bool = False
    ahead: bool = False
    gives_back: bool = field(init=False)
    from_afar: bool = field(init=False)

    def __post_init__(self) -> None:
        trigger = self.trigger
        self.gives_back = gives_load_back(trigger)
        self.from_afar = isinstance(trigger, Command) and trigger.source == OPERATOR

    @property
    def patient(self) -> bool:
        """It always waits its turn: it is not a person's command."""
        return self.ven is not None or isinstance(self.trigger, Desired)


def gives_load_back(trigger: Trigger) -> bool:
    """Whether the trigger restores load: it ends an event, or takes a circuit out of one."""
    return isinstance(trigger, Restore | Cancel) or (isinstance(trigger, OptOut) and trigger.out)


class Queue:
    """First come, first served; if many wait, commands that restore load go first.

    Times are seconds of any monotonic clock.
    """

    def __init__(self) -> None:
        self._all: list[QueuedTrigger] = []
        self._since_s: float | None = None

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[QueuedTrigger]:
        return iter(tuple(self._all))

    def join(self, entry: QueuedTrigger, now_s: float) -> None:
        """Wait in order of arrival; a command that comes back keeps its place."""
        if self._since_s is None:
            self._since_s = now_s
        if entry not in self._all:
            entry.ahead = entry.ahead or (entry.gives_back and self._long(now_s))
            insort(self._all, entry, key=lambda other: (not other.ahead, other.place))

    def next(self) -> QueuedTrigger:
        """Remove and return the next command."""
        entry = self._all[0]
        self.drop(entry)
        return entry

    def drop(self, entry: QueuedTrigger) -> None:
        """Remove a command, if it is in the queue."""
        if entry in self._all:
            self._all.remove(entry)
        if not self._all:
            self._since_s = None

    def too_many(self, now_s: float) -> list[QueuedTrigger]:
        """Commands from the broker that must be refused, newest last."""
        most = FEW if self._stands(now_s) else MOST
        if len(self._all) <= most:
            return []
        ordinary = [entry for entry in self._all if not entry.gives_back][most:]
        ending = [entry for entry in self._all if entry.gives_back][MOST:]
        return [entry for entry in (*ordinary, *ending) if entry.from_afar]

    def behind(self, most: int) -> list[QueuedTrigger]:
        """Commands behind the first `most`, except those that always wait their turn."""
        return [entry for entry in self._all[most:] if not entry.patient]

    def _long(self, now_s: float) -> bool:
        return len(self._all) > FEW or self._stands(now_s)

    def _stands(self, now_s: float) -> bool:
        return self._since_s is not None and now_s - self._since_s > STANDING_S
