"""Commands that wait for one before them to be stored, so that they are decided in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from statemachine.promises import may_promise
from statemachine.triggers import Trigger
from statemachine.ven import Ven

from .decision import Decision

GIVE_S = 0.2  # who gives load back overtakes a disk that takes longer
PROMISE_S = 20.0  # a disk that makes headway, however slowly


@dataclass(slots=True, eq=False)
class Waiting:
    """A trigger in the line; `ven` is the site it puts in force, where it is a reload.

    `end` hears whether it was stored; `place` tells who came before whom.
    """

    trigger: Trigger
    ven: Ven | None = None
    end: Callable[[bool], None] = field(default=lambda stored: None)
    timer: asyncio.TimerHandle | None = None
    place: int = field(default_factory=count().__next__)


@dataclass(slots=True)
class Promise:
    """A decision that is being stored, and takes effect once it is.

    `overtaken`: what it asked for was taken back meanwhile.
    """

    one: Waiting
    made: Decision
    overtaken: bool = False


class Line:
    """First come, first served; but nobody waits for ever: `late` hears of who did long enough."""

    def __init__(self, late: Callable[[Waiting], None]) -> None:
        self._late = late
        self._all: deque[Waiting] = deque()

    def __bool__(self) -> bool:
        return bool(self._all)

    def __iter__(self) -> Iterator[Waiting]:
        return iter(tuple(self._all))

    def join(self, one: Waiting, first: bool = False) -> None:
        """Wait behind all others, or before them; who comes back waits no longer for that."""
        if one.timer is None:
            wait_s = PROMISE_S if one.ven or may_promise(one.trigger) else GIVE_S
            one.timer = asyncio.get_running_loop().call_later(wait_s, self._leave, one)
        if first:
            self._all.appendleft(one)
        else:
            self._all.append(one)

    def next(self) -> Waiting:
        """Whose turn it is. The time to wait goes on, for who has to come back."""
        return self._all.popleft()

    def drop(self, one: Waiting) -> None:
        """Out of the line, if it is in it, and no longer waiting."""
        if one in self._all:
            self._all.remove(one)
        if one.timer is not None:
            one.timer.cancel()

    def _leave(self, one: Waiting) -> None:
        if one in self._all:
            self._all.remove(one)
            self._late(one)
