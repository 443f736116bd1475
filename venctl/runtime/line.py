"""Commands that wait for one before them to be stored or decided, so that all go in order.

A broker sends no more than so many that are not answered. Whoever gives load back must be heard
behind them all, so few may wait where the disk takes its time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from statemachine.journal.promises import withdraws
from statemachine.site.spec import Spec

from .decision import Decision
from .queue import FEW, Queue, Waiting

GIVE_S = 0.2  # who gives load back overtakes a disk that takes longer
PROMISE_S = 20.0  # a disk that makes headway, however slowly


@dataclass(slots=True)
class Promise:
    """A decision that is being stored, and takes effect once it is.

    `overtaken`: what it asked for was taken back meanwhile.
    """

    one: Waiting
    made: Decision
    overtaken: bool = False


class Line:
    """A queue in which nobody waits for ever.

    They wait for `promise`, if there is one. `late` hears of who has waited for a moment, and may
    do better than wait, and with True of who has waited long enough.
    """

    def __init__(self, late: Callable[[Waiting, bool], None]) -> None:
        self._late = late
        self._queue = Queue()
        self.promise: Promise | None = None

    def __bool__(self) -> bool:
        return bool(self._queue)

    def __iter__(self) -> Iterator[Waiting]:
        return iter(self._queue)

    def join(self, one: Waiting) -> None:
        """Wait, in the order in which all came; who comes back waits no longer for that."""
        if one.timer is None:
            self._time(one, PROMISE_S if one.patient else GIVE_S)
        self._queue.join(one, _loop_s())

    def next(self) -> Waiting:
        """Whose turn it is. The time to wait goes on, for who has to come back."""
        return self._queue.next()

    def drop(self, one: Waiting) -> None:
        """Out of the line, if it is in it, and no longer waiting."""
        self._queue.drop(one)
        if one.timer is not None:
            one.timer.cancel()

    def crowd(self) -> list[Waiting]:
        """Those behind the first few, where whoever is next has waited for a moment."""
        first = next(iter(self._queue), None)
        return self._queue.behind(FEW) if first is not None and first.late else []

    def too_many(self) -> list[Waiting]:
        """Those who came over the broker while more wait than can be decided."""
        return self._queue.too_many(_loop_s())

    def overtaken(self, spec: Spec, by: Waiting) -> list[Waiting]:
        """Those before `by` whose wish it takes back; a promise among them is marked."""
        first = [] if self.promise is None else [self.promise.one]
        earlier = [*first, *(one for one in self._queue if one.place < by.place)]
        found = [one for one in earlier if withdraws(spec, by.trigger, one.trigger)]
        if self.promise is not None and self.promise.one in found:
            self.promise.overtaken = True
        return found

    def _time(self, one: Waiting, wait_s: float) -> None:
        one.timer = asyncio.get_running_loop().call_later(wait_s, self._leave, one)

    def _leave(self, one: Waiting) -> None:
        if one not in self._queue:
            return
        self._queue.drop(one)
        last, one.late = one.late or one.patient, True
        if not last:
            self._time(one, PROMISE_S - GIVE_S)
        self._late(one, last)


def _loop_s() -> float:
    return asyncio.get_running_loop().time()
