"""Time as fake devices have it: the machine's, or one that a test moves by hand."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from typing import Protocol

Cancel = Callable[[], None]


class Clock(Protocol):
    """Seconds that only grow, and deeds that become due."""

    def now(self) -> float: ...

    def wall(self) -> float:
        """Seconds since 1970."""

    def after(self, seconds: float, deed: Callable[[], None]) -> Cancel:
        """Does it so much later; called, the answer takes that back."""


class LoopClock:
    """The machine's time; deeds run on the running loop."""

    def now(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()

    def after(self, seconds: float, deed: Callable[[], None]) -> Cancel:
        return asyncio.get_running_loop().call_later(seconds, deed).cancel


class HandClock:
    """Stands still until `advance`, which does whatever becomes due, in order."""

    def __init__(self) -> None:
        self._now, self._began = 0.0, time.time()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._cancelled: set[int] = set()
        self._count = itertools.count()

    def now(self) -> float:
        return self._now

    def wall(self) -> float:
        return self._began + self._now

    def after(self, seconds: float, deed: Callable[[], None]) -> Cancel:
        number = next(self._count)
        heapq.heappush(self._due, (self._now + seconds, number, deed))
        return lambda: self._cancelled.add(number)

    def advance(self, seconds: float) -> None:
        until = self._now + seconds
        while self._due and self._due[0][0] <= until:
            self._now, number, deed = heapq.heappop(self._due)
            if number not in self._cancelled:
                deed()
        self._now = until


async def pause(clock: Clock, seconds: float) -> None:
    """Sleeps by this clock."""
    if seconds <= 0:
        return
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    cancel = clock.after(seconds, lambda: None if over.done() else over.set_result(None))
    try:
        await over
    finally:
        cancel()


async def soon(happened: Callable[[], object], seconds: float = 5) -> None:
    """Waits on the running loop until it has happened."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        await asyncio.sleep(0.005)
