"""Commands that wait for one before them to be stored, so that they are decided in order.

A broker sends no more than so many that are not answered. Whoever gives load back must be heard
behind them all, so few may wait where the disk takes its time.
"""

from __future__ import annotations

import asyncio
from bisect import insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from statemachine.cloud_triggers import Desired
from statemachine.triggers import Trigger
from statemachine.ven import Ven

from .decision import Decision

GIVE_S = 0.2  # who gives load back overtakes a disk that takes longer
PROMISE_S = 20.0  # a disk that makes headway, however slowly
FEW = 8  # of the 20 that a broker sends; the rest of them is for who gives load back


@dataclass(slots=True, eq=False)
class Waiting:
    """A trigger in the line; `ven` is the site it puts in force, where it is a reload.

    `end` hears whether it was stored; `place` tells who came before whom, `late` that it has waited
    for a moment.
    """

    trigger: Trigger
    ven: Ven | None = None
    end: Callable[[bool], None] = field(default=lambda stored: None)
    timer: asyncio.TimerHandle | None = None
    place: int = field(default_factory=count().__next__)
    late: bool = False

    @property
    def patient(self) -> bool:
        """It waits its turn, whatever others do: whom it keeps waiting is not one who asked."""
        return self.ven is not None or isinstance(self.trigger, Desired)


@dataclass(slots=True)
class Promise:
    """A decision that is being stored, and takes effect once it is.

    `overtaken`: what it asked for was taken back meanwhile.
    """

    one: Waiting
    made: Decision
    overtaken: bool = False


class Line:
    """First come, first served; but nobody waits for ever.

    `late` hears of who has waited for a moment, and may do better than wait, and with True of who
    has waited long enough.
    """

    def __init__(self, late: Callable[[Waiting, bool], None]) -> None:
        self._late = late
        self._all: list[Waiting] = []

    def __bool__(self) -> bool:
        return bool(self._all)

    def __iter__(self) -> Iterator[Waiting]:
        return iter(tuple(self._all))

    def join(self, one: Waiting) -> None:
        """Wait, in the order in which all came; who comes back waits no longer for that."""
        if one.timer is None:
            self._time(one, PROMISE_S if one.patient else GIVE_S)
        if one not in self._all:
            insort(self._all, one, key=lambda other: other.place)

    def next(self) -> Waiting:
        """Whose turn it is. The time to wait goes on, for who has to come back."""
        return self._all.pop(0)

    def drop(self, one: Waiting) -> None:
        """Out of the line, if it is in it, and no longer waiting."""
        if one in self._all:
            self._all.remove(one)
        if one.timer is not None:
            one.timer.cancel()

    def crowd(self) -> list[Waiting]:
        """Those who are too many, where whoever is next has waited for a moment."""
        stuck = self._all[:1] and self._all[0].late
        return [one for one in self._all[FEW:] if not one.patient] if stuck else []

    def _time(self, one: Waiting, wait_s: float) -> None:
        one.timer = asyncio.get_running_loop().call_later(wait_s, self._leave, one)

    def _leave(self, one: Waiting) -> None:
        if one not in self._all:
            return
        self._all.remove(one)
        last, one.late = one.late or one.patient, True
        if not last:
            self._time(one, PROMISE_S - GIVE_S)
        self._late(one, last)
