"""The loop: one inbox, one decision at a time.

What takes load or promises is stored before it is done. What gives back, and whatever the site does
by itself, is done at once and stored right after; what is said of it waits for that, for a second
at most.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from statemachine.adopting import adopted
from statemachine.answers import Answers
from statemachine.cloud_triggers import Desired
from statemachine.copies import recalled
from statemachine.effects import Effect
from statemachine.memory import Memory, Passed, from_parts, to_parts
from statemachine.promises import CROWDED, NOT_STORED, OVERTAKEN, promises, withdraws
from statemachine.triggers import Command, Readings, Reloaded, Restarted, Timer, Trigger
from statemachine.ven import Ven
from statemachine.wire import rejected

from .audience import Audience
from .clocks import clocks
from .decision import Decision, decision
from .journal import Batch
from .line import Line, Promise, Waiting
from .meanwhile import Meanwhile
from .opening import Found
from .performing import Perform, Performing
from .raised import Raised
from .storage import Storage
from .waker import Waker
from .worker import settle

RAISED = "the controller could not decide on this; its log says why"


class Runtime:
    """Runs a `Ven`. Drivers, link, web and timers only ever `post`; nothing else writes memory.

    `perform`: as `Performing` has it; `decided` hears of every decision.
    """

    def __init__(self, ven: Ven, storage: Storage, found: Found, perform: Perform) -> None:
        self.decided: Callable[[Decision], None] = lambda made: None
        self.ven, self.memory = ven, from_parts(ven.spec, found.parts)
        self.rev = 0
        self._storage = storage
        self._inbox: deque[Trigger] = deque()
        self._line = Line(self._late)
        self._promise: Promise | None = None
        self._busy = self._stopped = False
        self._raised = Raised()
        self._meanwhile = Meanwhile()
        waker = Waker(lambda: clocks()[0], lambda: self.memory.due_ms(), self._ring)
        self._performing = Performing(storage, Answers(found.answered), waker, perform)
        self._audience = Audience()

    # -- what others may ask for -----------------------------------------------------------------

    def post(self, trigger: Trigger) -> None:
        """Something happened. Decided upon when this returns, or once what is before it is stored.

        What is posted within a decision waits for its end. Call from the event loop only.
        """
        self._inbox.append(trigger)
        self._work()

    def step(self, trigger: Trigger) -> None:
        """As `post`, also where nothing is to be posted any more."""
        with self._turn():
            self._admit(trigger)

    def stop(self) -> None:
        """Decide upon nothing more that is posted."""
        self._stopped = True

    async def submit(self, command: Command) -> Mapping[str, Any]:
        """Something is asked; the ack comes once it is stored, or cannot be."""
        command, answer = self._performing.asks(command)
        self.post(command)
        return await answer

    def watch(self) -> AsyncIterator[Passed | None]:
        """A transition of an event, or None for any other change; at least once a second."""
        return self._audience.watch()

    async def take_over(self, ven: Ven, trigger: Reloaded) -> None:
        """Go on under another ven.yaml; memory is fitted to it as at a start.

        Raises OSError where it cannot be stored; the one before then stays in force.
        """
        stored: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._line.join(Waiting(trigger, ven, lambda done: settle(stored, done, None)))
        self.go_on()
        if not await stored:
            raise OSError(f"the journal cannot be written: {self._storage.down or 'it is slow'}")

    def adopt(self, found: Found, boot: str) -> None:
        """What was remembered can be read at last: go on from it, with what was done since."""
        self.memory = adopted(from_parts(self.ven.spec, found.parts), self.memory)
        rows = [*found.answered, *self._performing.answers.rows()]
        self._performing.answers = Answers(rows)
        with self._turn():
            at_ms, mono_ms = clocks()
            since = self._meanwhile.taken(at_ms, mono_ms)
            now = Restarted(at_ms=at_ms, mono_ms=mono_ms, boot=boot, since=since)
            self._safely(Waiting(now))
        self._work()

    def show(self) -> None:
        """Something changed that is not in memory: whoever watches looks anew."""
        self.rev += 1
        self._audience.tell(self.memory, self.memory, False)

    def everything(self) -> Batch:
        """All there is to store, but for letters."""
        return Batch(self.memory, answers=self._performing.answers.rows())

    def go_on(self) -> None:
        """The disk is free, or in trouble: whoever waited for it may have a turn."""
        if self._busy:
            return
        with self._turn():
            while self._line and (self._storage.down is not None or self._promise is None):
                one = self._line.next()
                self._safely(one)
                if one in self._line:
                    break
        self._work()

    # -- one decision after the other ------------------------------------------------------------

    @contextmanager
    def _turn(self) -> Iterator[None]:
        before, self._busy = self._busy, True
        try:
            yield
        finally:
            self._busy = before

    def _work(self) -> None:
        while self._inbox and not self._busy and not self._stopped:
            with self._turn():
                self._admit(self._inbox.popleft())

    def _admit(self, trigger: Trigger) -> None:
        held_up = self._storage.down is None and (self._line or self._promise is not None)
        if held_up and isinstance(trigger, Command | Desired):
            self._line.join(Waiting(trigger))
            self._thin_out()
        else:
            self._safely(Waiting(trigger))

    def _safely(self, one: Waiting, instead: Decision | None = None) -> None:
        try:
            self._decide(one, instead)
        except Exception as error:
            self._raised.tell(one.trigger, error)
            self._line.drop(one)
            if isinstance(one.trigger, Command):
                self._answer(one.trigger, "invalid", RAISED)
            one.end(False)

    def _decide(self, one: Waiting, instead: Decision | None) -> None:
        """`instead`: it is stored as decided before, and the world went on meanwhile."""
        one.trigger = self._known(_stamped(one.trigger) if one.timer or instead else one.trigger)
        ven, before = self._site(one)
        after, effects = ven.decide(before, one.trigger)
        if instead is not None:
            self.ven = ven
            self._take_effect(self._made(one.trigger, after, effects), True, instead)
            one.end(True)
            return
        if one.ven or promises(ven.spec, before, after, one.trigger, effects):
            self._store_first(one, after, effects)
            return
        self._line.drop(one)
        made = self._made(one.trigger, after, effects)
        if isinstance(one.trigger, Command) and not made.quick:
            self._overtake(one, one.trigger)
        self._take_effect(made)

    def _site(self, one: Waiting) -> tuple[Ven, Memory]:
        """The site to decide for, and what is known of it."""
        if one.ven is None:
            return self.ven, self.memory
        return one.ven, from_parts(one.ven.spec, to_parts(self.memory))

    def _known(self, trigger: Trigger) -> Trigger:
        if not isinstance(trigger, Command):
            return trigger
        earlier = self._performing.answers.earlier(trigger)
        return recalled(trigger, earlier, self.memory, self._storage.unknown)

    def _made(self, trigger: Trigger, after: Memory, effects: Sequence[Effect]) -> Decision:
        return decision(trigger, self.memory, after, effects, self._storage.letter)

    # -- what is stored before it is done --------------------------------------------------------

    def _store_first(self, one: Waiting, after: Memory, effects: Sequence[Effect]) -> None:
        if self._storage.down is not None:
            self._refuse(one, NOT_STORED)
        elif not self._storage.ready or self._promise is not None:
            self._line.join(one)
        else:
            self._line.drop(one)
            made = self._made(one.trigger, after, effects)
            self._promise = Promise(one, made)
            self._storage.promise(made.batch(), self._stored)

    def _stored(self, stored: bool) -> None:
        promise, self._promise = self._promise, None
        assert promise is not None
        with self._turn():
            if not stored:
                self._refuse(promise.one, NOT_STORED)
            elif promise.overtaken:
                self._take_back(promise)
            elif promise.made.before is self.memory:
                self.ven = promise.one.ven or self.ven
                self._take_effect(promise.made, True)
                promise.one.end(True)
            else:
                self._safely(promise.one, promise.made)
        self.go_on()

    def _take_back(self, promise: Promise) -> None:
        command = promise.one.trigger
        assert isinstance(command, Command)
        made = self._made(command, self.memory, [rejected(command, "storage", OVERTAKEN)])
        made.words, made.quick = made.quick, []  # said once the disk knows it too
        self._take_effect(made, False, promise.made)

    def _refuse(self, one: Waiting, why: str) -> None:
        self._line.drop(one)
        if isinstance(one.trigger, Command):
            self._answer(one.trigger, "storage", why)
        elif isinstance(one.trigger, Desired):
            trigger = replace(one.trigger, storable=False)
            self._take_effect(self._made(trigger, *self.ven.decide(self.memory, trigger)))
        one.end(False)

    def _answer(self, command: Command, reason: str, detail: str) -> None:
        ack = rejected(command, reason, detail)
        self._take_effect(self._made(command, self.memory, [ack]))

    def _late(self, one: Waiting, last: bool) -> None:
        """It has waited: what gives load back goes first, what takes load is at last refused."""
        with self._turn():
            if last:
                self._refuse(one, NOT_STORED)
            else:
                self._safely(one)
            self._thin_out()
        self._work()

    def _thin_out(self) -> None:
        """A slow disk has few that wait for it; else who gives load back would not be heard."""
        for one in self._line.crowd() if self._storage.slow else ():
            self._safely(one)
            if one in self._line:
                self._refuse(one, CROWDED)

    def _overtake(self, one: Waiting, command: Command) -> None:
        """What came before and is taken back by this must not be done after it."""
        spec, promise = self.ven.spec, self._promise
        if promise is not None and withdraws(spec, command, promise.one.trigger):
            promise.overtaken = True
        for other in self._line:
            if other.place < one.place and withdraws(spec, command, other.trigger):
                self._refuse(other, OVERTAKEN)

    # -- what follows from a decision ------------------------------------------------------------

    def _take_effect(
        self, made: Decision, stored: bool = False, instead: Decision | None = None
    ) -> None:
        self.memory = made.after
        self.rev += 1
        self._performing.carry_out(made, stored, instead)
        if self._storage.unknown and not made.quick and isinstance(made.trigger, Command):
            self._meanwhile.keep(made.trigger)
        self.decided(made)
        quiet = isinstance(made.trigger, Readings | Timer) and not made.effects
        self._audience.tell(made.before, self.memory, quiet)

    def _ring(self) -> None:
        self.post(_stamped(Timer(at_ms=0, mono_ms=0)))


def _stamped(trigger: Trigger) -> Trigger:
    at_ms, mono_ms = clocks()
    return replace(trigger, at_ms=at_ms, mono_ms=mono_ms)
