"""The loop: one inbox, one decision at a time, the journal before the deed."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from statemachine.effects import Ack, Effect, Wake
from statemachine.journaling import worth_keeping
from statemachine.memory import Memory, Passed, from_parts, to_parts
from statemachine.triggers import Command, DrEvent, Readings, Reloaded, Timer, Trigger
from statemachine.ven import Ven
from statemachine.watch import watch
from statemachine.wire import rejected

from .journal import Journal

log = logging.getLogger(__name__)
Perform = Callable[[Effect, int | None], None]


def clocks() -> tuple[int, int]:
    """UTC and monotonic milliseconds: the only clocks of the program."""
    return time.time_ns() // 1_000_000, time.monotonic_ns() // 1_000_000


class Runtime:
    """Runs a `Ven`. Drivers, link, web and timers only ever `post`; nothing else writes memory.

    `perform` carries out everything but Acks to `submit` and Wakes, with its todo number.
    """

    def __init__(self, ven: Ven, journal: Journal, perform: Perform) -> None:
        kept = journal.load()
        self.ven, self.memory = ven, from_parts(ven.spec, kept)
        self.rev = 0
        self._journal, self._perform = journal, perform
        # As a start fitted memory to the file, so is what was kept with its first decision.
        self._kept: Memory | None = None
        self._inbox: deque[Trigger] = deque()
        self._busy = self._stopped = False
        self._answers: dict[str, asyncio.Future[Mapping[str, Any]]] = {}
        self._replies = count(1)
        self._timer: asyncio.TimerHandle | None = None
        self._watchers: set[asyncio.Queue[Passed | None]] = set()
        self._broken: frozenset[str] = frozenset()

    def post(self, trigger: Trigger) -> None:
        """Something happened: decided upon and journaled when this returns.

        What is posted within a decision waits for its end. Call from the event loop only.
        """
        self._inbox.append(trigger)
        while self._inbox and not self._busy and not self._stopped:
            first = self._inbox.popleft()
            try:
                self.step(first)
            except Exception:
                log.exception("this trigger changed nothing: %s", first)

    def stop(self) -> None:
        """Decide nothing more."""
        self._stopped = True

    async def submit(self, command: Command) -> Mapping[str, Any]:
        """Something is asked; the ack comes once it is journaled."""
        reply = f"here:{next(self._replies)}"
        answer: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[reply] = answer
        self.post(replace(command, reply=reply))
        return await answer

    async def watch(self) -> AsyncIterator[Passed | None]:
        """A transition of an event, or None for any other change; at least once a second."""
        queue: asyncio.Queue[Passed | None] = asyncio.Queue(maxsize=256)
        self._watchers.add(queue)
        try:
            while True:
                try:
                    async with asyncio.timeout(1.0):
                        passed = await queue.get()
                except TimeoutError:
                    passed = None
                yield passed
        finally:
            self._watchers.discard(queue)

    def step(self, trigger: Trigger) -> None:
        """One decision, journaled, then performed."""
        self._busy = True
        try:
            self._decide(trigger)
        finally:
            self._busy = False

    def take_over(self, ven: Ven, trigger: Reloaded) -> None:
        """Go on under another ven.yaml; memory is fitted to it as at a start.

        Raises sqlite3.Error where it cannot be journaled; the one before then stays in force.
        """
        before, kept = (self.ven, self.memory), self._kept
        self.ven, self.memory = ven, from_parts(ven.spec, to_parts(self.memory))
        self._kept = None  # what is gone from memory goes from the journal too
        try:
            self.step(trigger)
        except BaseException:
            (self.ven, self.memory), self._kept = before, kept
            raise

    def _decide(self, trigger: Trigger) -> None:
        if isinstance(trigger, Command) and (earlier := self._journal.earlier(trigger)):
            trigger = replace(trigger, earlier=earlier)
        before = self.memory
        after, effects = self.ven.decide(before, trigger)
        try:
            numbers = self._keep(before, after, trigger, effects)
        except sqlite3.Error as error:
            log.error("the journal cannot be written: %s", error)
            if isinstance(trigger, Reloaded):
                raise
            numbers = {}
            if isinstance(trigger, DrEvent):
                after, effects = before, [rejected(trigger, "storage", "the disk refuses")]
        self.memory = after
        self.rev += 1
        for place in sorted(range(len(effects)), key=lambda n: not isinstance(effects[n], Ack)):
            self._do(effects[place], numbers.get(place))  # who asked hears first
        self._look_after_rules()
        self._tell(before, after, quiet=isinstance(trigger, Readings | Timer) and not effects)

    def _keep(
        self, before: Memory, after: Memory, trigger: Trigger, effects: Sequence[Effect]
    ) -> dict[int, int]:
        if not worth_keeping(trigger, before, after, effects):
            return {}
        numbers = self._journal.commit(self._kept, after, trigger, effects)
        self._kept = after
        return numbers

    def _look_after_rules(self) -> None:
        """Log when a rule of the site's own is broken, and when it holds again."""
        found = {breach.rule: breach for breach in watch(self.ven.spec, self.memory)}
        for rule in found.keys() - self._broken:
            log.warning("a rule of this site is broken: %s", found[rule])
        for rule in self._broken - found.keys():
            log.warning("a rule of this site holds again: %s", rule)
        self._broken = frozenset(found)

    def _do(self, effect: Effect, number: int | None) -> None:
        match effect:
            case Wake(at_ms):
                self._wake(at_ms)
            case Ack(reply, body) if (answer := self._answers.pop(reply, None)) is not None:
                if not answer.done():
                    answer.set_result(body)
            case _:
                self._perform(effect, number)

    def _wake(self, at_ms: int | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if at_ms is not None:
            wait_s = min(max(0.0, (at_ms - clocks()[0]) / 1000), 60.0)
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._ring)

    def _ring(self) -> None:
        at_ms, mono_ms = clocks()
        due_ms = self.memory.due_ms()
        if due_ms is not None and due_ms > at_ms:
            self._wake(due_ms)
        else:
            self.post(Timer(at_ms=at_ms, mono_ms=mono_ms))

    def _tell(self, before: Memory, after: Memory, quiet: bool) -> None:
        passed = after.last if after.last is not before.last else None
        for queue in self._watchers:
            if not queue.full() and not (quiet and not queue.empty()):
                queue.put_nowait(passed)
