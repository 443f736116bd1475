"""The loop: one inbox, one decision at a time.

What sheds load or promises is stored before it is done; the rest is done at once and stored after.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from statemachine.decide.ven import Ven
from statemachine.journal.adoption import adopt_memory
from statemachine.journal.answers import Answers
from statemachine.journal.promises import CROWDED, NOT_STORED, must_store_first
from statemachine.state.cloud_triggers import Desired
from statemachine.state.effects import Effect
from statemachine.state.memory import Memory, Transition
from statemachine.state.parts import from_parts, to_parts
from statemachine.state.reasons import Reason
from statemachine.state.triggers import Command, Reloaded, Restarted, Timer, Trigger
from statemachine.wire.messages import ack_for

from ..base.clocks import clocks
from ..base.time_slice import TimeSlice
from ..base.worker import resolve
from ..store.journal import Batch
from ..store.opening import JournalContent
from ..store.storage import Storage
from .decision import Decision, refuses_unknown_event, sort_decision
from .decision_feed import DecisionFeed
from .deferred_commands import DeferredCommands
from .effect_runner import EffectRunner, Perform
from .failure_log import FailureLog
from .queue import QueuedTrigger
from .refusals import RAISED, Refusals
from .waiting_line import Promise, WaitingLine
from .waker import Waker


class Runtime:
    """Runs a `Ven`. Drivers, link, web and timers only ever `post`; nothing else writes memory."""

    def __init__(
        self, ven: Ven, storage: Storage, content: JournalContent, perform: Perform
    ) -> None:
        self.ven, self.memory = ven, from_parts(ven.spec, content.parts)
        self._storage = storage
        self._inbox: deque[Trigger] = deque()
        self._line = WaitingLine(self._late)
        self._busy = self._stopped = False
        self._slice = TimeSlice(self.go_on)
        self._raised, self._meanwhile = FailureLog(), DeferredCommands()
        waker = Waker(lambda: clocks()[0], lambda: self.memory.due_ms(), self._ring)
        self._performing = EffectRunner(storage, Answers(content.answered), waker, perform)
        self.aftermath = DecisionFeed()
        self._refusals = Refusals(storage, self._performing, self._made, self._take_effect)

    @property
    def rev(self) -> int:
        """The number of changes so far."""
        return self.aftermath.rev

    # -- requests from outside -------------------------------------------------------------------

    def post(self, trigger: Trigger) -> None:
        """Report that something happened. Decided when this returns, or after what is before it.

        A trigger posted during a decision waits for its end. Call from the event loop only.
        """
        self._inbox.append(trigger)
        self._work()

    def step(self, trigger: Trigger) -> None:
        """Like `post`, but also works after `stop`."""
        with self._turn():
            self._admit(trigger)

    def stop(self) -> None:
        """Ignore everything that is posted from now on."""
        self._stopped = True

    async def submit(self, command: Command) -> Mapping[str, Any]:
        """Submit a command; returns its ack once it is stored, or cannot be."""
        command, answer = self._performing.asks(command)
        self.post(command)
        return await answer

    def watch(self) -> AsyncIterator[Transition | None]:
        """Yields a transition of an event, or None for another change; at least once a second."""
        return self.aftermath.watch()

    async def take_over(self, ven: Ven, trigger: Reloaded) -> None:
        """Continue with another ven.yaml; memory is adapted to it as at a start.

        Raises OSError if it cannot be stored; the previous one then stays in effect.
        """
        stored: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._line.join(QueuedTrigger(trigger, ven, lambda done: resolve(stored, done, None)))
        self.go_on()
        if not await stored:
            raise OSError(
                f"the journal cannot be written: {self._storage.down or 'the disk is slow'}"
            )

    def adopt(self, content: JournalContent, boot: str) -> None:
        """Continue from the stored state, which can be read at last, plus what was done since."""
        self.memory = adopt_memory(from_parts(self.ven.spec, content.parts), self.memory)
        self._performing.learn(content.answered)
        with self._turn():
            at_ms, mono_ms = clocks()
            since = self._meanwhile.taken(at_ms, mono_ms)
            now = Restarted(at_ms=at_ms, mono_ms=mono_ms, boot=boot, since=since)
            self._safely(QueuedTrigger(now))
        self._work()

    def show(self) -> None:
        """Tell watchers about a change that is not in memory."""
        self.aftermath.publish_change(self.memory)

    def everything(self) -> Batch:
        """Everything to store, except queued messages."""
        return Batch(self.memory, answers=self._performing.answers.rows())

    def go_on(self) -> None:
        """Continue with waiting commands, because the disk is free or failed."""
        if self._busy:
            return
        with self._turn():
            while self._line and (self._storage.down is not None or self._line.promise is None):
                if self._slice.over():
                    break
                entry = self._line.next()
                self._safely(entry)
                if entry in self._line:
                    break
        self._work()

    # -- one decision at a time ------------------------------------------------------------------

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
        entry = QueuedTrigger(trigger)
        if isinstance(trigger, Command | Desired) and self._must_wait(entry):
            self._line.join(entry)
            self._thin_out()
        else:
            self._safely(entry)

    def _must_wait(self, entry: QueuedTrigger) -> bool:
        if self._storage.down is None and (self._line or self._line.promise is not None):
            return True
        return entry.from_afar and (bool(self._line) or self._slice.over())

    def _safely(self, entry: QueuedTrigger, instead: Decision | None = None) -> None:
        try:
            self._decide(entry, instead)
        except Exception as error:
            self._raised.tell(entry.trigger, error)
            self._line.drop(entry)
            if isinstance(entry.trigger, Command):
                self._refusals.answer(entry.trigger, "invalid", RAISED)
            entry.end(False)

    def _decide(self, entry: QueuedTrigger, instead: Decision | None) -> None:
        """`instead` is the stored decision on the same trigger, if memory has changed since."""
        waited = entry.timer is not None or instead is not None
        trigger = _stamped(entry.trigger) if waited else entry.trigger
        entry.trigger = self._performing.known(trigger, self.memory)
        ven, before = self._site(entry)
        after, effects = ven.decide(before, entry.trigger)
        if instead is not None:
            self.ven = ven
            self._take_effect(self._made(entry.trigger, effects, after), True, instead)
            entry.end(True)
            return
        if entry.ven or must_store_first(ven.spec, before, after, entry.trigger, effects):
            self._store_first(entry, after, effects)
            return
        self._line.drop(entry)
        self._take_effect(self._overtake(entry, self._made(entry.trigger, effects, after)))

    def _site(self, entry: QueuedTrigger) -> tuple[Ven, Memory]:
        """The site to decide for, and its memory."""
        if entry.ven is None:
            return self.ven, self.memory
        return entry.ven, from_parts(entry.ven.spec, to_parts(self.memory))

    def _made(
        self, trigger: Trigger, effects: Sequence[Effect], after: Memory | None = None
    ) -> Decision:
        return sort_decision(
            trigger, self.memory, after or self.memory, effects, self._storage.letter
        )

    # -- what is stored before it is done --------------------------------------------------------

    def _store_first(self, entry: QueuedTrigger, after: Memory, effects: Sequence[Effect]) -> None:
        if self._storage.down is not None:
            self._refuse(entry, "storage", NOT_STORED)
        elif not self._storage.ready or self._line.promise is not None:
            self._line.join(entry)
        else:
            self._line.drop(entry)
            made = self._made(entry.trigger, effects, after)
            self._line.promise = Promise(entry, made)
            self._storage.promise(made.batch(), self._stored)

    def _stored(self, stored: bool) -> None:
        promise, self._line.promise = self._line.promise, None
        assert promise is not None
        with self._turn():
            if not stored:
                self._refuse(promise.one, "storage", NOT_STORED)
            elif promise.overtaken:
                self._refusals.take_back(promise)
            elif promise.made.before is self.memory:
                self.ven = promise.one.ven or self.ven
                self._take_effect(promise.made, True)
                promise.one.end(True)
            else:
                self._safely(promise.one, promise.made)
        self.go_on()

    def _refuse(self, entry: QueuedTrigger, reason: Reason, why: str) -> None:
        self._line.drop(entry)
        if isinstance(entry.trigger, Command):
            self._refusals.answer(entry.trigger, reason, why)
        elif isinstance(entry.trigger, Desired):
            trigger = replace(entry.trigger, storable=False)
            after, effects = self.ven.decide(self.memory, trigger)
            self._take_effect(self._made(trigger, effects, after))
        entry.end(False)

    def _late(self, entry: QueuedTrigger, last: bool) -> None:
        """A command has waited: decide it now, or refuse it if it has waited for long."""
        with self._turn():
            if last:
                self._refuse(entry, "storage", NOT_STORED)
            else:
                self._safely(entry)
            self._thin_out()
        self._work()

    def _thin_out(self) -> None:
        """Refuse commands that are too many, so that those that restore load get through."""
        for entry in self._line.crowd() if self._storage.slow else ():
            self._safely(entry)
            if entry in self._line:
                self._refuse(entry, "storage", CROWDED)
        for entry in self._line.too_many():
            self._refuse(entry, *self._refusals.too_many())

    def _overtake(self, entry: QueuedTrigger, made: Decision) -> Decision:
        """Refuse earlier commands that this one withdraws, so that they are not done after it."""
        command, unknown = entry.trigger, refuses_unknown_event(made)
        if not isinstance(command, Command) or (made.quick and not unknown):
            return made
        taken_back = self._line.overtaken(self.ven.spec, entry)
        for other in taken_back:
            if other in self._line:
                self._refuse(other, *self._refusals.overtaken())
        if unknown and taken_back:
            ack = ack_for(self.ven.spec, made.after, command)
            return self._made(command, [ack], made.after)
        return made

    # -- effects of a decision -------------------------------------------------------------------

    def _take_effect(
        self, made: Decision, stored: bool = False, instead: Decision | None = None
    ) -> None:
        self.memory = made.after
        self._performing.carry_out(made, stored, instead)
        if self._storage.unknown and not made.quick and isinstance(made.trigger, Command):
            self._meanwhile.keep(made.trigger)
        self.aftermath.publish(made)

    def _ring(self) -> None:
        self.post(_stamped(Timer(at_ms=0, mono_ms=0)))


def _stamped(trigger: Trigger) -> Trigger:
    at_ms, mono_ms = clocks()
    return replace(trigger, at_ms=at_ms, mono_ms=mono_ms)
