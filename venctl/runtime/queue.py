"""Who waits for a decision, whose turn it is, and who is too many. No clock of its own.

A broker that keeps to a client's Receive Maximum sends no more than so many that are not answered,
and what it holds back cannot be seen from here. Hence a queue that does not become empty is too
long, however short it is: who is refused at once makes room for the next, among them whoever wants
load back.
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

MOST = 100  # who may wait for a moment
FEW = 8  # of what a broker sends at a time; the rest of them is for who gives load back
STANDING_S = 0.5  # a queue that was never empty for so long does not become so by itself


@dataclass(slots=True, eq=False)
class Waiting:
    """A trigger in the queue; `ven` is the site it puts in force, where it is a reload.

    `end` hears whether it was stored; `place` tells who came before whom, `late` that it has waited
    for a moment, `ahead` that it goes before who came earlier. `gives_back`: it ends an event, so
    a full queue is no reason not to hear it. `from_afar`: it came over the broker, of whose clients
    nobody knows how much they ask.
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
        said = self.trigger
        self.gives_back = gives_back(said)
        self.from_afar = isinstance(said, Command) and said.source == OPERATOR

    @property
    def patient(self) -> bool:
        """It waits its turn, whatever others do: whom it keeps waiting is not one who asked."""
        return self.ven is not None or isinstance(self.trigger, Desired)


def gives_back(trigger: Trigger) -> bool:
    """Whether somebody wants load back, by ending an event or keeping something out of it."""
    return isinstance(trigger, Restore | Cancel) or (isinstance(trigger, OptOut) and trigger.out)


class Queue:
    """First come, first served; where many wait, who gives load back goes first.

    Moments are seconds on any clock that never goes back.
    """

    def __init__(self) -> None:
        self._all: list[Waiting] = []
        self._since_s: float | None = None

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Waiting]:
        return iter(tuple(self._all))

    def join(self, one: Waiting, now_s: float) -> None:
        """Wait, in the order in which all came; who comes back has the place it had."""
        if self._since_s is None:
            self._since_s = now_s
        if one not in self._all:
            one.ahead = one.ahead or (one.gives_back and self._long(now_s))
            insort(self._all, one, key=lambda other: (not other.ahead, other.place))

    def next(self) -> Waiting:
        """Whose turn it is."""
        one = self._all[0]
        self.drop(one)
        return one

    def drop(self, one: Waiting) -> None:
        """Out of the queue, if it is in it."""
        if one in self._all:
            self._all.remove(one)
        if not self._all:
            self._since_s = None

    def too_many(self, now_s: float) -> list[Waiting]:
        """Who came over the broker and is to be refused, newest last."""
        most = FEW if self._stands(now_s) else MOST
        if len(self._all) <= most:
            return []
        ordinary = [one for one in self._all if not one.gives_back][most:]
        ending = [one for one in self._all if one.gives_back][MOST:]
        return [one for one in (*ordinary, *ending) if one.from_afar]

    def behind(self, most: int) -> list[Waiting]:
        """Who waits behind the first `most`, but for who waits its turn whatever others do."""
        return [one for one in self._all[most:] if not one.patient]

    def _long(self, now_s: float) -> bool:
        return len(self._all) > FEW or self._stands(now_s)

    def _stands(self, now_s: float) -> bool:
        return self._since_s is not None and now_s - self._since_s > STANDING_S
